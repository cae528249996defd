// Errors of the API, as an application gets them.

import { connect } from 'node:net';

import { email, post, reached, send } from '../lib/api.mjs';
import { assert, until } from '../lib/assert.mjs';
import { signUp } from '../lib/dashboard.mjs';
import { startServer } from '../lib/server.mjs';

export const name = 'errors of the API';
export const databases = ['sqlite', 'postgres'];

const SEND = '/api/v1/emails/send';
const MAX_BODY = 26_214_400;

export async function run(t) {
  const server = await startServer(t);
  const dashboard = await signUp(server);
  const key = await dashboard.createKey();

  await keys(server, dashboard, key);
  await everythingAtOnce(server, key);
  await shapes(server, key);
  await sizes(server, key);
  await testKeysNeverSend(server, dashboard);
  await limits(t);
  if (t.database === 'postgres') await revokedOnEveryNode(t, server, dashboard);
}

/** The answer as an error, with all that every error has. */
async function refused(response, status, code) {
  const text = await response.text();
  assert.equal(response.status, status, text);
  const { error, request_id: requestId } = JSON.parse(text);
  assert.equal(error.code, code, text);
  assert.match(requestId, /^req_[a-z0-9]{24}$/);
  assert.equal(response.headers.get('x-request-id'), requestId);
  assert.ok(error.message.length > 0 && typeof error.retryable === 'boolean' && Array.isArray(error.errors));
  return { ...error, headers: response.headers };
}

const bearer = (key) => ({ authorization: `Bearer ${key}` });

async function keys(server, dashboard, key) {
  for (const headers of [{}, { authorization: 'Basic YTpi' }, bearer(''), bearer(`smx_live_${'A'.repeat(32)}`), bearer(`${key}x`), bearer(key.slice(0, -1))]) {
    const error = await refused(await server.fetch(SEND, { json: email(), headers }), 401, 'authentication_required');
    assert.match(error.headers.get('www-authenticate'), /^Bearer /);
  }
  // The key is looked at before anything of the body.
  await refused(await server.fetch(SEND, { method: 'POST', body: 'nonsense' }), 401, 'authentication_required');

  const { id, secret } = await dashboard.createKeyWithId({ name: 'short-lived' });
  assert.equal((await post(server, secret, email())).status, 202);
  assert.ok((await dashboard.call('revoke_key', { id })).ok);
  await refused(await server.fetch(SEND, { json: email(), headers: bearer(secret) }), 401, 'authentication_required');
}

async function everythingAtOnce(server, key) {
  const message = {
    from: { email: 'nobody' },
    to: [{ email: 'bo@example.net' }, { email: 'a@b@c' }],
    bcc: [{ mail: 'x@example.net' }],
    subject: 'two\r\nBcc: lines@example.net',
    custom_headers: { Received: 'x', 'X-Fine': 'a\nb' },
    attachments: [{ filename: 'a.txt', content: '%%%' }],
    colour: 'blue',
  };
  const error = await refused(await server.fetch(SEND, { json: message, headers: bearer(key) }), 422, 'validation_error');
  const fields = error.errors.map(({ field }) => field);
  const wanted = ['from.email', 'to[1].email', 'bcc[0].email', 'bcc[0].mail', 'subject', 'custom_headers', 'attachments[0].content', 'colour', 'html_body'];
  for (const field of wanted) assert.ok(fields.some((found) => found.startsWith(field)), `${field} in ${fields}`);
  assert.equal(error.param, fields[0]);
  assert.equal(new Set(fields).size, fields.length, 'each field once');
  assert.ok(error.errors.every(({ code, message: text }) => code && text));

  const empty = await refused(await server.fetch(SEND, { json: {}, headers: bearer(key) }), 400, 'missing_parameter');
  assert.deepEqual(empty.errors.map(({ field }) => field).sort(), ['from', 'html_body', 'subject', 'to']);
}

