// The connections to the database are cut, again and again, while messages stream in and out: an application may be told to
// try again, but messages answered `queued` arrive, and the server needs no restart.

import { email, send, stream } from '../lib/api.mjs';
import { assert, until } from '../lib/assert.mjs';
import { arrivals, explainCopies, settled } from '../lib/delivery.mjs';
import { signUp } from '../lib/dashboard.mjs';
import { query } from '../lib/postgres.mjs';
import { startServer } from '../lib/server.mjs';
import { startSink } from '../lib/sink.mjs';

export const name = 'the database cuts its connections under load';
export const databases = ['postgres'];

const MESSAGES = 1_500;
const CUTS = 4;

export async function run(t) {
  const server = await startServer(t, { env: { SENDMUX_RETRY_DELAYS: '1s,1s,1s,1s', SENDMUX_RATE_LIMIT: '10000000' } });
  const dashboard = await signUp(server);
  const key = await dashboard.createKey();
  const sink = await startSink(t, { onData: () => new Promise((resolve) => setTimeout(resolve, 20)) });
  await dashboard.addSmtp({ port: sink.port });

  const answered = new Map();
  let done = false;
  const sending = stream([server], key, {
    count: MESSAGES,
    answered,
    message: (number) => email({ subject: `Number ${number}` }),
    mayFail: ({ status, body, headers }) => status === 503 && body.error.retryable === true && headers.get('retry-after') !== null,
  }).finally(() => {
    done = true;
  });
  for (let turn = 1; turn <= CUTS; turn += 1) {
    const at = (MESSAGES * turn) / (CUTS + 2);
    await Promise.race([until(() => answered.size >= at || done, { timeout: 60_000, interval: 1 }), sending]);
    await query(server.databaseUrl, 'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()');
  }
  const { lost } = await sending;
  const arrived = await arrivals(sink, answered, { timeout: 60_000 });
  await settled(dashboard, answered.size, { timeout: 60_000 });
  assert.deepEqual(await explainCopies(dashboard, arrived.copies), []);
  await send(server, key);
  t.log(
    `${CUTS} cuts among ${MESSAGES} sends: ${answered.size} answered queued, ${lost} told to try again, all arrived, ` +
      `${arrived.copies.size} of them more than once`,
  );
}
