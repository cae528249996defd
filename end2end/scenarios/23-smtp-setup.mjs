// The setup page of SMTP: its snippets are run as they stand there, and each message's page tells how it came in and why
// it went where it went.

import { fileURLToPath } from 'node:url';

import { reached, send } from '../lib/api.mjs';
import { assert, until } from '../lib/assert.mjs';
import { signUp } from '../lib/dashboard.mjs';
import { run as runProgram } from '../lib/process.mjs';
import { startServer } from '../lib/server.mjs';
import { startSink } from '../lib/sink.mjs';

export const name = 'the SMTP setup page and its snippets';
export const seconds = 120;

/** Where the snippet for Node.js finds nodemailer. */
const here = fileURLToPath(new URL('..', import.meta.url));

/** How a snippet is run as it stands on the page. */
const PROGRAMS = {
  swaks: (code) => runProgram('bash', ['-c', code]),
  python: (code) => runProgram('python3', ['-c', code]),
  nodemailer: (code) => runProgram('node', ['--input-type=module', '-e', code], { cwd: here }),
};

export async function run(t) {
  const server = await startServer(t);
  for (const javaScript of [true, false]) await setUp(t, server, javaScript);
  await without(t);
}

async function setUp(t, server, javaScript) {
  const label = javaScript ? 'script' : 'no-script';
  const dashboard = await signUp(server, { email: `o'neil-${label}@example.com`, team: `Team ${label}` });
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
  for (const id of ['swaks', 'nodemailer', 'python', 'php', 'rails', 'django', 'postfix']) {
    const code = await snippet(id);
    for (const part of [secret, '127.0.0.1', String(server.smtpPort)]) assert.ok(code.includes(part), `${id}: no ${part} in\n${code}`);
  }
  await page.shot(`smtp-setup-${label}-1`);

  let sent = 0;
  for (const [id, program] of Object.entries(PROGRAMS)) {
    const { code, output } = await program(await snippet(id));
    assert.equal(code, 0, `${id}: ${output}`);
    sent += 1;
    await sink.received(sent);
  }
  assert.deepEqual(sink.messages.map(({ to }) => to[0]), Array(sent).fill(`o'neil-${label}@example.com`));

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

/** Where SMTP is switched off, the page says so. */
async function without(t) {
  const server = await startServer(t, { env: { SENDMUX_SMTP_ADDR: 'off', SENDMUX_SMTPS_ADDR: 'off' } });
  const dashboard = await signUp(server);
  const phone = await dashboard.browse(t, { device: 'phone', theme: 'dark' });
  await phone.goto('/smtp');
  await phone.getByText('SMTP submission is switched off').waitFor();
  await until(async () => phone.errors().length === 0);
}
