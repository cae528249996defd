// Messages at the size limit: 24 MB of attachments, a message to 201 recipients, and many of both beside small ones.

import { randomBytes } from 'node:crypto';

import { email, post, reached, send } from '../lib/api.mjs';
import { assert } from '../lib/assert.mjs';
import { signUp } from '../lib/dashboard.mjs';
import { readMail } from '../lib/mail.mjs';
import { startServer } from '../lib/server.mjs';
import { startSink } from '../lib/sink.mjs';

export const name = 'large messages and many recipients';
export const databases = ['sqlite', 'postgres'];

const MAX_BODY = 26_214_400;

export async function run(t) {
  const server = await startServer(t);
  const dashboard = await signUp(server);
  const key = await dashboard.createKey();
  const sink = await startSink(t);
  await dashboard.addSmtp({ port: sink.port });

  await largest(t, { server, dashboard, key, sink });
  await manyRecipients({ server, dashboard, key, sink });
  await largeBesideSmall({ server, dashboard, key, sink });
  await tooLargeForThisOne(t, { server, dashboard });
}

/** A request of just the size that is allowed: what arrives is the file, to the byte. */
async function largest(t, { server, dashboard, key, sink }) {
  const frame = JSON.stringify(email({ attachments: [{ filename: 'film.mp4', content: '' }] })).length;
  const bytes = randomBytes(Math.floor((MAX_BODY - frame) / 4) * 3);
  const attachments = [{ filename: 'film.mp4', content: bytes.toString('base64') }];
  const id = await send(server, key, email({ attachments }));
  await reached(dashboard, id, 'sent', { timeout: 30_000 });
  const [{ raw }] = sink.messages.splice(0);
  const mail = await readMail(raw);
  const file = mail.parts.find(({ filename }) => filename === 'film.mp4');
  assert.equal(file.bytes.length, bytes.length);
  assert.ok(file.bytes.equals(bytes), 'the file is what was sent');
  assert.ok((await dashboard.raw(id)).equals(raw));

  // The page is the same on either database.
  if (t.database !== 'sqlite') return;
  const page = await dashboard.browse(t);
  await page.goto(`/messages/${id}`);
  const link = page.getByRole('link', { name: 'Download film.mp4' });
  const download = await dashboard.get(await link.getAttribute('href'));
  assert.ok(Buffer.from(await download.arrayBuffer()).equals(bytes), 'and so is what the page gives');
}

/** 1 To, 100 Cc and 100 Bcc: each once in the envelope, and no word of the hidden ones in the message. */
async function manyRecipients({ server, dashboard, key, sink }) {
  const list = (word) => Array.from({ length: 100 }, (_, place) => ({ email: `${word}${place}@example.net`, name: `${word} ${place}` }));
  const message = email({ to: { email: 'first@example.net' }, cc: list('open'), bcc: list('hidden') });
  const id = await send(server, key, message);
  const view = await reached(dashboard, id, 'sent');
  assert.equal(view.recipients.length, 201);
  assert.ok(view.recipients.every(({ status }) => status === 'sent'));
  const got = sink.messages.splice(0);
  const envelope = got.flatMap(({ to }) => to);
  assert.equal(envelope.length, 201);
  assert.equal(new Set(envelope).size, 201);
  for (const { raw, text } of got) {
    assert.doesNotMatch(text, /hidden/);
    assert.equal((await readMail(raw)).cc.length, 100);
  }
  const tooMany = await post(server, key, { ...message, bcc: [...list('hidden'), { email: 'one@example.net' }] });
  assert.equal(tooMany.status, 422);
  assert.deepEqual(tooMany.body.error.errors.map(({ field }) => field), ['bcc']);
}

/** Several large ones at once, and small ones between them: all arrive whole. */
async function largeBesideSmall({ server, dashboard, key, sink }) {
  const content = randomBytes(3_000_000).toString('base64');
  const large = Array.from({ length: 3 }, (_, place) => email({ subject: `Large ${place}`, attachments: [{ filename: 'a.bin', content }] }));
  const small = Array.from({ length: 100 }, (_, place) => email({ subject: `Small ${place}` }));
  const ids = await Promise.all([...large, ...small].map((message) => send(server, key, message)));
  for (const id of ids) await reached(dashboard, id, 'sent', { timeout: 30_000 });
  const sizes = sink.messages.filter(({ text }) => /^Subject: Large/m.test(text)).map(({ raw }) => raw.length);
  assert.equal(sizes.length, 3);
  assert.ok(sizes.every((size) => size > 4_000_000), String(sizes));
  assert.equal(sink.messages.length, 103);
}

/** A server that takes less: the message goes to the one that takes it. */
async function tooLargeForThisOne(t, { server }) {
  const dashboard = await signUp(server, { email: 'large@example.com', team: 'Large' });
  const key = await dashboard.createKey();
  const [narrow, wide] = [await startSink(t, { size: 1_000_000 }), await startSink(t)];
  await dashboard.addSmtp({ name: 'Narrow', port: narrow.port });
  await dashboard.addSmtp({ name: 'Wide', port: wide.port });
  const attachments = [{ filename: 'a.bin', content: randomBytes(1_000_000).toString('base64') }];
  const ids = [];
  for (let turn = 0; turn < 8; turn += 1) ids.push(await send(server, key, email({ attachments })));
  for (const id of ids) await reached(dashboard, id, 'sent', { timeout: 20_000 });
  assert.deepEqual([narrow.messages.length, wide.messages.length], [0, 8]);
  const providers = await dashboard.providers();
  assert.ok(providers.filter(({ kind }) => kind === 'smtp').every(({ state }) => state === 'active'), 'its size is not the fault of the provider');
}
