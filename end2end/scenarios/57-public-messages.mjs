// Public messages, odd and broken ones among them, sent through the server: they are delivered byte for byte except for the
// documented changes, and the pages show what independent parsers read.
//
// None of them is kept here. They come from packages of the registries, fetched by whoever runs this: the tests of the crate
// mail-parser, whose sources cargo has, and of the npm packages in PACKAGES. The parsers are Python's `email` and npm's
// postal-mime. Where the two agree, the server must agree with them; where they do not, nothing is asserted.

import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { assert } from '../lib/assert.mjs';
import { signUp } from '../lib/dashboard.mjs';
import { run as execute } from '../lib/process.mjs';
import { startServer } from '../lib/server.mjs';
import { startSink } from '../lib/sink.mjs';

const SMTPConnection = createRequire(import.meta.url)('nodemailer/lib/smtp-connection');

export const name = 'public messages through the server and three parsers';
export const long = true;
export const seconds = 900;

const PARSER = 'postal-mime@4.0.0';
const PACKAGES = ['mailparser@0.6.2', 'eml-format@0.6.1'];

/** Where the server reads something else than both parsers, and makes more of the message. */
const RIGHT = new Set([
  // The backslashes of a path are no escapes to it, and the path is no name.
  'legacy/035.eml file names',
  'legacy/039.eml file names',
  // It finds the boundary though the semicolon before it is missing.
  'malformed/017.eml attachments',
  'malformed/017.eml file names',
  // A multipart that has no part is shown as text.
  'malformed/002.eml text',
  'malformed/004.eml text',
]);

export async function run(t) {
  const folder = await t.temporaryFolder();
  const messages = await corpus(folder);
  t.log(`${messages.length} public messages`);
  assert.ok(messages.length > 100, 'the packages have messages');
  const { default: PostalMime } = await import(pathToFileURL(join(await unpacked(folder, PARSER), 'dist/esm/postal-mime.js')));

  const server = await startServer(t, { env: { SENDMUX_RATE_LIMIT: '1000000' } });
  const dashboard = await signUp(server);
  const key = await dashboard.createKey();
  const sink = await startSink(t);
  await dashboard.addSmtp({ port: sink.port });

  const complaints = [];
  let refused = 0;
  for (const { file, raw } of messages) {
    const complain = (what, found) => {
      if (!RIGHT.has(`${file.split('/').slice(-2).join('/')} ${what}`)) complaints.push(`${file}: ${what}: ${JSON.stringify(found)}`);
    };
    const answer = await send(server, key, raw);
    const isField = sectionOf(raw).fields.every((field) => field.name !== null);
    if (!answer.id) {
      refused += 1;
      if (isField || !answer.error.startsWith('554 5.6.0')) complain('refused', answer.error);
      continue;
    }
    if (!isField) complain('accepted, with a line that is no field', sectionOf(raw).fields);
    const [{ raw: sent }] = await sink.received(1, { timeout: 30_000 });
    sink.messages.splice(0);
    compareBytes(raw, sent, complain);
    await compareViews(t, dashboard, answer.id, sent, PostalMime, complain);
  }
  t.log(`${messages.length - refused} accepted, ${refused} refused`);
  assert.deepEqual(complaints, []);
}

/** All messages: `{ file, raw }`, their lines ending in CRLF as SMTP has them. */
async function corpus(folder) {
  // Only for this machine: cargo has not fetched what others need.
  const { stdout: rustc } = await execute('rustc', ['-vV']);
  const cargo = await execute(
    'cargo', ['metadata', '--format-version', '1', '--locked', '--offline', '--filter-platform', /^host: (.*)$/m.exec(rustc)[1]],
    { cwd: fileURLToPath(new URL('../../', import.meta.url)), timeout: 60_000 },
  );
  assert.equal(cargo.code, 0, cargo.output);
  const { manifest_path: manifest } = JSON.parse(cargo.stdout).packages.find((one) => one.name === 'mail-parser');
  const folders = [dirname(manifest)];
  for (const one of PACKAGES) folders.push(await unpacked(folder, one));
  const messages = [];
  for (const folder of folders) {
    for (const file of (await readdir(folder, { recursive: true })).sort()) {
      // Of the variants of one message that differ in their line ends, the first.
      if (!file.endsWith('.eml') || file.endsWith('.crlf.eml')) continue;
      const text = (await readFile(join(folder, file))).toString('latin1').replaceAll(/\r\n|\r|\n/g, '\r\n');
      messages.push({ file: `${basename(folder)}/${file}`, raw: Buffer.from(text.endsWith('\r\n') ? text : `${text}\r\n`, 'latin1') });
    }
  }
  return messages;
}

/** Fetches an npm package with all its files, and returns the folder that they are in. */
async function unpacked(folder, name) {
  const packed = await execute('npm', ['pack', '--silent', name, '--pack-destination', folder], { timeout: 120_000 });
  assert.equal(packed.code, 0, packed.output);
  const target = join(folder, name);
  const steps = await execute('sh', ['-c', 'mkdir -p "$1" && tar xzf "$2" -C "$1"', 'sh', target, join(folder, packed.stdout.trim())]);
  assert.equal(steps.code, 0, steps.output);
  return join(target, 'package');
}

/** Sends a message: `{ id }` when it was accepted, else `{ error }`, the reply. */
function send(server, key, raw) {
  const connection = new SMTPConnection({ host: '127.0.0.1', port: server.smtpsPort, secure: true, tls: { rejectUnauthorized: false } });
  return new Promise((resolve, reject) => {
    connection.on('error', reject);
    connection.connect(() => {
      connection.login({ user: 'any', pass: key }, (error) => {
        if (error) return reject(error);
        return connection.send({ from: 'sender@example.com', to: ['recipient@example.net'], use8BitMime: true }, raw, (error, info) => {
          connection.quit();
          if (error && !error.response) return reject(error);
          return resolve(error ? { error: error.response } : { id: /eml_\w+/.exec(info.response)[0] });
        });
      });
    });
  });
}

