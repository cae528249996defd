// The database is unreachable for a while. Clients get errors to try again, `/readyz` is right, and a server that is stopped
// meanwhile waits for the database, so that nothing is sent twice.

import { email, post, send } from '../lib/api.mjs';
import { assert, until } from '../lib/assert.mjs';
import { signUp } from '../lib/dashboard.mjs';
import { arrivals, settled } from '../lib/delivery.mjs';
import { createDatabase } from '../lib/postgres.mjs';
import { startProxy } from '../lib/postgres-proxy.mjs';
import { swaks } from '../lib/process.mjs';
import { startServer } from '../lib/server.mjs';
import { startSink } from '../lib/sink.mjs';

export const name = 'the database is away';
export const databases = ['postgres'];
export const seconds = 180;

const MESSAGES = 15;

export async function run(t) {
  const proxy = await startProxy(t, await createDatabase(t));
  const server = await startServer(t, { databaseUrl: proxy.url, env: { SENDMUX_RATE_LIMIT: '10000000' } });
  const dashboard = await signUp(server);
  const key = await dashboard.createKey({ permissions: ['send', 'read', 'manage'] });
  const sink = await startSink(t);
  await dashboard.addSmtp({ port: sink.port });
  await send(server, key);

  proxy.away();
  await everybodyIsToldToTryAgain(server, dashboard, key);
  proxy.back();
  await until(async () => (await server.fetch('/readyz')).status === 200, { timeout: 30_000, what: 'it is ready again by itself' });
  await send(server, key);

  await sink.received(2, { timeout: 30_000 });
  await stoppedMeanwhile({ server, dashboard, key, sink, proxy });
}

async function everybodyIsToldToTryAgain(server, dashboard, key) {
  const authorization = `Bearer ${key}`;
  const answers = {
    send: await post(server, key, email()),
    list: await server.fetch('/api/v1/messages', { headers: { authorization } }),
    providers: await server.fetch('/api/v1/providers', { headers: { authorization } }),
    page: await dashboard.get('/messages'),
    form: await dashboard.post('sign_in', { email: 'ana@example.com', password: 'wrong wrong wrong', next: '' }),
  };
  for (const [what, { status, headers }] of Object.entries(answers)) {
    assert.equal(status, 503, `${what}: ${status}`);
    assert.ok(Number(headers.get('retry-after')) > 0, `${what}: Retry-After`);
  }
  assert.equal((await server.fetch('/readyz')).status, 503);
  assert.equal((await server.fetch('/healthz')).status, 200);
  const mail = await swaks(server.smtpPort, [
    ...['--tls', '--auth', 'PLAIN', '--auth-user', 'any', '--auth-password', key],
    ...['--from', 'a@example.com', '--to', 'b@example.net'],
  ]);
  assert.match(mail.output, /<~\* +4\d\d 4\.\d\.\d/, mail.output);
}

/** SIGTERM while the database is away: what providers have taken is written once it is back, and nothing is sent twice. */
async function stoppedMeanwhile({ server, dashboard, key, sink, proxy }) {
  const answered = new Map();
  let taken = 0;
  let release;
  const released = new Promise((resolve) => {
    release = resolve;
  });
  sink.onData = async () => {
    taken += 1;
    await released;
  };
  for (let number = 0; number < MESSAGES; number += 1) answered.set(number, await send(server, key));
  await until(() => taken === MESSAGES, { timeout: 30_000, what: 'the sink has all of them' });
  proxy.away();
  const stopped = server.stop();
  release();
  await server.logged(/stopping: finishing/);
  await server.logged(/settling failed/, { timeout: 30_000 });
  proxy.back();
  assert.deepEqual(await stopped, { code: 0, signal: null });
  await server.start();
  const { copies } = await arrivals(sink, answered, { timeout: 60_000 });
  await settled(dashboard, MESSAGES, { timeout: 60_000 });
  assert.equal(copies.size, 0, 'nothing is sent twice');
}
