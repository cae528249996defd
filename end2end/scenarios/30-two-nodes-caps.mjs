// Two nodes share the caps of two providers. One node is killed in the middle of it: not one message more goes through a
// provider than its caps allow, and nothing is lost.

import { email, stream } from '../lib/api.mjs';
import { assert, until } from '../lib/assert.mjs';
import { arrivals, explainCopies, settled } from '../lib/delivery.mjs';
import { signUp } from '../lib/dashboard.mjs';
import { query } from '../lib/postgres.mjs';
import { command, startTwoNodes } from '../lib/server.mjs';
import { startSink } from '../lib/sink.mjs';

const long = Boolean(process.env.SENDMUX_LONG_TESTS);
const MESSAGES = long ? 4_000 : 400;
const CAPS = { second: 10, minute: 400 };

export const name = 'two nodes keep to the caps, one of which is killed';
export const databases = ['postgres'];
export const seconds = long ? 600 : 180;

export async function run(t) {
  const { first, second, env } = await startTwoNodes(t);
  const dashboard = await signUp(first);
  const elsewhere = dashboard.at(second);
  const made = await command(first.dataFolder, ['key', 'create', '--team', 'acme', '--permissions', 'send,manage'], {
    databaseUrl: first.databaseUrl,
    env,
  });
  const key = /smx_live_\w+/.exec(made.stdout)?.[0];
  assert.ok(key, made.output);

  // Slow enough that there is always something under way.
  const onData = () => new Promise((resolve) => setTimeout(resolve, 200));
  const sinks = [await startSink(t, { onData }), await startSink(t, { onData })];
  for (const [place, sink] of sinks.entries()) {
    const provider = await dashboard.addSmtp({ name: `Sink ${place}`, port: sink.port });
    const response = await first.fetch(`/api/v1/providers/${provider}/routing`, {
      method: 'PUT',
      json: { weight: 100, caps: CAPS },
      headers: { authorization: `Bearer ${key}` },
    });
    assert.equal(response.status, 200, await response.text());
  }
  // Within two seconds every node keeps to the new caps.
  await new Promise((resolve) => setTimeout(resolve, 2_000));

  const { answered } = await stream([first, second], key, {
    count: MESSAGES,
    message: (number) => email({ subject: `Number ${number}` }),
  });
  assert.equal(answered.size, MESSAGES);
  const arrived = () => sinks.reduce((sum, sink) => sum + sink.messages.length, 0);
  await until(() => arrived() >= MESSAGES / 4, { timeout: 120_000, interval: 5, what: 'a quarter has arrived' });
  await first.kill();
  const { copies } = await arrivals(sinks, answered, { timeout: 300_000 });
  await settled(elsewhere, MESSAGES, { timeout: 60_000 });
  await second.logged(/took over from dead nodes/);
  assert.deepEqual(await explainCopies(elsewhere, copies), []);

  for (const [window, cap] of Object.entries(CAPS)) {
    const length = { second: 1_000, minute: 60_000 }[window];
    const charged = await query(
      first.databaseUrl,
      `select provider_id, started_at / ${length}, count(*) from attempts where class in ('accepted', 'unknown')
       group by 1, 2 order by 3 desc`,
    );
    const most = Number(charged[0][2]);
    assert.ok(most <= cap, `${most} went through one provider in one ${window}; its cap is ${cap}`);
    t.log(`at most ${most} of ${cap} in a ${window}, in ${charged.length} of them`);
  }
  const unknown = await query(first.databaseUrl, "select count(*) from attempts where class = 'unknown'");
  t.log(`${MESSAGES} accepted and delivered; ${unknown[0][0]} were under way at the node that died, ${copies.size} of them came twice`);
}
