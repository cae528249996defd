// Providers fail in the ways that real ones do; the message goes to the next one, waits, or is retried.

import { email, reached, send } from '../lib/api.mjs';
import { assert, until } from '../lib/assert.mjs';
import { signUp } from '../lib/dashboard.mjs';
import { readMail } from '../lib/mail.mjs';
import { startServer } from '../lib/server.mjs';
import { startSink } from '../lib/sink.mjs';

export const name = 'failing over and retrying';
export const databases = ['sqlite', 'postgres'];

export async function run(t) {
  const server = await startServer(t, { env: { SENDMUX_RETRY_DELAYS: '1s,1s,1s' } });
  // Each in a team of its own, so that one's providers are not the next one's.
  let teams = 0;
  const team = async () => {
    teams += 1;
    const dashboard = await signUp(server, { email: `user${teams}@example.com`, team: `Team ${teams}` });
    return { server, dashboard, key: await dashboard.createKey() };
  };
  await Promise.all([
    oneIsGone(t, await team()),
    oneRecipientRefused(t, await team()),
    everyRecipientRefused(t, await team()),
    greylisted(t, await team()),
    cutAfterTheFinalDot(t, await team()),
    neverTaken(t, await team()),
    wrongPassword(t, await team()),
  ]);
}

/** A provider that refuses connections costs nothing but a moment, and is pulled from rotation soon. */
async function oneIsGone(t, { server, dashboard, key }) {
  const [gone, there] = [await startSink(t), await startSink(t)];
  const goneId = await dashboard.addSmtp({ name: 'Gone', port: gone.port });
  await dashboard.addSmtp({ name: 'There', port: there.port });
  await gone.stop();
  const ids = [];
  await until(
    async () => {
      ids.push(await send(server, key, email({ subject: `Number ${ids.length}` })));
      return (await dashboard.providers()).find(({ id }) => id === goneId).state === 'blocked';
    },
    { timeout: 30_000, interval: 50, what: 'the provider that is gone is pulled from rotation' },
  );
  let failedOver = 0;
  for (const id of ids) {
    const { attempts } = await reached(dashboard, id, 'sent');
    assert.equal(attempts.at(-1).provider, 'There');
    assert.ok(attempts.every(({ round }) => round === 1), 'failing over needs no new round');
    if (attempts.length > 1) {
      failedOver += 1;
      assert.deepEqual([attempts[0].provider, attempts[0].class], ['Gone', 'Connection']);
      assert.match(attempts[0].text, /refused/i);
    }
  }
  assert.ok(failedOver >= 3, `${failedOver} messages were failed over`);
  assert.equal(there.messages.length, ids.length);
  const { attention } = await dashboard.overview();
  assert.ok(attention.some(({ title }) => title.includes('Gone')), JSON.stringify(attention));

  // It is back, somebody tests it, and it takes its share again.
  await gone.start();
  const test = await dashboard.call('test_provider', { id: goneId, back: '/providers' });
  assert.ok(test.ok, JSON.stringify(test));
  await until(
    async () => {
      await reached(dashboard, await send(server, key), 'sent');
      return gone.messages.length > 0;
    },
    { timeout: 30_000, what: 'the provider that is back takes messages' },
  );
}

/** RCPT is refused for one of three: the others have it, once, and the page tells who has not. */
async function oneRecipientRefused(t, { server, dashboard, key }) {
  const sink = await startSink(t, { onRecipient: (address) => (address.startsWith('nobody@') ? '550 5.1.1 No such user here' : undefined) });
  await dashboard.addSmtp({ port: sink.port });
  const to = ['a@example.net', 'nobody@example.net', 'c@example.net'].map((address) => ({ email: address }));
  const id = await send(server, key, email({ to }));
  const view = await reached(dashboard, id, 'partially_sent');
  assert.deepEqual(view.recipients.map(({ status }) => status), ['sent', 'failed', 'sent']);
  assert.match(view.recipients[1].detail, /No such user here/);
  assert.deepEqual(sink.messages.map((message) => message.to), [['a@example.net', 'c@example.net']]);
  assert.equal((await dashboard.providers())[0].state, 'active', 'a wrong address is not the fault of the provider');

  const page = await dashboard.browse(t);
  await page.goto(`/messages/${id}`);
  await page.getByText('Partly sent').first().waitFor();
  await page.shot(`failover-${t.database}-partly-sent`);
}

