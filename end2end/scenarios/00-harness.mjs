// The tools of all other scenarios, tested without the server: the sink with an independent client, the browser with pages of
// its own, and the databases.

import { createServer } from 'node:http';
import { connect } from 'node:net';

import { assert, until } from '../lib/assert.mjs';
import { openPage } from '../lib/browser.mjs';
import { Context } from '../lib/context.mjs';
import { createDatabase, query } from '../lib/postgres.mjs';
import { swaks } from '../lib/process.mjs';
import { startSink } from '../lib/sink.mjs';

export const name = 'the harness itself';
export const seconds = 90;

export async function run(t) {
  await plainSinkKeepsEveryByte(t);
  await loginAndTls(t);
  await scriptedReplies(t);
  await pagesAndTheirErrors(t);
  if (process.env.SENDMUX_TEST_POSTGRES_URL) await databases(t);
}

async function plainSinkKeepsEveryByte(t) {
  const sink = await startSink(t, { size: 10_000 });
  const sent = await swaks(sink.port, [
    ...['--from', 'a@example.com', '--to', 'b@example.org,c@example.org', '--header', 'Subject: Hello'],
    ...['--body', 'one\n.\n..two\n'],
  ]);
  assert.equal(sent.code, 0, sent.output);
  const [message] = await sink.received(1);
  assert.equal(message.from, 'a@example.com');
  assert.deepEqual(message.to, ['b@example.org', 'c@example.org']);
  assert.match(message.text, /^Subject: Hello\r$/m);
  assert.match(message.text, /\r\n\r\none\r\n\.\r\n\.\.two\r\n/);
  assert.equal(message.session.secure, false);

  // Bytes that no client would send by itself: 8-bit ones that are not UTF-8, and a pipelined transaction.
  const body = Buffer.from([0x53, 0x3a, 0x20, 0xe9, 0x0d, 0x0a, 0x0d, 0x0a, 0xff, 0xfe, 0x0d, 0x0a]);
  const socket = connect(sink.port, '127.0.0.1');
  let replies = '';
  socket.setEncoding('utf8').on('data', (text) => {
    replies += text;
  });
  await until(() => replies.startsWith('220 '));
  socket.write('EHLO client.test\r\nMAIL FROM:<> BODY=8BITMIME\r\nRCPT TO:<d@example.org>\r\nDATA\r\n');
  await until(() => replies.includes('\n354 '));
  socket.write(Buffer.concat([body, Buffer.from('.\r\nQUIT\r\n')]));
  await until(() => replies.includes('\n221 '));
  socket.destroy();
  assert.deepEqual(sink.messages[1].raw, body);
  assert.equal(sink.messages[1].from, '');
  assert.equal(sink.messages[1].parameters.BODY, '8BITMIME');
  assert.deepEqual(sink.commands.slice(-3), ['MAIL ', 'RCPT d@example.org', 'DATA']);
  assert.equal(sink.connections, 2);

  const tooLarge = await swaks(sink.port, ['--to', 'b@example.org', '--body', `${'x'.repeat(70)}\n`.repeat(200)]);
  assert.match(tooLarge.output, /<\*\* 552 /);
  assert.equal(sink.messages.length, 2);
}

async function loginAndTls(t) {
  const auth = { user: 'mailbox', pass: 'right' };
  const login = (pass) => ['--auth', 'PLAIN', '--auth-user', 'mailbox', '--auth-password', pass, '--to', 'b@example.org'];
  const sink = await startSink(t, { tls: 'starttls', auth });

  assert.match((await swaks(sink.port, ['--to', 'b@example.org'])).output, /<\*\* 530 /);
  assert.match((await swaks(sink.port, ['--tls', ...login('wrong')])).output, /<~\* 535 5\.7\.8 /);
  const sent = await swaks(sink.port, ['--tls', ...login('right')]);
  assert.equal(sent.code, 0, sent.output);
  assert.deepEqual(sink.messages.map(({ session }) => [session.secure, session.user]), [[true, 'mailbox']]);

  const implicit = await startSink(t, { tls: 'implicit', auth });
  assert.equal((await swaks(implicit.port, ['--tls-on-connect', ...login('right')])).code, 0);
  const plain = await startSink(t, { auth });
  assert.equal((await swaks(plain.port, login('right'))).code, 0);
}

