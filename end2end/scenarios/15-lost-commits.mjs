// The connection to the database is cut before, in and after commits, while messages stream in and out. Messages answered
// `queued` arrive, refused ones do not, nothing stays `sending`, and every copy has a known reason.
//
// `make test-long` cuts more often; SENDMUX_CUT_ROUNDS chooses how many rounds.

import { email, send, stream } from '../lib/api.mjs';
import { assert } from '../lib/assert.mjs';
import { arrivals, explainCopies, settled } from '../lib/delivery.mjs';
import { signUp } from '../lib/dashboard.mjs';
import { createDatabase } from '../lib/postgres.mjs';
import { startProxy } from '../lib/postgres-proxy.mjs';
import { startServer } from '../lib/server.mjs';
import { startSink } from '../lib/sink.mjs';

const long = Boolean(process.env.SENDMUX_LONG_TESTS);
const ROUNDS = Number(process.env.SENDMUX_CUT_ROUNDS ?? (long ? 100 : 3));
const MESSAGES = 250;

export const name = 'the answers to commits are lost';
export const databases = ['postgres'];
export const seconds = long ? 3_000 : 150;

export async function run(t) {
  const proxy = await startProxy(t, await createDatabase(t));
  const server = await startServer(t, {
    databaseUrl: proxy.url,
    env: { SENDMUX_RETRY_DELAYS: '1s,1s,1s,1s', SENDMUX_RATE_LIMIT: '10000000' },
  });
  const dashboard = await signUp(server);
  const key = await dashboard.createKey();
  const sink = await startSink(t, { onData: () => new Promise((resolve) => setTimeout(resolve, 5)) });
  await dashboard.addSmtp({ port: sink.port });

  const all = new Map();
  let refusals = 0;
  for (let round = 1; round <= ROUNDS; round += 1) {
    const answered = new Map();
    proxy.cut = () => (Math.random() < 0.08 ? ['before', 'in', 'after'][Math.floor(3 * Math.random())] : null);
    const { lost } = await stream([server], key, {
      count: MESSAGES,
      clients: 8,
      answered,
      message: (number) => email({ subject: `Round ${round}, number ${number}` }),
      mayFail: ({ status, body, headers }) => status === 503 && body.error.retryable === true && headers.get('retry-after') !== null,
    });
    refusals += lost;
    proxy.cut = () => null;
    for (const id of answered.values()) all.set(all.size, id);
    all.set(all.size, await send(server, key));
  }
  const arrived = await arrivals(sink, all, { timeout: 90_000 });
  await settled(dashboard, all.size, { timeout: 60_000 });
  assert.deepEqual(await explainCopies(dashboard, arrived.copies), []);
  const ids = new Set(all.values());
  const strangers = sink.messages.filter(({ text }) => !ids.has(/^Message-ID:\s*<(eml_[a-z0-9]{24})@/im.exec(text)?.[1]));
  assert.equal(strangers.length, 0, 'what was refused is not delivered');
  assert.ok(proxy.cuts > 0);
  t.log(
    `${proxy.cuts} of ${proxy.commits} commits cut in ${ROUNDS} rounds: ${all.size} answered queued, ${refusals} told to try ` +
      `again and not delivered, all arrived, ${arrived.copies.size} of them more than once`,
  );
}