async function everyRecipientRefused(t, { server, dashboard, key }) {
  const sink = await startSink(t, { onRecipient: () => '550 5.1.1 No such user here' });
  await dashboard.addSmtp({ port: sink.port });
  const view = await reached(dashboard, await send(server, key), 'failed');
  assert.equal(view.attempts.length, 1, 'what is refused for good is not retried');
  assert.match(view.item.last_error, /No such user here/);
}

/** 451 to RCPT, as greylisting servers answer: the next round succeeds. */
async function greylisted(t, { server, dashboard, key }) {
  let refusals = 2;
  const sink = await startSink(t, {
    onRecipient: () => {
      refusals -= 1;
      return refusals >= 0 ? '451 4.7.1 Greylisted, try again later' : undefined;
    },
  });
  await dashboard.addSmtp({ port: sink.port });
  const id = await send(server, key);
  const view = await reached(dashboard, id, 'sent');
  assert.deepEqual(view.attempts.map(({ round, class: outcome }) => [round, outcome]), [[1, 'Deferred'], [2, 'Deferred'], [3, 'Accepted']]);
  assert.equal(sink.messages.length, 1);
  assert.equal((await dashboard.providers())[0].state, 'active', 'greylisting is not the fault of the provider');
}

/** The connection dies after the final dot: nobody knows, so it is sent again, as the same message. */
async function cutAfterTheFinalDot(t, { server, dashboard, key }) {
  const seen = [];
  const sink = await startSink(t, {
    onData: (message) => {
      seen.push(message);
      return seen.length === 1 ? 'drop' : undefined;
    },
  });
  await dashboard.addSmtp({ port: sink.port });
  const view = await reached(dashboard, await send(server, key), 'sent');
  assert.deepEqual(view.attempts.map(({ round, class: outcome }) => [round, outcome]), [[1, 'Unknown'], [2, 'Accepted']]);
  assert.match(JSON.stringify(view.timeline), /not known whether it was taken/);
  assert.equal(seen.length, 2);
  assert.deepEqual(seen[0].raw, seen[1].raw, 'the copy is the same to the byte');
  assert.equal((await readMail(seen[1].raw)).message_id, view.header_message_id);
}

/** Four rounds in vain: it fails, and the page tells why. */
async function neverTaken(t, { server, dashboard, key }) {
  const sink = await startSink(t, { onRecipient: () => '452 4.2.2 Mailbox full' });
  await dashboard.addSmtp({ port: sink.port });
  const view = await reached(dashboard, await send(server, key), 'failed', { timeout: 20_000 });
  assert.deepEqual(view.attempts.map(({ round }) => round), [1, 2, 3, 4]);
  assert.match(view.item.last_error, /every round[^]*Mailbox full/);
}

/** A password that stopped working blocks its provider at once; what waits goes out when it is right again. */
async function wrongPassword(t, { server, dashboard, key }) {
  const auth = { user: 'mailbox', pass: 'first' };
  const sink = await startSink(t, { auth });
  const id = await dashboard.addSmtp({ port: sink.port, username: 'mailbox', password: 'first' });
  await reached(dashboard, await send(server, key), 'sent');
  auth.pass = 'second';
  sink.cutAll();
  const waiting = await send(server, key, email({ subject: 'Waits for the password' }));
  const blocked = await until(async () => (await dashboard.providers()).find((one) => one.id === id && one.state === 'blocked'));
  assert.match(blocked.reason, /refuses the login/);
  await reached(dashboard, waiting, 'queued');
  // Between the attempt and the next look at it, it is simply next in line.
  const reason = async () => (await dashboard.message(waiting)).waiting?.reason;
  await until(async () => /pulled from rotation|next one is due/.test(await reason()), { what: 'it waits for the password' });
  const smtp = { host: '127.0.0.1', port: String(sink.port), security: 'none', username: 'mailbox', password: 'second' };
  const saved = await dashboard.call('save_provider', { id, version: String(blocked.version), name: 'Sink', ...smtp });
  assert.ok(saved.ok, JSON.stringify(saved));
  assert.ok((await dashboard.call('test_provider', { id, back: '/providers' })).ok);
  await reached(dashboard, waiting, 'sent');
}
