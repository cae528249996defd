// A first start can be killed at any point, and two nodes can make their first start at the same time on one database:
// the next start goes on with what is there.

import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as after } from 'node:timers/promises';

import { reached, send } from '../lib/api.mjs';
import { assert, until } from '../lib/assert.mjs';
import { signUp } from '../lib/dashboard.mjs';
import { createDatabase } from '../lib/postgres.mjs';
import { makeServer, startServer } from '../lib/server.mjs';
import { startSink } from '../lib/sink.mjs';

const long = Boolean(process.env.SENDMUX_LONG_TESTS);
const KILLS = long ? 300 : 40;
const PAIRS = long ? 30 : 4;

export const name = 'first starts that are killed, or that meet';
export const databases = ['sqlite', 'postgres'];
export const seconds = long ? 1_800 : 240;

export async function run(t) {
  await killed(t);
  if (t.database === 'postgres') await together(t);
  else await damagedCertificate(t);
}

/** Killed again and again, each time a little later, on the same data; a new installation when it came to life. */
async function killed(t) {
  const fresh = async () => ({
    dataFolder: await t.temporaryFolder(),
    databaseUrl: t.database === 'postgres' ? await createDatabase(t) : null,
  });
  // How long a start takes that nobody disturbs.
  const began = performance.now();
  const undisturbed = await startServer(t, await fresh());
  const whole = performance.now() - began;
  await undisturbed.stop();

  let place = await fresh();
  for (let kill = 0; kill < KILLS; kill += 1) {
    const server = await makeServer(t, place);
    // It ends while it starts, or has started already.
    const starting = server.start().catch(() => {});
    await until(() => server.pid, { interval: 1 });
    await after(whole * Math.random());
    await server.kill();
    await starting;
    // Every few kills the installation has to live.
    if (kill % 4 === 3) {
      const survivor = await startServer(t, place);
      await survivor.stop();
      place = await fresh();
    }
  }
  const server = await startServer(t, place);
  const dashboard = await signUp(server);
  const sink = await startSink(t);
  await dashboard.addSmtp({ port: sink.port });
  await reached(dashboard, await send(server, await dashboard.createKey()), 'sent');
  t.log(`${t.database}: ${KILLS} × kill -9 within the first ${whole.toFixed(0)} ms`);
}

/** Two nodes on an empty database. */
async function together(t) {
  for (let pair = 0; pair < PAIRS; pair += 1) {
    const databaseUrl = await createDatabase(t);
    const env = { SENDMUX_SECRET_KEY: Buffer.alloc(32, 7).toString('base64') };
    const nodes = await Promise.all(['first', 'second'].map((node) => startServer(t, { databaseUrl, env: { ...env, SENDMUX_NODE_NAME: node } })));
    for (const node of nodes) assert.equal((await node.fetch('/readyz')).status, 200);
    await Promise.all(nodes.map((node) => node.stop()));
  }
}

/** What a power cut leaves of files that were not synced is made anew, where the server had made it itself. */
async function damagedCertificate(t) {
  const server = await startServer(t);
  await server.stop();
  const names = (await readdir(server.dataFolder)).sort();
  assert.ok(names.every((file) => !file.endsWith('.new')), names.join(' '));
  for (const file of ['self-signed.crt', 'self-signed.key']) {
    await writeFile(join(server.dataFolder, file), '');
    await server.start();
    await server.logged(/the self-signed certificate cannot be used; a new one is made/);
    await server.stop();
    await rm(join(server.dataFolder, file));
    await server.start();
    await server.stop();
  }
}
