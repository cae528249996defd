// The sending API, as an application uses it.

import { assert, until } from './assert.mjs';

/** A small email, with what `more` changes or adds. */
export function email(more = {}) {
  return {
    from: { email: 'ana@example.com', name: 'Ana' },
    to: { email: 'bo@example.net' },
    subject: 'Hello',
    text_body: 'It works.',
    ...more,
  };
}

/** POST /api/v1/emails/send; returns `{ status, headers, body }` with the body read as JSON. */
export async function post(server, key, message, headers = {}) {
  const response = await server.fetch('/api/v1/emails/send', {
    json: message,
    headers: { authorization: `Bearer ${key}`, ...headers },
  });
  return { status: response.status, headers: response.headers, body: await response.json() };
}

/** Sends an email and returns its id; fails unless it was accepted. */
export async function send(server, key, message = email()) {
  const { status, body } = await post(server, key, message);
  assert.equal(status, 202, JSON.stringify(body));
  assert.equal(body.status, 'queued');
  assert.match(body.message_id, /^eml_[a-z0-9]{24}$/);
  return body.message_id;
}

/** Waits until a message has this status, and returns what its page shows. */
export async function reached(dashboard, id, status, options) {
  return until(
    async () => {
      const view = await dashboard.message(id);
      if (view.item.status === status) return view;
      throw new Error(`it is ${view.item.status}, attempts: ${JSON.stringify(view.attempts)}`);
    },
    { what: `message ${id} is ${status}`, ...options },
  );
}

/**
 * Sends `count` emails by `clients` at a time, each over a connection that it keeps, to the servers in turn. A request
 * that fails because its server is gone is not repeated: nobody was told that it was accepted.
 *
 *   message(n)       the email with this number
 *   answered         a Map that gets the id of every message that was answered `queued`, by its number
 *   mayFail(answer)  whether another answer than 202 is expected; the message counts as not answered
 *
 * A server with `gone` set will not come back: its clients have no more work. Returns `{ answered, lost }`, the latter
 * the number of requests that were not answered.
 */
export async function stream(servers, key, { count, clients = 20, message, answered = new Map(), mayFail = () => false }) {
  let next = 0;
  let lost = 0;
  const client = async (place) => {
    const server = servers[place % servers.length];
    while (next < count) {
      const number = next;
      next += 1;
      let answer;
      try {
        answer = await post(server, key, message(number));
      } catch {
        lost += 1;
        if (server.gone) return;
        await until(async () => server.gone || (await server.fetch('/healthz')).ok, { timeout: 60_000, what: 'the server is back' });
        continue;
      }
      if (answer.status !== 202 && mayFail(answer)) {
        lost += 1;
        continue;
      }
      assert.equal(answer.status, 202, JSON.stringify(answer.body));
      answered.set(number, answer.body.message_id);
    }
  };
  await Promise.all(Array.from({ length: clients }, (_, place) => client(place)));
  return { answered, lost };
}
