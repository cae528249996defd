// SMTP submission with the clients that people have: swaks, Python's smtplib, nodemailer and curl, each with every way to log
// in that it knows, over STARTTLS and over implicit TLS. Their messages arrive unchanged.

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import nodemailer from 'nodemailer';

import { reached } from '../lib/api.mjs';
import { assert } from '../lib/assert.mjs';
import { signUp } from '../lib/dashboard.mjs';
import { run as command, swaks } from '../lib/process.mjs';
import { startServer } from '../lib/server.mjs';
import { startSink } from '../lib/sink.mjs';

export const name = 'SMTP submission: swaks, smtplib, nodemailer, curl';
export const databases = ['sqlite', 'postgres'];

export async function run(t) {
  const server = await startServer(t);
  const dashboard = await signUp(server);
  const key = await dashboard.createKey();
  const sink = await startSink(t);
  await dashboard.addSmtp({ port: sink.port });
  const caFile = join(server.dataFolder, 'self-signed.crt');
  const given = { t, server, dashboard, key, sink, caFile };

  await swaksOnBothPorts(given);
  await refusals(given);
  await testKeys(given);
  await python(given);
  await withNodemailer(given);
  await curl(given);
  const everything = server.lines.join('\n');
  assert.ok(!everything.includes(key) && !everything.includes(key.slice(-32)), 'the key is nowhere in the log');
  await server.logged(/id.*req_\w+.*connection ended.*tls.*TLSv1\.3.*cipher.*TLS_\w+.*key.*key_\w+.*message_id.*eml_\w+.*end.*(quit|refused)/);
}

/** What the last client's message became: its row, and what the sink got. Fails when more than one came. */
async function arrived({ dashboard, sink }, id) {
  const view = await reached(dashboard, id, 'sent');
  const messages = sink.messages.splice(0);
  assert.equal(messages.length, 1);
  return { view, message: messages[0] };
}

function idIn(text) {
  const [, id] = /250 2\.0\.0 Ok: queued as (eml_[a-z0-9]{24})/.exec(text) ?? assert.fail(text);
  return id;
}

async function swaksOnBothPorts(given) {
  const { server, key } = given;
  for (const [port, tls] of [[server.smtpPort, '--tls'], [server.smtpsPort, '--tls-on-connect']]) {
    for (const mechanism of ['PLAIN', 'LOGIN']) {
      const sent = await swaks(port, [
        ...[tls, '--auth', mechanism, '--auth-user', 'anything', '--auth-password', key, '--helo', 'pc_1'],
        ...['--from', 'ana@example.com', '--to', 'bo@example.net,cy@example.net'],
        ...['--header', 'Subject: Hello', '--header', 'Bcc: cy@example.net', '--body', 'one\n.\n..two\n'],
      ]);
      assert.equal(sent.code, 0, sent.output);
      const { view, message } = await arrived(given, idIn(sent.output));
      assert.deepEqual([message.from, message.to], ['ana@example.com', ['bo@example.net', 'cy@example.net']]);
      assert.match(message.text, /^Received: from pc_1 \(\[127\.0\.0\.1\]\)\r\n\tby \[127\.0\.0\.1\] \(Sendmux [0-9a-f]{16}\) with ESMTPSA id eml_\w+ tls TLS_\w+;\r\n\t/);
      assert.doesNotMatch(message.text, /^Bcc:/im);
      assert.match(message.text, /\r\n\r\none\r\n\.\r\n\.\.two\r\n/);
      assert.equal(view.item.subject, 'Hello');
    }
  }
}

async function refusals({ server, key, sink }) {
  const attempt = (args) => swaks(server.smtpPort, ['--from', 'ana@example.com', '--to', 'bo@example.net', ...args]);
  const login = (password) => ['--auth', 'PLAIN', '--auth-user', 'x', '--auth-password', password];
  assert.match((await attempt([])).output, /<\*\* 530 5\.7\.0 Must issue a STARTTLS command first/);
  assert.match((await attempt(['--tls'])).output, /<~\* 530 5\.7\.0 Authentication required/);
  assert.match((await attempt(['--tls', ...login('smx_live_wrong')])).output, /<~\* 535 5\.7\.8 /);
  const { output } = await attempt(['--tls', ...login(key), '--from', 'nobody']);
  assert.match(output, /<~\* 553 5\.1\.7 /);
  assert.equal(sink.messages.length, 0);
}

async function testKeys({ server, dashboard, sink }) {
  const key = await dashboard.createKey({ mode: 'test' });
  const sent = await swaks(server.smtpsPort, [
    ...['--tls-on-connect', '--auth', 'PLAIN', '--auth-user', 'x', '--auth-password', key],
    ...['--from', 'ana@example.com', '--to', 'bo@example.net'],
  ]);
  const view = await reached(dashboard, idIn(sent.output), 'sent');
  assert.equal(view.item.mode, 'test');
  assert.equal(sink.messages.length, 0, 'it stays in the sandbox');
}

