// Two nodes on one database accept and deliver. One is killed in the middle of it: the other takes over its leases.

import { email, stream } from '../lib/api.mjs';
import { assert, until } from '../lib/assert.mjs';
import { arrivals, explainCopies, settled } from '../lib/delivery.mjs';
import { signUp } from '../lib/dashboard.mjs';
import { startTwoNodes } from '../lib/server.mjs';
import { startSink } from '../lib/sink.mjs';

const long = Boolean(process.env.SENDMUX_LONG_TESTS);
const MESSAGES = long ? 20_000 : 2_000;

export const name = 'two nodes, one of which is killed';
export const databases = ['postgres'];
export const seconds = long ? 600 : 120;

export async function run(t) {
  const { first, second } = await startTwoNodes(t);
  const dashboard = await signUp(first);
  const elsewhere = dashboard.at(second);
  assert.deepEqual(await elsewhere.providers(), await dashboard.providers(), 'a session is good at every node');

  const key = await dashboard.createKey();
  const sink = await startSink(t, { onData: () => new Promise((resolve) => setTimeout(resolve, 20)) });
  await elsewhere.addSmtp({ port: sink.port });

  // Undisturbed they share the work, and nothing is sent twice.
  const calm = await stream([first, second], key, { count: 500, message: (number) => email({ subject: `Calm ${number}` }) });
  assert.equal(calm.answered.size, 500);
  const once = await arrivals(sink, calm.answered, { timeout: 30_000 });
  await settled(dashboard, 500, { timeout: 30_000 });
  assert.equal(once.copies.size, 0, 'two nodes send nothing twice');
  assert.equal(sink.messages.length, 500);

  const answered = new Map();
  const message = (number) => email({ subject: `Number ${number}` });
  const sending = stream([first, second], key, { count: MESSAGES, message, answered });
  const at = Math.floor(MESSAGES * (0.3 + 0.3 * Math.random()));
  await Promise.race([until(() => answered.size >= at, { timeout: 60_000, interval: 1 }), sending]);
  first.gone = true;
  await first.kill();
  const { lost } = await sending;
  const killed = performance.now();
  const all = await arrivals(sink, new Map([...calm.answered.entries(), ...[...answered].map(([number, id]) => [`after ${number}`, id])]), { timeout: 90_000 });
  await settled(elsewhere, 500 + answered.size, { timeout: 60_000 });
  const { copies } = all;
  assert.deepEqual(await explainCopies(elsewhere, copies), []);
  assert.ok(answered.size >= MESSAGES - 20, `${answered.size} of ${MESSAGES} were answered: only what was under way at the first node may be lost`);
  t.log(
    `${answered.size} of ${MESSAGES} answered queued (${lost} were under way at the node that died), all arrived, ${copies.size} of ` +
      `them more than once; ${((performance.now() - killed) / 1000).toFixed(1)} s after the last was accepted`,
  );
  await second.logged(/took over from dead nodes/);
}
