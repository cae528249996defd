// The setup page of SMTP: its snippets are run as shown, and each message's page shows how it came in and why its provider was
// chosen.

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import nodemailer from 'nodemailer';

import { reached, send } from '../lib/api.mjs';
import { assert, until } from '../lib/assert.mjs';
import { signUp } from '../lib/dashboard.mjs';
import { havePostfix, startPostfix } from '../lib/postfix.mjs';
import { run as runProgram } from '../lib/process.mjs';
import { python } from '../lib/python.mjs';
import { startServer } from '../lib/server.mjs';
import { startSink } from '../lib/sink.mjs';

export const name = 'the SMTP setup page and its snippets';
export const seconds = 180;

/** Where the snippet for Node.js finds nodemailer. */
const here = fileURLToPath(new URL('..', import.meta.url));

/**
 * How a snippet is run as it stands on the page. What is only a part of a program there gets the rest of it here: a
 * message from the viewer's address to itself.
 */
const PROGRAMS = {
  swaks: (code) => runProgram('bash', ['-c', code]),
  python: (code) => runProgram('python3', ['-c', code]),
  nodemailer: (code) => runProgram('node', ['--input-type=module', '-e', code], { cwd: here }),
  php,
  rails,
  django,
  postfix,
};

/** Debian's PHPMailer, where Composer would have put its own. */
async function php(code, { t }) {
  const folder = await t.temporaryFolder();
  await mkdir(join(folder, 'vendor'));
  await writeFile(join(folder, 'vendor/autoload.php'), "<?php require '/usr/share/php/libphp-phpmailer/autoload.php';\n");
  await writeFile(join(folder, 'mail.php'), code);
  return runProgram('php', ['mail.php'], { cwd: folder });
}

/** Rails hands its settings to Action Mailer, which does the rest. Left out where there is none: it is large. */
async function rails(code, { t, address }) {
  const { code: missing } = await runProgram('ruby', ['-e', 'require "action_mailer"']).catch(() => ({ code: 1 }));
  if (missing) return t.log('Ruby on Rails was left out: there is no Action Mailer');
  const program = `require "action_mailer"
config = Struct.new(:action_mailer).new(ActionMailer::Base)
${code}
address = ${JSON.stringify(address)}
ActionMailer::Base.mail(from: address, to: address, subject: "Hello from Sendmux", body: "It works.").deliver_now`;
  return runProgram('ruby', ['-e', program]);
}

async function django(code, { t, server, address }) {
  const folder = await t.temporaryFolder();
  await writeFile(join(folder, 'settings.py'), code);
  const program = `from django.core.mail import send_mail
send_mail("Hello from Sendmux", "It works.", None, [${JSON.stringify(address)}])`;
  const env = {
    PATH: process.env.PATH,
    DJANGO_SETTINGS_MODULE: 'settings',
    PYTHONPATH: folder,
    SSL_CERT_FILE: join(server.dataFolder, 'self-signed.crt'),
  };
  return python('python', ['-c', program], { env });
}

/** Both files of the snippet; the second lies beside the first instead of in /etc/postfix. */
async function postfix(code, { t, address }) {
  if (!havePostfix) return t.log('Postfix was left out: it has to be started as root');
  const [, main, passwords] = /^# \/etc\/postfix\/main\.cf.*\n([^]*)\n# \/etc\/postfix\/sendmux.*\n([^]*)$/.exec(code) ?? assert.fail(code);
  const folder = await t.temporaryFolder();
  await writeFile(join(folder, 'sendmux'), `${passwords}\n`, { mode: 0o600 });
  const lines = main.split('\n').filter((line) => line);
  const settings = Object.fromEntries(lines.map((line) => line.replace('/etc/postfix/', `${folder}/`).split(' = ')));
  const relay = await startPostfix(t, { settings });
  const transport = nodemailer.createTransport({ host: '127.0.0.1', port: relay.port, secure: false, ignoreTLS: true });
  await transport.sendMail({ from: address, to: address, subject: 'Hello from Sendmux', text: 'It works.' });
  return { code: 0, output: '' };
}

export async function run(t) {
  const server = await startServer(t);
  for (const javaScript of [true, false]) await setUp(t, server, javaScript);
  await mapped(t);
  await without(t);
}

