// kill -9 at the final dot, again and again: a message whose 250 was seen arrives after the restart.

import nodemailer from 'nodemailer';

import { assert, until } from '../lib/assert.mjs';
import { signUp } from '../lib/dashboard.mjs';
import { arrivals, explainCopies, settled } from '../lib/delivery.mjs';
import { startServer } from '../lib/server.mjs';
import { startSink } from '../lib/sink.mjs';

const long = Boolean(process.env.SENDMUX_LONG_TESTS);
const MESSAGES = long ? 6_000 : 1_200;
const KILLS = long ? 10 : 3;
const CLIENTS = 20;

export const name = 'SMTP submission: kill -9 at the final dot';
export const databases = ['sqlite'];
export const seconds = long ? 600 : 150;

export async function run(t) {
  const env = {
    SENDMUX_RETRY_DELAYS: Array(KILLS).fill('1s').join(','),
    SENDMUX_RATE_LIMIT: '10000000',
    SENDMUX_SMTP_MAX_CONNECTIONS_PER_ADDRESS: '1000',
  };
  const server = await startServer(t, { env });
  const dashboard = await signUp(server);
  const key = await dashboard.createKey();
  const sink = await startSink(t);
  await dashboard.addSmtp({ port: sink.port });
  const transport = nodemailer.createTransport({
    ...{ host: '127.0.0.1', port: server.smtpPort, requireTLS: true, auth: { user: 'x', pass: key }, tls: { rejectUnauthorized: false } },
  });

  const answered = new Map();
  let next = 0;
  let lost = 0;
  const client = async () => {
    while (next < MESSAGES) {
      const number = next;
      next += 1;
      // Without a Message-ID: the server makes one of the id that it answers, so that what arrives can be told by it.
      const raw = `From: ana@example.com\r\nTo: bo@example.net\r\nSubject: ${number}\r\n\r\n${`${'x'.repeat(70)}\r\n`.repeat(28)}`;
      const message = { envelope: { from: 'ana@example.com', to: ['bo@example.net'] }, raw };
      const { response } = await transport.sendMail(message).catch(() => ({}));
      if (response) answered.set(number, /queued as (eml_\w+)/.exec(response)[1]);
      else {
        lost += 1;
        await until(async () => (await server.fetch('/healthz')).ok, { timeout: 60_000, what: 'the server is back' });
      }
    }
  };
  const sending = Promise.all(Array.from({ length: CLIENTS }, client));
  for (let turn = 0; turn < KILLS; turn += 1) {
    const at = Math.floor(((turn + 0.2 + 0.6 * Math.random()) / KILLS) * MESSAGES * 0.9);
    await until(() => answered.size + lost >= at, { timeout: 120_000, interval: 1 });
    await server.kill();
    await server.start();
  }
  await sending;
  const { copies } = await arrivals(sink, answered, { timeout: 90_000 });
  await settled(dashboard, answered.size, { timeout: 60_000 });
  assert.deepEqual(await explainCopies(dashboard, copies), []);
  t.log(`${KILLS} × kill -9 among ${MESSAGES} messages: ${answered.size} answered 250, ${lost} not, all arrived, ${copies.size} twice`);
}
