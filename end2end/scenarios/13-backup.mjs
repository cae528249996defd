// `sendmux backup` beside a server under load, restored into a new folder: it starts, knows its people and its keys, and
// delivers what was waiting. Without the secret key nothing starts, and no new key is made.

import { access, copyFile, mkdir, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { email, reached, send, stream } from '../lib/api.mjs';
import { assert, until } from '../lib/assert.mjs';
import { arrivals, settled } from '../lib/delivery.mjs';
import { signIn, signUp } from '../lib/dashboard.mjs';
import { command, startServer } from '../lib/server.mjs';
import { startSink } from '../lib/sink.mjs';

const long = Boolean(process.env.SENDMUX_LONG_TESTS);
const MESSAGES = long ? 20_000 : 2_000;
/** A backup takes about a second for 50 MB; this is for machines that do much else. */
const MOST_SECONDS = 30;

export const name = 'a backup under load, restored';
export const databases = ['sqlite', 'postgres'];
export const seconds = long ? 600 : 180;

export async function run(t) {
  if (t.database === 'postgres') return postgres(t);
  const server = await startServer(t, { env: { SENDMUX_RATE_LIMIT: '10000000', SENDMUX_RETRY_DELAYS: '1s,1s,1s' } });
  const dashboard = await signUp(server);
  const key = await dashboard.createKey();
  const login = { user: 'mailbox', pass: 'secret' };
  // Holds everything back, so that the backup has a backlog.
  let release;
  const released = new Promise((resolve) => {
    release = resolve;
  });
  const first = await startSink(t, { auth: login, onData: () => released });
  const provider = await dashboard.addSmtp({ port: first.port, username: login.user, password: login.pass });

  const folder = await t.temporaryFolder();
  const file = join(folder, 'copy.sqlite3');
  const answered = new Map();
  const sending = stream([server], key, { count: MESSAGES, answered, message: (number) => email({ subject: `Number ${number}` }) });
  await Promise.race([until(() => answered.size >= MESSAGES / 4, { timeout: 60_000, interval: 5 }), sending]);
  const before = new Map(answered);
  const began = performance.now();
  const made = await command(server.dataFolder, ['backup', file], { timeout: MOST_SECONDS * 1_000 });
  const took = performance.now() - began;
  const during = answered.size - before.size;
  assert.equal(made.code, 0, made.output);
  assert.match(made.output, /secret\.key/, 'it says where the key is');
  assert.ok(during > 0, 'the server went on accepting meanwhile');
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  assert.deepEqual(await readdir(folder), ['copy.sqlite3'], 'nothing else is left behind');

  // It never overwrites.
  const content = await readFile(file);
  const again = await command(server.dataFolder, ['backup', file]);
  assert.notEqual(again.code, 0);
  assert.match(again.output, /exists already/);
  assert.ok(content.equals(await readFile(file)));
  await sending;
  await server.kill();
  release();
  await first.stop();

  // Without the key: a clear message, and no new one.
  const restored = join(folder, 'restored');
  await mkdir(restored, { mode: 0o700 });
  await copyFile(file, join(restored, 'sendmux.sqlite3'));
  const create = ['key', 'create', '--team', 'nobody'];
  for (const args of [['serve'], create, ['config', 'check'], ['backup', join(folder, 'other.sqlite3')]]) {
    const { code, output } = await command(restored, args, { env: { SENDMUX_HTTP_ADDR: '127.0.0.1:0', SENDMUX_SMTP_ADDR: 'off', SENDMUX_SMTPS_ADDR: 'off' } });
    assert.notEqual(code, 0, `${args}: ${output}`);
    assert.match(output, /secret\.key is missing/, `${args}`);
    await assert.rejects(access(join(restored, 'secret.key')), `${args} makes no key`);
  }

  // With it, everything that was answered before the backup began is delivered.
  await copyFile(join(server.dataFolder, 'secret.key'), join(restored, 'secret.key'));
  const sink = await startSink(t, { auth: login, port: first.port });
  const second = await startServer(t, { dataFolder: restored, env: server.env });
  const later = await signIn(second, 'ana@example.com');
  const arrived = await arrivals(sink, before, { timeout: 90_000 });
  await settled(later, before.size, { timeout: 60_000 });
  assert.equal((await later.providers())[0].id, provider);
  await reached(later, await send(second, key), 'sent');
  t.log(
    `${(content.length / 1e6).toFixed(1)} MB in ${(took / 1000).toFixed(1)} s while ${during} messages were accepted; ` +
      `all ${arrived.firsts} answered before it arrived from the copy`,
  );
}

async function postgres(t) {
  const server = await startServer(t);
  const folder = await t.temporaryFolder();
  const { code, output } = await command(server.dataFolder, ['backup', join(folder, 'copy')], { databaseUrl: server.databaseUrl });
  assert.notEqual(code, 0);
  assert.match(output, /pg_dump/);
  assert.deepEqual(await readdir(folder), []);
}
