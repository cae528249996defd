// The disk is full, for a while or for one write in three hundred, and then a sync fails. Messages answered `queued` arrive,
// messages that could not be stored are not answered so, and `/readyz` is right.
//
// `make test-long` does many rounds; SENDMUX_DISK_ROUNDS chooses how many.

import { email, post, send, stream } from '../lib/api.mjs';
import { assert, until } from '../lib/assert.mjs';
import { signUp } from '../lib/dashboard.mjs';
import { arrivals, settled } from '../lib/delivery.mjs';
import { failingDisk } from '../lib/disk.mjs';
import { swaks } from '../lib/process.mjs';
import { command, startServer } from '../lib/server.mjs';
import { startSink } from '../lib/sink.mjs';

const long = Boolean(process.env.SENDMUX_LONG_TESTS);
const ROUNDS = Number(process.env.SENDMUX_DISK_ROUNDS ?? (long ? 200 : 3));

export const name = 'a disk that is full, and one that fails';
export const seconds = long ? 3_000 : 150;

const REFUSED = ({ status, body, headers }) =>
  status === 503 && body.error.code === 'service_unavailable' && body.error.retryable && Number(headers.get('retry-after')) > 0;

export async function run(t) {
  const dataFolder = await t.temporaryFolder();
  const disk = await failingDisk(t, dataFolder);
  const server = await startServer(t, {
    dataFolder,
    env: {
      ...disk.env,
      SENDMUX_RETRY_DELAYS: '1s,1s,1s', SENDMUX_RATE_LIMIT: '10000000', 
    },
  });
  const dashboard = await signUp(server);
  const key = await dashboard.createKey();
  const sink = await startSink(t);
  await dashboard.addSmtp({ port: sink.port });
  const answered = new Map();
  const keep = (id) => answered.set(answered.size, id);

  keep(await send(server, key));
  await full(t, { server, disk, dashboard, key, keep, dataFolder });
  for (let round = 1; round <= ROUNDS; round += 1) await someWrites({ server, disk, key, keep });
  const written = await failures(server, 'full');
  assert.ok(written > 0, 'the metrics count writes that found the disk full');
  await arrivals(sink, answered, { timeout: 60_000 });
  await settled(dashboard, answered.size, { timeout: 60_000 });
  for (let round = 1; round <= ROUNDS; round += 1) await failedSync({ server, disk, dashboard, keep });
  await arrivals(sink, answered, { timeout: 90_000 });
  await settled(dashboard, answered.size, { timeout: 60_000 });
  t.log(`${2 * ROUNDS + 1} rounds, ${answered.size} answered queued, all arrived`);
}

/** No space at all: everything is refused in a way that clients try again, and it goes on by itself. */
async function full(t, { server, disk, dashboard, key, keep, dataFolder }) {
  await disk.fails('full');
  for (let number = 0; number < 100; number += 1) {
    const answer = await post(server, key, email({ subject: `Refused ${number}` }));
    assert.ok(REFUSED(answer), `${answer.status} ${JSON.stringify(answer.body)}`);
  }
  const large = await post(server, key, email({ text_body: 'x'.repeat(2_000_000) }));
  assert.ok(REFUSED(large), 'a large one is refused too');
  const mail = await swaks(server.smtpPort, ['--tls', '--auth', 'PLAIN', '--auth-user', 'any', '--auth-password', key, '--from', 'a@example.com', '--to', 'b@example.net']);
  assert.match(mail.output, /<~\* +452 4\.3\.1/, mail.output);
  assert.equal((await server.fetch('/readyz')).status, 503);
  assert.equal((await server.fetch('/healthz')).status, 200);
  const page = await dashboard.get('/messages');
  assert.ok([200, 503].includes(page.status), `a page answers ${page.status}`);

  await disk.works();
  await until(async () => (await server.fetch('/readyz')).status === 200, { timeout: 15_000, what: 'it is ready again by itself' });
  for (let number = 0; number < 20; number += 1) keep(await send(server, key));
  const beside = await command(dataFolder, ['key', 'create', '--team', 'acme', '--name', 'beside'], { timeout: 20_000 });
  assert.equal(beside.code, 0, `the database is not locked for others: ${beside.output}`);
}

/** One write in three hundred fails: whatever was under way then, nothing that was answered is lost. */
async function someWrites({ server, disk, key, keep }) {
  const answered = new Map();
  await disk.fails('some-full');
  await stream([server], key, { count: 60, clients: 6, answered, message: (number) => email({ subject: `Some ${number}` }), mayFail: REFUSED });
  await disk.works();
  for (const id of answered.values()) keep(id);
  await until(async () => (await post(server, key, email())).status === 202, { timeout: 15_000, what: 'it takes messages again' });
}

/** A failed sync: nothing is taken from then on, the process says why and ends, and the next start recovers. */
async function failedSync({ server, disk, dashboard, keep }) {
  // Of its own: every start reserves a part of a key's minute.
  const key = await dashboard.createKey();
  keep(await send(server, key));
  await disk.fails('sync');
  const refused = await post(server, key, email({ subject: 'Into the void' })).catch(() => null);
  assert.ok(refused === null || REFUSED(refused), `answered ${refused?.status}`);
  const ended = await server.ended({ timeout: 15_000 });
  assert.deepEqual(ended, { code: 1, signal: null });
  assert.match(server.tail(), /the disk did not keep what was written/);
  await disk.works();
  await server.start();
  assert.equal((await server.fetch('/readyz')).status, 200);
  keep(await send(server, key));
}

async function failures(server, kind) {
  const pattern = new RegExp(`^sendmux_database_failures_total\\{failure="${kind}"\\} (\\d+)`, 'm');
  return Number(pattern.exec(await server.metrics())?.[1] ?? 0);
}
