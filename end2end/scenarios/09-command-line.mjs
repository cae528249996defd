// The command line: an operator's commands beside a running server, and their errors.

import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { email, post, reached, send } from '../lib/api.mjs';
import { assert } from '../lib/assert.mjs';
import { PASSWORD, signIn } from '../lib/dashboard.mjs';
import { createDatabase } from '../lib/postgres.mjs';
import { freePort } from '../lib/process.mjs';
import { command, startServer } from '../lib/server.mjs';
import { startSink } from '../lib/sink.mjs';

export const name = 'the command line';
export const databases = ['sqlite', 'postgres'];

export async function run(t) {
  const folder = await t.temporaryFolder();
  const databaseUrl = t.database === 'postgres' ? await createDatabase(t) : null;
  const sendmux = (args, options) => command(folder, args, { databaseUrl, ...options });

  await help(sendmux);
  await configuration(t, sendmux);
  await accounts(t, { folder, databaseUrl, sendmux });
  await oneServerAFolder(t);
  await rotatedSecret(t);
}

async function works(result, pattern) {
  const { code, output } = await result;
  assert.equal(code, 0, output);
  if (pattern) assert.match(output, pattern);
  return output;
}

async function fails(result, ...patterns) {
  const { code, output } = await result;
  assert.notEqual(code, 0, output);
  assert.doesNotMatch(output, /panicked|RUST_BACKTRACE/, 'a mistake is no crash');
  for (const pattern of patterns) assert.match(output, pattern);
  return output;
}

async function help(sendmux) {
  const output = await works(sendmux(['--help']), /First steps/);
  for (const word of ['serve', 'migrate', 'user', 'key', 'config', 'sendmux.toml']) assert.ok(output.includes(word), word);
  for (const words of ['serve', 'migrate', 'user create', 'key create', 'config check', 'config example']) {
    await works(sendmux([...words.split(' '), '--help']), /Usage: sendmux/);
  }
  await works(sendmux(['--version']), /^sendmux \d/);
  await fails(sendmux(['sevre']), /serve/);
}

