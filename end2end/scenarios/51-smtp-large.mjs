// SMTP submission of messages as large as they may be: 24.9 MB are accepted, 26 MB are refused by their announced size
// and, where none was announced, while they stream. Memory stays bounded while many come at once.

import { readFile } from 'node:fs/promises';
import { connect } from 'node:tls';

import { reached } from '../lib/api.mjs';
import { assert, until } from '../lib/assert.mjs';
import { signUp } from '../lib/dashboard.mjs';
import { startServer } from '../lib/server.mjs';
import { startSink } from '../lib/sink.mjs';

export const name = 'SMTP submission of large messages';
export const seconds = 180;

const LINE = `${'x'.repeat(76)}\r\n`;
const HEADER = 'From: ana@example.com\r\nTo: bo@example.net\r\nSubject: large\r\n\r\n';

export async function run(t) {
  const server = await startServer(t);
  const dashboard = await signUp(server);
  const key = await dashboard.createKey();
  const idle = await residentMegabytes(server);
  const sink = await startSink(t);
  await dashboard.addSmtp({ port: sink.port });

  const content = sized(24_900_000);
  const accepted = await login(server, key);
  await accepted.say(`MAIL FROM:<ana@example.com> SIZE=${content.length}`, '250');
  await accepted.say('RCPT TO:<bo@example.net>', '250');
  await accepted.say('DATA', '354');
  accepted.write(content);
  const [, id] = /queued as (eml_\w+)/.exec(await accepted.say('.', '250', 60_000));
  await reached(dashboard, id, 'sent', { timeout: 60_000 });
  const [{ raw }] = sink.messages.splice(0);
  assert.ok(raw.subarray(raw.indexOf(HEADER)).equals(content), 'what arrives is what was sent');

  const announced = await login(server, key);
  await announced.say('MAIL FROM:<ana@example.com> SIZE=26000000', '250');
  await announced.say('RSET', '250');
  await announced.say('MAIL FROM:<ana@example.com> SIZE=26214401', '552 5.3.4');

  const streaming = await login(server, key);
  await streaming.say('MAIL FROM:<ana@example.com>', '250');
  await streaming.say('RCPT TO:<bo@example.net>', '250');
  await streaming.say('DATA', '354');
  streaming.write(sized(26_300_000));
  await streaming.say('.', '552 5.3.4', 60_000);
  // The connection is as good as before.
  await streaming.say('MAIL FROM:<ana@example.com>', '250');

  await manyAtOnce(t, server, key);
  assert.equal(sink.messages.length, 0);

  // What they took is given back to the system, though nothing else happens.
  await until(async () => (await residentMegabytes(server)) < idle + 64, { timeout: 60_000, what: 'the memory is given back' });
  t.log(`${Math.round(idle)} MB before, ${Math.round(await residentMegabytes(server))} MB after all`);
}

/** Thirty clients that announce 24 MB each, and stop before the end: there is room for ten of them. */
async function manyAtOnce(t, server, key) {
  const before = await residentMegabytes(server);
  const content = sized(24_000_000);
  const answers = await Promise.all(
    Array.from({ length: 30 }, async () => {
      const client = await login(server, key);
      await client.say(`MAIL FROM:<ana@example.com> SIZE=${content.length}`, '250');
      await client.say('RCPT TO:<bo@example.net>', '250');
      const answer = await client.say('DATA', '', 30_000);
      if (answer.startsWith('354')) client.write(content);
      return { client, answer };
    }),
  );
  const taken = answers.filter(({ answer }) => answer.startsWith('354'));
  const refused = answers.filter(({ answer }) => answer.startsWith('452 4.3.1'));
  assert.equal(taken.length + refused.length, 30);
  assert.equal(taken.length, 11, '256 MB hold eleven of them');
  await until(() => taken.every(({ client }) => client.socket.writableLength === 0), { timeout: 60_000 });
  const grown = (await residentMegabytes(server)) - before;
  t.log(`30 messages of 24 MB at once: ${taken.length} of them taken, ${Math.round(grown)} MB more memory`);
  assert.ok(grown < 512, `the server grew by ${grown} MB`);
  for (const { client } of answers) client.socket.destroy();
}

async function residentMegabytes(server) {
  const status = await readFile(`/proc/${server.pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)[1]) / 1024;
}

function sized(bytes) {
  const lines = Math.floor((bytes - HEADER.length) / LINE.length);
  return Buffer.from(HEADER + LINE.repeat(lines));
}

/** A client under implicit TLS that has logged in. `say` sends a line and returns the reply, which begins as expected. */
async function login(server, key) {
  const socket = connect({ host: '127.0.0.1', port: server.smtpsPort, rejectUnauthorized: false });
  let heard = '';
  socket.setEncoding('utf8').on('data', (text) => {
    heard += text;
  });
  socket.on('error', () => {});
  const reply = async (start, timeout = 10_000) => {
    const text = await until(() => /^(?:\d{3}-.*\r\n)*\d{3} .*\r\n/.exec(heard)?.[0], { timeout, what: `a reply ${start}` });
    heard = heard.slice(text.length);
    assert.ok(text.startsWith(start), text);
    return text;
  };
  const client = {
    socket,
    write: (octets) => socket.write(octets),
    say: (line, start, timeout) => {
      socket.write(`${line}\r\n`);
      return reply(start, timeout);
    },
  };
  await reply('220');
  await client.say('EHLO client.test', '250');
  await client.say(`AUTH PLAIN ${Buffer.from(`\0any\0${key}`).toString('base64')}`, '235');
  return client;
}