async function scriptedReplies(t) {
  const sink = await startSink(t);
  const send = (...to) => swaks(sink.port, ['--to', to.join(',')], { timeout: 15_000 });

  sink.onRecipient = (address) => (address.startsWith('nobody@') ? '550 5.1.1 No such user' : undefined);
  assert.match((await send('nobody@example.org', 'b@example.org')).output, /<\*\* 550 5\.1\.1 No such user/);
  assert.deepEqual((await sink.received(1))[0].to, ['b@example.org']);

  sink.onRecipient = () => '450 4.2.0 Greylisted';
  assert.match((await send('b@example.org')).output, /<\*\* 450 4\.2\.0 Greylisted/);
  sink.onRecipient = undefined;

  sink.onData = () => '452 4.3.1 Out of space';
  assert.match((await send('b@example.org')).output, /<\*\* 452 4\.3\.1 Out of space/);
  sink.onData = () => '250 2.0.0 Ok: queued as 4711';
  assert.match((await send('b@example.org')).output, /<- {2}250 2\.0\.0 Ok: queued as 4711/);
  sink.onData = () => 'drop';
  const cut = await send('b@example.org');
  assert.notEqual(cut.code, 0);
  assert.match(cut.output, /lines sent\n\*\*\* Remote host closed connection unexpectedly/);
  sink.onData = undefined;

  sink.onMail = () => '421 4.3.2 Going down';
  assert.match((await send('b@example.org')).output, /<\*\* 421 4\.3\.2 Going down/);
  sink.onMail = undefined;
  sink.onConnect = () => '554 5.7.1 Not you';
  assert.match((await send('b@example.org')).output, /<\*\* 554 5\.7\.1 Not you/);
  sink.onConnect = undefined;

  sink.onData = () => 'hang';
  const hanging = send('b@example.org');
  await until(() => sink.commands.filter((command) => command === 'DATA').length === 5);
  sink.cutAll();
  assert.notEqual((await hanging).code, 0);
  sink.onData = undefined;
  assert.equal(sink.messages.length, 2);

  const { port } = sink;
  await sink.stop();
  assert.notEqual((await send('b@example.org')).code, 0);
  await sink.start();
  assert.equal(sink.port, port);
  assert.equal((await send('b@example.org')).code, 0);
  assert.equal(sink.messages.length, 3);
}

async function pagesAndTheirErrors(t) {
  const site = createServer((request, response) => {
    response.setHeader('content-type', 'text/html');
    if (request.url === '/missing') response.statusCode = 404;
    response.end({
      '/': '<!doctype html><link rel="icon" href="data:,"><style>@media (prefers-color-scheme: dark) { body { color: white } }</style><h1>Hello</h1>',
      '/logs': '<!doctype html><link rel="icon" href="data:,"><script>console.error("broken")</script>',
      '/elsewhere': '<!doctype html><link rel="icon" href="data:,"><img src="http://127.0.0.2:9/a.png">',
    }[request.url]);
  });
  await new Promise((resolve) => site.listen(0, '127.0.0.1', resolve));
  t.after(() => site.close());
  const baseURL = `http://127.0.0.1:${site.address().port}`;

  const phone = await openPage(t, { baseURL, device: 'phone', theme: 'dark' });
  await phone.goto('/');
  assert.equal(await phone.locator('h1').textContent(), 'Hello');
  assert.equal(await phone.evaluate(() => innerWidth), 980, 'a page without a viewport is laid out at its usual width');
  assert.equal(await phone.evaluate(() => getComputedStyle(document.body).color), 'rgb(255, 255, 255)');
  await phone.shot('harness');

  // In a context of its own, since its failure is what is tested.
  const inner = new Context('inner', 'sqlite');
  const page = await openPage(inner, { baseURL });
  await page.goto('/logs');
  await until(() => page.errors().length === 1);
  await assert.rejects(inner.check(), /broken/);
  page.allow(/broken/);
  await inner.check();
  await page.goto('/elsewhere');
  await until(() => page.errors().some((text) => text.includes('request to another host')));
  assert.deepEqual(await inner.cleanUp(), []);
}

async function databases(t) {
  const url = await createDatabase(t);
  assert.deepEqual(await query(url, "select 1, 'two'"), [['1', 'two']]);
}
