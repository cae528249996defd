// SMTP submission by relays between an application and its smarthost: msmtp, the sendmail of many scripts, and a Postfix that
// relays through us.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import nodemailer from 'nodemailer';

import { reached } from '../lib/api.mjs';
import { assert } from '../lib/assert.mjs';
import { signUp } from '../lib/dashboard.mjs';
import { havePostfix, startPostfix } from '../lib/postfix.mjs';
import { run as command } from '../lib/process.mjs';
import { startServer } from '../lib/server.mjs';
import { startSink } from '../lib/sink.mjs';

export const name = 'SMTP submission: msmtp, and Postfix with us as its smarthost';
export const seconds = 180;

const MESSAGES = 40;

export async function run(t) {
  const server = await startServer(t);
  const dashboard = await signUp(server);
  const key = await dashboard.createKey();
  const sink = await startSink(t);
  await dashboard.addSmtp({ port: sink.port });
  const given = { t, server, dashboard, key, sink, caFile: join(server.dataFolder, 'self-signed.crt') };

  await msmtp(given);
  if (!havePostfix) return t.log('Postfix was left out: it has to be started as root');
  for (const wrapped of [false, true]) await postfix(given, wrapped);
  await secondsFromOneConnection(given);
}

/** Both ports, both mechanisms, an address beyond ASCII, and 8-bit text with dots. */
async function msmtp({ t, server, dashboard, key, sink, caFile }) {
  const body = 'Grüße\n.\n..\n.x\n';
  for (const [port, starttls] of [[server.smtpPort, 'on'], [server.smtpsPort, 'off']]) {
    for (const auth of ['plain', 'login']) {
      const { code, output } = await command(
        'msmtp',
        [
          ...['--file=/dev/null', '--host=localhost', `--port=${port}`, '--tls=on', `--tls-starttls=${starttls}`, `--tls-trust-file=${caFile}`],
          ...[`--auth=${auth}`, '--user=any', `--passwordeval=echo ${key}`, '--from=ana@example.com', '--debug', '--', 'bo@example.net'],
        ],
        { input: `From: Ana <ana@example.com>\nTo: bo@example.net\nSubject: msmtp\n\n${body}` },
      );
      assert.equal(code, 0, output);
      const [, id] = /250 2\.0\.0 Ok: queued as (eml_\w+)/.exec(output) ?? assert.fail(output);
      await reached(dashboard, id, 'sent');
      const [message, ...others] = sink.messages.splice(0);
      assert.equal(others.length, 0);
      assert.ok(message.text.endsWith(`\r\n\r\n${body.replaceAll('\n', '\r\n')}`), message.text);
    }
  }
  assert.ok(!server.lines.join('\n').includes(key), 'the key is nowhere in the log');
}

/** Postfix as people set it up by its documentation, with STARTTLS on 587 or wrapped in TLS on 465. */
async function postfix({ t, server, dashboard, key, sink, caFile }, wrapped) {
  const port = wrapped ? server.smtpsPort : server.smtpPort;
  const relay = await startPostfix(t, {
    settings: {
      relayhost: `[localhost]:${port}`,
      smtp_sasl_auth_enable: 'yes',
      smtp_sasl_password_maps: `inline:{ { [localhost]:${port} = sendmux:${key} } }`,
      smtp_sasl_tls_security_options: 'noanonymous',
      smtp_tls_security_level: 'verify',
      smtp_tls_CAfile: caFile,
      ...(wrapped ? { smtp_tls_wrappermode: 'yes' } : {}),
    },
  });
  const transport = nodemailer.createTransport({ host: '127.0.0.1', port: relay.port, secure: false, ignoreTLS: true });
  const raw = (number) =>
    Buffer.concat([
      Buffer.from(`From: Ana <ana@example.com>\r\nTo: bo@example.net\r\nSubject: Relayed ${number}\r\nMessage-ID: <${number}@app.example>\r\n` +
        'Date: Wed, 25 Nov 2026 11:00:00 +0000\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=iso-8859-1\r\n' +
        'Content-Transfer-Encoding: 8bit\r\n\r\n'),
      Buffer.from([0xe4, 0xf6, 0xfc, 0x0d, 0x0a]),
      Buffer.from('.\r\n..\r\n'),
    ]);
  const to = ['bo@example.net', 'cy@example.net'];
  // Many at once, so that Postfix opens connections side by side.
  const numbers = Array.from({ length: MESSAGES }, (_, number) => number);
  await Promise.all(numbers.map((number) => transport.sendMail({ envelope: { from: 'ana@example.com', to }, raw: raw(number) })));
  const messages = [...(await sink.received(MESSAGES, { timeout: 60_000 }))];
  sink.messages.length = 0;
  for (const { raw: got, from, to: got_to } of messages) {
    assert.deepEqual([from, got_to], ['ana@example.com', to]);
    const [, number] = /^Message-ID: <(\d+)@app\.example>/m.exec(got.toString('latin1'));
    const sent = raw(number);
    const at = got.indexOf('From: Ana');
    assert.ok(got.subarray(at).equals(sent), got.toString('latin1'));
    // One line of Postfix's and one of ours.
    assert.equal(got.subarray(0, at).toString().match(/^Received: /gm).length, 2);
  }
  const log = await relay.lines();
  assert.deepEqual(log.filter((line) => /status=(deferred|bounced)/.test(line)), []);
  assert.equal(log.filter((line) => /status=sent \(250 2\.0\.0 Ok: queued as eml_/.test(line)).length, MESSAGES * to.length);

  // An address beyond ASCII: Postfix asks for SMTPUTF8.
  await transport.sendMail({ from: 'ana@example.com', to: 'jörg@bücher.example', subject: 'Grüße', text: 'Hallo' });
  const [message] = await sink.received(1);
  sink.messages.length = 0;
  assert.ok('SMTPUTF8' in message.parameters);
  assert.deepEqual(message.to, ['jörg@bücher.example']);

  // What is larger than we announce comes back to Postfix at once, and its notice goes out with the null reverse-path.
  await transport.sendMail({ envelope: { from: 'ana@example.com', to: ['bo@example.net'] }, raw: large(30_000_000) });
  const [notice] = await sink.received(1, { timeout: 60_000 });
  sink.messages.length = 0;
  assert.deepEqual([notice.from, notice.to], ['', ['ana@example.com']]);
  assert.match(notice.text, /exceeds size limit 26214400/);
}

function large(bytes) {
  const line = `${'x'.repeat(76)}\r\n`;
  return `From: ana@example.com\r\nTo: bo@example.net\r\nSubject: large\r\n\r\n${line.repeat(bytes / line.length)}`;
}

/** A relay that reuses its connections, and an operator who allows it. */
async function secondsFromOneConnection({ t }) {
  const server = await startServer(t, { env: { SENDMUX_SMTP_MESSAGES_PER_CONNECTION: '100' } });
  const dashboard = await signUp(server);
  const key = await dashboard.createKey();
  const sink = await startSink(t);
  await dashboard.addSmtp({ port: sink.port });
  const transport = nodemailer.createTransport({
    ...{ host: '127.0.0.1', port: server.smtpsPort, secure: true, pool: true, maxConnections: 1, maxMessages: 50 },
    ...{ auth: { user: 'x', pass: key }, tls: { rejectUnauthorized: false } },
  });
  const mail = { from: 'ana@example.com', to: 'bo@example.net', subject: 'pooled', text: 'x' };
  await Promise.all(Array.from({ length: 50 }, () => transport.sendMail(mail)));
  transport.close();
  await sink.received(50);
  await server.logged(/connection ended.*messages.*50/);
}