async function setUp(t, server, javaScript) {
  const label = javaScript ? 'script' : 'no-script';
  const address = `o'neil-${label}@example.com`;
  const dashboard = await signUp(server, { email: address, team: `Team ${label}` });
  const [sink, full] = [await startSink(t), await startSink(t)];
  await dashboard.addSmtp({ name: 'Relay', port: sink.port });
  const off = await dashboard.addSmtp({ name: 'Spare', port: full.port });
  assert.ok((await dashboard.call('set_provider_active', { id: off, active: 'false', back: '/providers' })).ok);
  const page = await dashboard.browse(t, { javaScript });

  await page.goto('/overview');
  await page.getByRole('link', { name: 'host, ports and snippets' }).click();
  await page.getByRole('heading', { level: 1, name: 'SMTP setup' }).waitFor();
  const connection = await page.locator('[data-smtp-connection]').innerText();
  assert.match(connection, new RegExp(`127\\.0\\.0\\.1[^]*${server.smtpPort}[^]*${server.smtpsPort}`));
  await page.getByText('self-signed certificate, which clients do not trust').waitFor();
  await page.hydrated('main section form');
  await page.getByRole('button', { name: 'Create a key' }).click();
  const secret = await page.locator('code.secret').textContent();
  const fold = (id) => page.locator(`[data-snippet=${id}]`);
  const snippet = async (id) => {
    if (!(await fold(id).getAttribute('open'))?.length && (await fold(id).getAttribute('open')) === null) await fold(id).locator('summary').click();
    return fold(id).locator('pre').innerText();
  };
  for (const id of Object.keys(PROGRAMS)) {
    const code = await snippet(id);
    for (const part of [secret, '127.0.0.1', String(server.smtpPort)]) assert.ok(code.includes(part), `${id}: no ${part} in\n${code}`);
  }
  await page.shot(`smtp-setup-${label}-1`);

  let sent = 0;
  for (const [id, program] of Object.entries(PROGRAMS)) {
    const ran = await program(await snippet(id), { t, server, address });
    if (!ran) continue;
    assert.equal(ran.code, 0, `${id}: ${ran.output}`);
    sent += 1;
    await sink.received(sent);
  }
  for (const { from, to } of sink.messages) assert.deepEqual([from, to], [address, [address]]);

  const { rows } = await dashboard.messages();
  await reached(dashboard, rows[0].id, 'sent');
  await page.goto(`/messages/${rows[0].id}`);
  await page.getByText(/^SMTP, from 127\.0\.0\.1, over TLSv1\.3$/).waitFor();
  await page.getByText('Why this provider?').click();
  const candidates = page.locator('tr.more [data-candidates]');
  assert.match(await candidates.innerText(), /Relay[^]*chosen[^]*100%[^]*Spare[^]*Switched off/);
  await page.shot(`smtp-setup-${label}-2-message`);
  const overHttp = await send(server, secret);
  await page.goto(`/messages/${overHttp}`);
  await page.getByText(/^HTTP, from 127\.0\.0\.1$/).waitFor();
  await page.goto('/settings');
}

/** Behind a mapping of ports the page shows those that clients reach. */
async function mapped(t) {
  const env = { SENDMUX_SMTP_PUBLIC_HOST: 'smtp.example.com', SENDMUX_SMTP_PUBLIC_PORT: '587', SENDMUX_SMTPS_PUBLIC_PORT: '465' };
  const server = await startServer(t, { env });
  const dashboard = await signUp(server);
  const page = await dashboard.browse(t);
  await page.goto('/smtp');
  assert.match(await page.locator('[data-smtp-connection]').innerText(), /smtp\.example\.com[^]*587[^]*465/);
  const swaks = await page.locator('[data-snippet=swaks] pre').innerText();
  assert.match(swaks, /--server smtp\.example\.com --port 587 --tls /);
  assert.equal(await page.getByText('SMTP listens on a loopback address').count(), 0);
}

/** Where SMTP is switched off, the page says so. */
async function without(t) {
  const server = await startServer(t, { env: { SENDMUX_SMTP_ADDR: 'off', SENDMUX_SMTPS_ADDR: 'off' } });
  const dashboard = await signUp(server);
  const phone = await dashboard.browse(t, { device: 'phone', theme: 'dark' });
  await phone.goto('/smtp');
  await phone.getByText('SMTP submission is switched off').waitFor();
  await until(async () => phone.errors().length === 0);
}