async function shapes(server, key) {
  const headers = { ...bearer(key), 'content-type': 'application/json' };
  for (const body of ['', '{', '[]', 'null', '{"a":1}}', '"text"']) {
    const error = await refused(await server.fetch(SEND, { method: 'POST', body, headers }), 400, 'invalid_parameter');
    assert.equal(error.errors[0].field, 'body', body);
  }
  const text = await server.fetch(SEND, { method: 'POST', body: '{}', headers: { ...headers, 'content-type': 'text/plain' } });
  await refused(text, 415, 'unsupported_media_type');
  const zipped = await server.fetch(SEND, { method: 'POST', body: '{}', headers: { ...headers, 'content-encoding': 'gzip' } });
  await refused(zipped, 415, 'unsupported_media_type');
  const wrongMethod = await refused(await server.fetch(SEND, { headers }), 405, 'method_not_allowed');
  assert.match(wrongMethod.headers.get('allow'), /POST/);
  await refused(await server.fetch('/api/v1/emails', { headers }), 404, 'not_found');
  await refused(await server.fetch('/api/v1/', { headers }), 404, 'not_found');
  // A client with a wrong base URL is told so: with an error of the API, not with a page of the dashboard.
  for (const path of ['/api/v2/emails/send', '/emails/send', '/providers', '/api', '/']) {
    for (const method of ['POST', 'PATCH', 'DELETE']) {
      await refused(await server.fetch(path, { method, body: '{}', headers }), 404, 'not_found');
      const bare = { 'content-type': 'application/json' };
      await refused(await server.fetch(path, { method, body: '{}', headers: bare }), 404, 'not_found');
    }
    if (path !== '/') await refused(await server.fetch(path, { headers }), 404, 'not_found');
  }
  const rate = await server.fetch(SEND, { json: email(), headers: bearer(key) });
  for (const name of ['limit', 'remaining', 'reset']) assert.match(rate.headers.get(`x-ratelimit-${name}`), /^\d+$/);
  assert.equal(rate.headers.get('cache-control'), 'no-store');
}

async function sizes(server, key) {
  const message = JSON.stringify(email());
  const tooLarge = `${message}${' '.repeat(MAX_BODY + 1 - message.length)}`;
  const headers = { ...bearer(key), 'content-type': 'application/json' };
  await refused(await server.fetch(SEND, { method: 'POST', body: tooLarge, headers }), 413, 'payload_too_large');
  // The same when its length is not known before.
  const pieces = new ReadableStream({
    start(controller) {
      controller.enqueue(Buffer.from(tooLarge));
      controller.close();
    },
  });
  const streamed = await server.fetch(SEND, { method: 'POST', body: pieces, duplex: 'half', headers });
  await refused(streamed, 413, 'payload_too_large');
  // It is refused by what it announces, before a client that asks has sent it.
  const answer = await new Promise((resolve, reject) => {
    const socket = connect(server.port, '127.0.0.1', () => {
      const head = ['POST /api/v1/emails/send HTTP/1.1', 'Host: x', `Authorization: Bearer ${key}`, 'Content-Type: application/json'];
      socket.write([...head, `Content-Length: ${MAX_BODY + 1}`, 'Expect: 100-continue', '', ''].join('\r\n'));
    });
    socket.once('error', reject).once('data', (data) => resolve(data.toString()) ?? socket.destroy());
  });
  assert.match(answer, /^HTTP\/1\.1 413 /);
}

async function testKeysNeverSend(server, dashboard) {
  const id = await send(server, await dashboard.createKey({ mode: 'test' }), email({ subject: 'Only a test' }));
  const view = await reached(dashboard, id, 'sent');
  assert.deepEqual([view.item.mode, view.in_sandbox, view.attempts[0].provider], ['test', true, 'Sandbox']);
}

async function limits(t) {
  const server = await startServer(t, { env: { SENDMUX_RATE_LIMIT: '3' } });
  const dashboard = await signUp(server);
  const key = await dashboard.createKey();
  // Four in a row may begin in one minute and end in the next, never so twice.
  const limited = await until(async () => {
    for (let turn = 0; turn < 4; turn += 1) {
      const response = await server.fetch(SEND, { json: email(), headers: bearer(key) });
      if (response.status === 429) return refused(response, 429, 'rate_limit_exceeded');
    }
    return null;
  });
  assert.equal(limited.retryable, true);
  assert.ok(Number(limited.headers.get('retry-after')) >= 1 && Number(limited.headers.get('retry-after')) <= 60);
  assert.equal(limited.headers.get('x-ratelimit-remaining'), '0');
  // Another key has a rate of its own.
  assert.equal((await post(server, await dashboard.createKey(), email())).status, 202);

  // Guessing keys is slowed down, and does not lock out those who have one.
  await until(async () => {
    const response = await server.fetch(SEND, { json: email(), headers: bearer(`smx_live_${'B'.repeat(32)}`) });
    return response.status === 429;
  }, { what: 'guessing is slowed down', interval: 0 });
  assert.equal((await post(server, await dashboard.createKey(), email())).status, 202);
}

/** A key that works at two nodes is revoked at the first. */
async function revokedOnEveryNode(t, server, dashboard) {
  const secretKey = Buffer.alloc(32, 7).toString('base64');
  const second = await startServer(t, { databaseUrl: server.databaseUrl, env: { SENDMUX_SECRET_KEY: secretKey } });
  const { id, secret } = await dashboard.createKeyWithId({ name: 'everywhere' });
  for (const node of [server, second]) assert.equal((await post(node, secret, email())).status, 202);
  assert.ok((await dashboard.call('revoke_key', { id })).ok);
  assert.equal((await post(server, secret, email())).status, 401);
  await until(async () => (await post(second, secret, email())).status === 401, { timeout: 2_000, what: 'the second node refuses it too' });
}
