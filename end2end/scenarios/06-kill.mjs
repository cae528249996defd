// The promise: messages answered `queued` arrive, whatever happens to the server. It is killed in the middle of thousands of
// sends, and started again on its data.
//
// `make test-long` does it with more messages and more kills. SENDMUX_KILL_MESSAGES and SENDMUX_KILL_TIMES choose both.

import { email, stream } from '../lib/api.mjs';
import { assert, until } from '../lib/assert.mjs';
import { arrivals, explainCopies, settled } from '../lib/delivery.mjs';
import { signUp } from '../lib/dashboard.mjs';
import { startServer } from '../lib/server.mjs';
import { startSink } from '../lib/sink.mjs';

const long = Boolean(process.env.SENDMUX_LONG_TESTS);
const MESSAGES = Number(process.env.SENDMUX_KILL_MESSAGES ?? (long ? 20_000 : 3_000));
const KILLS = Number(process.env.SENDMUX_KILL_TIMES ?? (long ? 10 : 3));
/** A message that is being sent at every kill needs one round for each, and a last one. */
const RETRY_DELAYS = Array(KILLS).fill('1s').join(',');

export const name = 'kill -9 and SIGTERM under load';
export const databases = ['sqlite', 'postgres'];
export const seconds = long ? 900 : 150;

export async function run(t) {
  await interrupted(t, { kills: KILLS, count: MESSAGES, how: (server) => server.kill() });
  const stops = Math.min(KILLS, 2);
  const count = Math.ceil(MESSAGES / 3);
  const stopped = await interrupted(t, { kills: stops, count, how: (server) => server.stop(), word: 'SIGTERM' });
  assert.equal(stopped.copies.size, 0, 'a server that is asked to stop sends nothing twice');
  assert.equal(stopped.sink.messages.length, stopped.answered.size, 'and answers every request that it has accepted');
}

async function interrupted(t, { kills, count, how, word = 'kill -9' }) {
  const began = performance.now();
  const server = await startServer(t, { env: { SENDMUX_RETRY_DELAYS: RETRY_DELAYS, SENDMUX_RATE_LIMIT: '10000000' } });
  const dashboard = await signUp(server);
  const key = await dashboard.createKey();
  // Slower than what comes in, so that there is a backlog when it happens.
  const sink = await startSink(t, { onData: () => new Promise((resolve) => setTimeout(resolve, 20)) });
  await dashboard.addSmtp({ port: sink.port });

  const answered = new Map();
  let done = false;
  const sending = stream([server], key, {
    count,
    answered,
    message: (number) => email({ subject: `Number ${number}`, custom_headers: { 'X-Number': String(number) } }),
  }).finally(() => {
    done = true;
  });
  for (let turn = 0; turn < kills; turn += 1) {
    // Somewhere in this turn's part of the stream, never twice at the same place.
    const at = Math.floor(((turn + 0.2 + 0.6 * Math.random()) / kills) * count * 0.9);
    await Promise.race([until(() => answered.size >= at || done, { timeout: 60_000, interval: 1 }), sending]);
    await how(server);
    await server.start();
  }
  const { lost } = await sending;
  const accepted = performance.now();
  const arrived = await arrivals(sink, answered, { timeout: 90_000 });
  await settled(dashboard, answered.size, { timeout: 60_000 });
  const { firsts, copies } = arrived;
  const unexplained = await explainCopies(dashboard, copies);
  assert.deepEqual(unexplained, [], 'every copy is explained by an attempt whose outcome was not known');
  const seconds = (from, to) => ((to - from) / 1000).toFixed(1);
  t.log(
    `${t.database}: ${kills} × ${word} among ${count} sends: ${answered.size} answered queued, ${lost} not answered, all ` +
      `${firsts} arrived, ${copies.size} of them more than once; accepted in ${seconds(began, accepted)} s, delivered after ` +
      `${seconds(began, performance.now())} s`,
  );
  return { answered, sink, copies };
}