async function configuration(t, sendmux) {
  const folder = await t.temporaryFolder();
  const example = await works(sendmux(['config', 'example']));
  const file = join(folder, 'sendmux.toml');
  await writeFile(file, example);
  await works(sendmux(['--config', file, 'config', 'check']), /The database answers/);
  // With every default spelt out it means the same.
  await writeFile(file, example.replaceAll(/^#([a-z_]+ = )/gm, '$1'));
  await works(command(folder, ['config', 'check'], { env: { SENDMUX_DATA_DIR: '' } }), /^rate_limit +1800 +file$/m);
  assert.equal((await stat(join(folder, 'data'))).mode & 0o777, 0o700, 'the data folder is for its owner alone');

  await writeFile(file, 'rate_limit = 7\nhttp_adr = "127.0.0.1:1"\n');
  await fails(sendmux(['--config', file, 'config', 'check']), /http_adr/, /http_addr/);
  await writeFile(file, 'rate_limit = ');
  await fails(sendmux(['--config', file, 'config', 'check']), /sendmux\.toml is not valid TOML/);
  await fails(sendmux(['--config', join(folder, 'missing.toml'), 'config', 'check']), /cannot read .*missing\.toml/);

  const wrong = {
    SENDMUX_HTTP_ADDR: 'here',
    SENDMUX_RATE_LIMIT: '-1',
    SENDMUX_RETRY_DELAYS: '5 parsecs',
    SENDMUX_SIGN_UP: 'maybe',
    SENDMUX_PUBLIC_URL: 'mail.example.com',
  };
  for (const args of [['config', 'check'], ['serve']]) await fails(sendmux(args, { env: wrong }), ...Object.keys(wrong).map((key) => new RegExp(key)));
  await fails(sendmux(['config', 'check'], { env: { SENDMUX_SECRET_KEY: 'hunter2' } }), /SENDMUX_SECRET_KEY/);
  const secrets = { SENDMUX_SECRET_KEY: Buffer.alloc(32, 7).toString('base64') };
  const shown = await works(sendmux(['config', 'check'], { env: secrets }), /^secret_key +\(set, not shown\) +environment$/m);
  assert.ok(!shown.includes(secrets.SENDMUX_SECRET_KEY));

  const nowhere = `postgres://someone:hunter2@127.0.0.1:${await freePort()}/sendmux`;
  const output = await fails(sendmux(['config', 'check'], { databaseUrl: nowhere, timeout: 15_000 }), /DATABASE_URL/, /refused/i);
  assert.doesNotMatch(output, /hunter2/);
}

async function accounts(t, { folder, databaseUrl, sendmux }) {
  await works(sendmux(['migrate']), /Applied \d+ migrations/);
  await works(sendmux(['migrate']), /up to date/);

  const create = ['user', 'create', '--email', 'root@example.com', '--name', 'Root', '--team', 'Night shift'];
  await fails(sendmux(create, { input: 'short\n' }), /password/i);
  await fails(sendmux(create, { input: '' }), /SENDMUX_PASSWORD/);
  await fails(sendmux(['user', 'create', '--email', 'nobody'], { input: `${PASSWORD}\n` }), /email/);
  await works(sendmux([...create, '--operator'], { input: `${PASSWORD}\n` }), /Made the operator root@example\.com \(usr_[a-z0-9]{24}\)/);
  await fails(sendmux(create, { env: { SENDMUX_PASSWORD: PASSWORD } }), /email/);

  await fails(sendmux(['key', 'create', '--team', 'day-shift']), /no team `day-shift`/);
  // The key alone is on the standard output, for scripts.
  const made = async (...more) => {
    const { code, output, stdout } = await sendmux(['key', 'create', '--team', 'night-shift', ...more]);
    assert.equal(code, 0, output);
    return stdout.trim();
  };
  const early = await made('--name', 'made before');
  assert.match(early, /^smx_live_[A-Za-z0-9]{32}$/);

  const server = await startServer(t, { dataFolder: folder, databaseUrl });
  const dashboard = await signIn(server, 'root@example.com');
  const viewer = await dashboard.call('viewer');
  assert.deepEqual([viewer.team, viewer.is_operator, viewer.role.toLowerCase()], ['Night shift', true, 'owner']);
  await reached(dashboard, await send(server, early), 'sent');
  // Beside a server that runs: the key works at once.
  const late = await made('--mode', 'test');
  assert.match(late, /^smx_test_/);
  assert.equal((await post(server, late, email())).status, 202);
  // What it may do is as it was told.
  const may = async (key, path) => (await server.fetch(path, { headers: { authorization: `Bearer ${key}` } })).status;
  assert.equal(await may(late, '/api/v1/messages'), 403);
  assert.equal(await may(await made('--name', 'command line', '--mode', 'test', '--permissions', 'read,manage'), '/api/v1/messages'), 200);
  await fails(sendmux(['key', 'create', '--team', 'night-shift', '--permissions', 'fly']), /send.*read.*manage/s);
  const { active } = await dashboard.call('keys');
  assert.deepEqual(active.map(({ name: label }) => label).sort(), ['command line', 'command line', 'made before']);
  if (t.database === 'sqlite') assert.equal((await stat(join(folder, 'secret.key'))).mode & 0o777, 0o600);
  await server.stop();
}

async function oneServerAFolder(t) {
  const server = await startServer(t);
  const env = { SENDMUX_HTTP_ADDR: `127.0.0.1:${await freePort()}` };
  if (t.database === 'sqlite') {
    await fails(command(server.dataFolder, ['serve'], { env }), /another sendmux serves the data folder/, /SENDMUX_DATA_DIR/);
  }
  const taken = { SENDMUX_HTTP_ADDR: `127.0.0.1:${server.port}` };
  const elsewhere = await t.temporaryFolder();
  await fails(command(elsewhere, ['serve'], { env: taken }), /cannot listen on 127\.0\.0\.1/, /SENDMUX_HTTP_ADDR/);
  assert.equal((await server.fetch('/readyz')).status, 200, 'the first one goes on');
}

/** A new secret key beside the old one, then alone; a wrong one is refused before anything is delivered. */
async function rotatedSecret(t) {
  const [old, fresh] = [Buffer.alloc(32, 1).toString('base64'), Buffer.alloc(32, 2).toString('base64')];
  const server = await startServer(t, { env: { SENDMUX_SECRET_KEY: old } });
  await server.stop();
  const env = { ...server.env, SENDMUX_PASSWORD: PASSWORD };
  const create = ['user', 'create', '--email', 'a@example.com', '--team', 'A'];
  await works(command(server.dataFolder, create, { databaseUrl: server.databaseUrl, env }));
  await server.start();
  const dashboard = await signIn(server, 'a@example.com');
  const sink = await startSink(t, { auth: { user: 'mailbox', pass: 'secret' } });
  await dashboard.addSmtp({ port: sink.port, username: 'mailbox', password: 'secret' });
  const key = await dashboard.createKey();

  for (const secret of [`${fresh},${old}`, fresh]) {
    await server.stop();
    server.env = { SENDMUX_SECRET_KEY: secret };
    await server.start();
    await reached(dashboard, await send(server, key), 'sent');
  }
  assert.equal(sink.messages.length, 2);
  await server.stop();
  const wrong = { SENDMUX_SECRET_KEY: old, SENDMUX_HTTP_ADDR: `127.0.0.1:${server.port}` };
  await fails(command(server.dataFolder, ['serve'], { env: wrong, databaseUrl: server.databaseUrl }), /key/i);
}