/** The fields of the header section, their octets as characters, and what follows it; a line that is no field has no name. */
function sectionOf(raw) {
  const text = raw.toString('latin1');
  const end = text.startsWith('\r\n') ? 0 : text.indexOf('\r\n\r\n') + 2;
  const section = end === 1 ? text : text.slice(0, end);
  const lines = section.split(/(?<=\r\n)(?![ \t])/).filter((line) => line);
  const nameOf = (line) => /^([!-9;-~]+)[ \t]*:/.exec(line)?.[1].toLowerCase() ?? null;
  while (lines.length > 0 && /^>*From /.test(lines[0]) && !nameOf(lines[0])) lines.shift();
  const fields = lines.map((line) => ({ name: nameOf(line), line }));
  // Without any field there is no section.
  if (fields.every(({ name }) => !name)) return { fields: [], body: text.startsWith('\r\n') ? text.slice(2) : text };
  return { fields, body: text.slice(section.length + 2) };
}

function compareBytes(raw, sent, complain) {
  const was = sectionOf(raw);
  const is = sectionOf(sent);
  const goes = ['bcc', 'resent-bcc'];
  if (!is.fields.shift()?.line.startsWith('Received: ')) complain('the trace line', is.fields[0]);
  for (const name of ['date', 'message-id']) {
    if (was.fields.some((field) => field.name === name && field.line.replace(/^[^:]*:/, '').trim())) continue;
    goes.push(name);
    if (is.fields.filter((field) => field.name === name).length !== 1) complain(`${name} was added`, is.fields);
  }
  const kept = (fields) => fields.filter((field) => !goes.includes(field.name)).map((field) => field.line);
  const [expected, found] = [kept(was.fields), kept(is.fields)];
  if (JSON.stringify(expected) !== JSON.stringify(found)) complain('the header', { expected, found });
  if (is.fields.some(({ name }) => name === 'bcc' || name === 'resent-bcc')) complain('Bcc left', is.fields);
  if (was.body !== is.body) complain('the body', { expected: was.body.length, found: is.body.length });
}

const READER = `
import base64, email, email.policy, email.header, email.utils, hashlib, json, sys
raw = sys.stdin.buffer.read()
message = email.message_from_bytes(raw, policy=email.policy.default)
def value(get):
    try:
        return get()
    except Exception:
        return None
def files(part):
    if part.get_content_maintype() == 'multipart':
        payload = part.get_payload()
        return [file for sub in (payload if isinstance(payload, list) else []) for file in files(sub)]
    if part.get_content_maintype() in ('text', 'message'):
        return []
    payload = part.get_payload(decode=True) or b''
    return [[value(lambda: part.get_filename()), hashlib.sha256(payload).hexdigest()]]
def mailbox():
    found = [a for h in message.get_all('From', []) for a in h.addresses]
    return [found[0].display_name, found[0].addr_spec]
print(json.dumps({
    'subject': value(lambda: str(message['Subject'])) if message['Subject'] is not None else None,
    'from': value(mailbox),
    'text': value(lambda: message.get_body(('plain',)).get_content()),
    'files': value(lambda: files(message)),
}))
`;

/** What the pages show, beside what two parsers read. */
async function compareViews(t, dashboard, id, sent, PostalMime, complain) {
  const [mail, { item }] = [await dashboard.call('message_mail', { id }), await dashboard.call('message', { id })];
  const files = [];
  for (const { index, name, media_type: type } of mail.attachments) {
    const response = await dashboard.get(`/files/messages/${id}/attachments/${index}`);
    assert.equal(response.status, 200);
    const content = Buffer.from(await response.arrayBuffer());
    if (!/^(?:text|message)\//.test(type)) files.push([name, sha256(content)]);
  }
  const html = await dashboard.get(`/files/messages/${id}/html`);
  assert.equal(html.status, mail.has_html ? 200 : 404);

  const python = await execute('python3', ['-c', READER], { input: sent, env: { ...process.env, PYTHONIOENCODING: 'utf-8' } });
  assert.equal(python.code, 0, python.output);
  const one = JSON.parse(python.stdout);
  const other = await PostalMime.parse(sent, { forceRfc822Attachments: true }).catch(() => null);
  if (!other) return;
  const agree = (what, ours, first, second) => {
    const [a, b, c] = [ours, first, second].map((value) => JSON.stringify(value));
    if (b === c && a !== b) complain(what, { ours, theirs: first });
  };
  agree('subject', plain(item.subject), plain(one.subject), plain(other.subject));
  if (one.from?.[1]) {
    agree('from', address(item.from), one.from[1].toLowerCase(), other.from?.address?.toLowerCase());
  }
  agree('text', plain(mail.text), plain(one.text), plain(other.text));
  const others = other.attachments
    .filter(({ mimeType }) => !/^(?:text|message)\//.test(mimeType))
    .map(({ filename, content }) => [filename, sha256(Buffer.from(content))]);
  const hashes = (list) => list?.map(([, hash]) => hash).sort();
  agree('attachments', hashes(files), hashes(one.files), hashes(others));
  const names = (list) => list?.map(([name]) => name).filter((name) => name && !name.startsWith('attachment-')).map(plain).sort();
  agree('file names', names(files), names(one.files), names(others));
}

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

/** Parsers differ in the white space of folds and in what they do with controls. */
const plain = (text) => (text ?? '').replaceAll(/[\s\p{Cc}]+/gu, ' ').trim();

const address = (text) => (/<([^<>]*)>$/.exec(text)?.[1] ?? text).toLowerCase();
