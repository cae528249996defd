// A provider is added in the browser, refused until it can be trusted, and then takes a message with every kind of part. It is
// read with an independent parser.

import { randomBytes } from 'node:crypto';

import { reached, send } from '../lib/api.mjs';
import { assert, until } from '../lib/assert.mjs';
import { signUp } from '../lib/dashboard.mjs';
import { readMail } from '../lib/mail.mjs';
import { startServer } from '../lib/server.mjs';
import { startSink } from '../lib/sink.mjs';

export const name = 'an SMTP provider is set up in the browser and delivers';
export const databases = ['sqlite', 'postgres'];

const AUTH = { user: 'mailbox@example.com', pass: 'pässwörd "1"' };

export async function run(t) {
  const server = await startServer(t);
  const dashboard = await signUp(server);
  const untrusted = await startSink(t, { tls: 'starttls', auth: AUTH });
  const sink = await startSink(t, { auth: AUTH });

  const page = await dashboard.browse(t);
  await addUntrusted(page, untrusted);
  await makeItWork(page, sink);

  const key = await dashboard.createKey();
  const message = everything();
  const id = await send(server, key, message);
  const view = await reached(dashboard, id, 'sent');
  assert.equal(untrusted.messages.length, 0);
  await arrived(sink.messages, message, view);
  assert.deepEqual(await dashboard.raw(id), sink.messages[0].raw, 'what is kept is what was sent');
  await told(page, id, message);
  await page.goto('/providers');
  const row = page.getByRole('row', { name: 'Relay' });
  await row.getByText('100%').waitFor();
  await until(
    async () => {
      await page.reload();
      return !/Never/.test(await row.innerText());
    },
    { what: 'the list tells when it was last used' },
  );
  await page.shot(`smtp-provider-${t.database}-5-list`);

  const phone = await dashboard.browse(t, { device: 'phone', theme: 'dark' });
  await phone.goto(`/messages/${id}`);
  await phone.getByText('Relay took it').waitFor();
  await phone.shot(`smtp-provider-${t.database}-6-message-phone`);
}

/** STARTTLS and a login at a server whose certificate nobody vouches for: the password must not go out. */
async function addUntrusted(page, untrusted) {
  await page.goto('/providers');
  await page.getByRole('link', { name: 'Add a provider' }).click();
  await page.getByRole('link', { name: 'Add an SMTP server' }).click();
  await page.getByRole('heading', { name: 'Add an SMTP server' }).waitFor();
  await page.hydrated('main form');
  await page.getByLabel('Name', { exact: true }).fill('Relay');
  await page.getByLabel('Host').fill('127.0.0.1');
  await page.getByLabel('Port', { exact: true }).fill(String(untrusted.port));
  await page.getByLabel('User name').fill(AUTH.user);
  await page.getByLabel('Password').fill(AUTH.pass);
  await page.shot('smtp-provider-1-form');
  await page.getByRole('button', { name: 'Add and test' }).click();

  await page.waitForURL(/\/providers\/prv_[a-z0-9]{24}$/);
  const result = page.locator('[data-test-result=failed]').first();
  await result.waitFor();
  const text = await result.innerText();
  assert.match(text, /certificate/i, text);
  assert.deepEqual(untrusted.commands, [], 'nothing was said to it after TLS failed');
  await page.getByText('Blocked', { exact: true }).waitFor();
  assert.ok(!(await page.content()).includes(AUTH.pass));
  await page.shot('smtp-provider-2-untrusted');
}

/** The same provider at a server in the operator's own network, without TLS. */
async function makeItWork(page, sink) {
  await page.hydrated('main section form');
  await page.getByLabel('Port', { exact: true }).fill(String(sink.port));
  await page.getByText('None', { exact: true }).click();
  await page.getByRole('button', { name: 'Save' }).click();
  // A password that was given for an encrypted connection does not go over a plain one unasked.
  await page.locator('#password-error').getByText('Enter the password again').waitFor();
  assert.equal(await page.getByLabel('Port', { exact: true }).inputValue(), String(sink.port));
  await page.getByLabel('Password').fill(AUTH.pass);
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Saved. Messages use the new settings').waitFor();
  await page.getByRole('button', { name: 'Test' }).click();
  await page.locator('[data-test-result=ok]').first().waitFor();
  await page.getByText('Active', { exact: true }).waitFor();
  assert.deepEqual(sink.commands, [`AUTH ${AUTH.user}`], 'a test sends nothing');
  await page.shot('smtp-provider-3-works');
}

/** A message with all that a message can have. */
function everything() {
  return {
    from: { email: 'ana@example.com', name: 'Анна Каренина' },
    to: [
      { email: 'taro@example.net', name: '山田太郎' },
      { email: 'plain@example.net' },
    ],
    cc: [{ email: 'zoe@example.org', name: 'Zoë "Z" O’Neil, PhD' }],
    bcc: [{ email: 'silent@example.org', name: 'Nobody must know' }],
    reply_to: { email: 'answers@example.com', name: 'مرحبا' },
    return_path: 'bounces@example.com',
    subject: `Grüße, Привет, 你好, こんにちは, שלום, मस्ते 👋🏽 – ${'a long subject that has to be folded, '.repeat(4)}end`,
    text_body: `Zeile eins\r\n.\r\n..two dots\r\nFrom the beginning\r\ntrailing space \r\n${'長い行'.repeat(600)}\r\n\r\n👋 end`,
    html_body:
      '<!doctype html><meta charset="utf-8"><h1>你好 &amp; Grüße</h1>\n' +
      `<p style="color:red">${'x'.repeat(2_000)}</p><img src="cid:logo" alt="Logo">`,
    custom_headers: { 'X-Campaign': 'früh-2026', 'List-Unsubscribe': '<https://example.com/u?id=1>' },
    attachments: [
      { filename: 'Rechnung – 請求書 "2".pdf', content: randomBytes(100_000).toString('base64'), type: 'application/pdf' },
      { filename: 'notes.txt', content: Buffer.from('no newline at the end').toString('base64') },
      { filename: 'logo.png', content: PIXEL, type: 'image/png', content_id: 'logo' },
    ],
  };
}