const SMTPLIB = `
import smtplib, ssl, sys
starttls, implicit, key, ca = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4]
context = ssl.create_default_context(cafile=ca)
def connect(secure):
    if secure:
        return smtplib.SMTP_SSL('localhost', implicit, context=context, timeout=20)
    client = smtplib.SMTP('localhost', starttls, timeout=20)
    client.starttls(context=context)
    return client
content = 'Subject: \\u00fc\\r\\nX-Eight: '.encode() + b'\\xe4\\xff\\r\\n\\r\\n' + b'\\x00\\xff' + b'x' * 3000 + b'\\r\\n.\\r\\n..\\r\\n'
for secure in (False, True):
    for mechanism in ('auth_plain', 'auth_login'):
        for initial in (True, False):
            client = connect(secure)
            client.ehlo('[IPv6:::1]')
            client.user, client.password = 'any', key
            client.auth(mechanism[5:].upper(), getattr(client, mechanism), initial_response_ok=initial)
            client.mail('ana@example.com', ['BODY=8BITMIME', 'SIZE=%d' % len(content)])
            client.rcpt('bo@example.net')
            print(client.data(content)[1].decode())
            code, text = client.mail('ana@example.com')
            assert code == 421, (code, text)
`;

/** 8-bit content, a NUL, long lines and dots; and the second message of a connection, which is one too many. */
async function python(given) {
  const { server, key, sink, caFile } = given;
  const args = [server.smtpPort, server.smtpsPort, key, caFile].map(String);
  const { code, output } = await command('python3', ['-c', SMTPLIB, ...args]);
  assert.equal(code, 0, output);
  const ids = output.match(/eml_[a-z0-9]{24}/g);
  assert.equal(ids.length, 8);
  for (const id of ids) await reached(given.dashboard, id, 'sent');
  const body = Buffer.concat([Buffer.from([0, 255]), Buffer.from(`${'x'.repeat(3000)}\r\n.\r\n..\r\n`)]);
  for (const { raw } of sink.messages.splice(0)) {
    const at = raw.indexOf('\r\n\r\n') + 4;
    assert.ok(raw.subarray(at).equals(body), 'the body is what was sent, to the octet');
    assert.ok(raw.includes(Buffer.from([0x3a, 0x20, 0xe4, 0xff, 0x0d, 0x0a])), 'and so is a header that is not UTF-8');
  }
}

async function withNodemailer(given) {
  const { server, key, caFile } = given;
  const ca = await readFile(caFile);
  for (const [port, secure] of [[server.smtpPort, false], [server.smtpsPort, true]]) {
    for (const authMethod of ['PLAIN', 'LOGIN']) {
      const transport = nodemailer.createTransport({
        ...{ host: 'localhost', port, secure, requireTLS: true, authMethod, auth: { user: 'sendmux', pass: key }, tls: { ca } },
      });
      const info = await transport.sendMail({
        from: 'Jörg <jörg@bücher.example>',
        to: 'Ana <ana@example.net>',
        bcc: 'hidden@example.net',
        subject: 'Grüße',
        text: 'Hallo',
        html: '<p>Hallo</p>',
        attachments: [{ filename: 'ä.bin', content: Buffer.alloc(5_000, 7) }],
      });
      const { view, message } = await arrived(given, idIn(info.response));
      assert.deepEqual(message.to, ['ana@example.net', 'hidden@example.net']);
      assert.equal(message.from, 'jörg@bücher.example');
      assert.equal(view.item.subject, 'Grüße');
      assert.doesNotMatch(message.text, /hidden@/, 'nobody sees the hidden recipient');
      assert.ok('SMTPUTF8' in message.parameters, 'it travels on as it came');
    }
  }
}

async function curl(given) {
  const { t, server, key, caFile } = given;
  const file = join(await t.temporaryFolder(), 'message.eml');
  const content = 'From: ana@example.com\r\nTo: bo@example.net\r\nSubject: curl\r\nDate: x\r\nMessage-ID: <curl@example.com>\r\n\r\n.\r\n..\r\n';
  await writeFile(file, content);
  for (const url of [`smtp://localhost:${server.smtpPort}`, `smtps://localhost:${server.smtpsPort}`]) {
    for (const options of ['', ';AUTH=PLAIN', ';AUTH=LOGIN']) {
      const { code, output } = await command('curl', [
        ...['--silent', '--show-error', '--verbose', '--ssl-reqd', '--cacert', caFile, '--url', url],
        ...['--user', `any:${key}`, ...(options ? ['--login-options', options.slice(1)] : [])],
        ...['--mail-from', 'ana@example.com', '--mail-rcpt', 'bo@example.net', '--upload-file', file],
      ]);
      assert.equal(code, 0, output);
      const { message } = await arrived(given, idIn(output));
      const at = message.raw.indexOf('From: ana@');
      assert.equal(message.raw.subarray(at).toString(), content, 'nothing is added to what has everything');
      assert.equal(message.raw.subarray(0, at).toString().split('\r\n').length, 4, 'but one Received line');
    }
  }
}
