// Mail loops: a provider that is this very server, and a relay that returns every message.

import nodemailer from 'nodemailer';

import { reached } from '../lib/api.mjs';
import { assert, until } from '../lib/assert.mjs';
import { signUp } from '../lib/dashboard.mjs';
import { startServer } from '../lib/server.mjs';
import { startSink } from '../lib/sink.mjs';

export const name = 'Mail loops: a provider that is this server, and a relay that hands back';

export async function run(t) {
  await ownPort(t);
  await relayThatHandsBack(t);
}

/** Nothing is handed over; the test and the block say why. */
async function ownPort(t) {
  const server = await startServer(t);
  const dashboard = await signUp(server);
  const key = await dashboard.createKey();
  const id = await dashboard.addSmtp({
    ...{ name: 'Myself', port: server.smtpPort, security: 'starttls', username: 'me', password: key, tested: false },
  });
  const myself = async () => (await dashboard.providers()).find((one) => one.id === id);
  assert.match(JSON.stringify((await myself()).last_test), /this server itself/);
  const blocked = await until(async () => (await myself()).state === 'blocked' && (await myself()), { what: 'it is pulled from rotation' });
  assert.match(blocked.reason, /this server itself/);
  const { messageId } = await submit(server, key);
  const waits = async () => /pulled from rotation/.test((await dashboard.message(messageId)).waiting?.reason);
  await until(waits, { what: 'the message waits for another provider' });
  assert.equal((await dashboard.messages()).rows.length, 1, 'it did not come back');
}

/** A relay that knows nothing of us: the message goes round twice, then it fails. */
async function relayThatHandsBack(t) {
  const server = await startServer(t);
  const dashboard = await signUp(server);
  const key = await dashboard.createKey();
  const answers = [];
  const sink = await startSink(t);
  sink.onData = async ({ from, to, text }) => {
    const raw = `Received: from sendmux by relay.example; Thu, 1 Jan 2026 00:00:00 +0000\r\n${text}`;
    const { response } = await submit(server, key, { envelope: { from, to }, raw });
    answers.push(response);
    return response;
  };
  await dashboard.addSmtp({ name: 'Relay', port: sink.port });
  const { messageId } = await submit(server, key);
  await reached(dashboard, messageId, 'sent');
  await until(() => answers.some((answer) => answer.startsWith('554 5.4.6 Mail loop')), { what: 'the loop is refused' });
  assert.equal(answers.length, 3, answers.join('\n'));
  const failed = async () => (await dashboard.messages({ status: 'failed' })).rows;
  await until(async () => (await failed()).length === 1, { what: 'the last of the three has failed' });
  assert.equal((await dashboard.messages()).rows.length, 3);
}

/** Hands a message over by SMTP; returns what the final dot was answered, and the id in it. */
async function submit(server, key, message = { from: 'ana@example.com', to: 'bo@example.net', subject: 'Round', text: 'hello' }) {
  const transport = nodemailer.createTransport({
    ...{ host: '127.0.0.1', port: server.smtpsPort, secure: true, auth: { user: 'any', pass: key }, tls: { rejectUnauthorized: false } },
  });
  const response = await transport.sendMail(message).then((sent) => sent.response, (error) => error.response ?? String(error));
  transport.close();
  return { response, messageId: /eml_\w+/.exec(response)?.[0] };
}