const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII=';

async function arrived(messages, sent, view) {
  assert.equal(messages.length, 1);
  const [{ from, to, raw, text, session }] = messages;
  assert.equal(session.user, AUTH.user);
  assert.equal(from, 'bounces@example.com');
  assert.deepEqual(to, ['taro@example.net', 'plain@example.net', 'zoe@example.org', 'silent@example.org']);
  assert.doesNotMatch(text, /^bcc:/im);
  assert.doesNotMatch(text, /silent@|Nobody must know/i);

  // RFC 5322, 2.1.1 and 2.3: lines end with CRLF and have at most 998 characters.
  const lines = raw.toString('latin1').split('\r\n');
  assert.ok(lines.every((line) => !/[\r\n]/.test(line)), 'no line ends with CR or LF alone');
  const longest = Math.max(...lines.map((line) => line.length));
  assert.ok(longest <= 998, `a line has ${longest} bytes`);

  const mail = await readMail(raw);
  assert.deepEqual(mail.parts.flatMap(({ defects }) => defects), []);
  assert.deepEqual(mail.from, [['Анна Каренина', 'ana@example.com']]);
  assert.deepEqual(mail.to, [['山田太郎', 'taro@example.net'], ['', 'plain@example.net']]);
  assert.deepEqual(mail.cc, [['Zoë "Z" O’Neil, PhD', 'zoe@example.org']]);
  assert.deepEqual(mail.bcc, []);
  assert.deepEqual(mail.reply_to, [['مرحبا', 'answers@example.com']]);
  assert.equal(mail.subject, sent.subject);
  assert.equal(mail.message_id, view.header_message_id);
  assert.match(mail.message_id, /^<eml_[a-z0-9]{24}@[^@>]+>$/);
  assert.ok(Math.abs(Date.parse(mail.date) - Date.parse(view.item.created.iso)) < 10_000, mail.date);
  const header = (name) => mail.headers.filter(([other]) => other.toLowerCase() === name.toLowerCase()).map(([, value]) => value);
  assert.deepEqual(header('X-Campaign'), ['früh-2026']);
  assert.deepEqual(header('List-Unsubscribe'), ['<https://example.com/u?id=1>']);
  for (const once of ['From', 'To', 'Cc', 'Subject', 'Date', 'Message-ID', 'MIME-Version']) assert.equal(header(once).length, 1, once);

  const part = (type) => mail.parts.find((one) => one.type === type) ?? assert.fail(`no ${type} in ${mail.parts.map((one) => one.type)}`);
  const asLines = (body) => body.replaceAll('\r\n', '\n');
  assert.equal(asLines(part('text/plain').text), asLines(sent.text_body));
  assert.equal(asLines(part('text/html').text), asLines(sent.html_body));
  for (const { filename, content, content_id: contentId } of sent.attachments) {
    const found = mail.parts.find((one) => one.filename === filename) ?? assert.fail(`no file ${filename}: ${mail.parts.map((one) => one.filename)}`);
    assert.deepEqual(found.bytes, Buffer.from(content, 'base64'), filename);
    assert.equal(found.disposition, contentId ? 'inline' : 'attachment');
    if (contentId) assert.equal(found.content_id, `<${contentId}>`);
  }
}

/** What the message's page tells. */
async function told(page, id, sent) {
  await page.goto(`/messages/${id}`);
  await page.getByText('Relay took it').waitFor();
  const timeline = await page.locator('.timeline-list').innerText();
  assert.match(timeline, /Accepted over HTTP\s+4 recipients[^]*Relay took it[^]*Sent/);
  assert.equal(await page.getByRole('heading', { level: 1 }).innerText(), sent.subject);
  const bcc = page.getByRole('row', { name: 'silent@example.org' });
  assert.match(await bcc.innerText(), /Bcc[^]*Sent/);

  await page.frameLocator('iframe').getByRole('heading', { name: '你好 & Grüße' }).waitFor();
  for (const { filename, content } of sent.attachments.slice(0, 2)) {
    const download = page.waitForEvent('download');
    await page.getByRole('link', { name: `Download ${filename}` }).click();
    const file = await download;
    const chunks = [];
    for await (const chunk of await file.createReadStream()) chunks.push(chunk);
    assert.deepEqual(Buffer.concat(chunks), Buffer.from(content, 'base64'));
  }
  await page.getByRole('heading', { name: 'Raw source' }).click();
  assert.match(await page.getByLabel('raw source').innerText(), /^Return-Path|^Date: /m);
  await page.shot('smtp-provider-4-message');
}
