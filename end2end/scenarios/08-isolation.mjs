// A team never sees or changes data of another, signed-out visitors see nothing, and no other site can act for a user.

import { createServer } from 'node:http';

import { email, reached, send } from '../lib/api.mjs';
import { assert } from '../lib/assert.mjs';
import { PASSWORD, sessionOf, signIn, signUp } from '../lib/dashboard.mjs';
import { startServer } from '../lib/server.mjs';
import { startSink } from '../lib/sink.mjs';

export const name = 'teams, visitors and other sites are kept apart';

export async function run(t) {
  const server = await startServer(t);
  const ana = await signUp(server);
  const bo = await signUp(server, { name: 'Bo', email: 'bo@example.com', team: 'Bolt' });
  const sink = await startSink(t);
  const provider = await ana.addSmtp({ name: 'Ana’s relay', port: sink.port });
  const { id: keyId, secret: key } = await ana.createKeyWithId();
  const group = await ana.createGroup('Ana’s group', { [provider]: 5 });
  const attachments = [{ filename: 'secret.txt', content: Buffer.from('secret').toString('base64') }];
  const message = email({ subject: 'For Ana’s eyes', html_body: '<h1>secret</h1>', attachments });
  const sent = await send(server, key, message);
  const test = await send(server, await ana.createKey({ mode: 'test' }), message);
  await reached(ana, sent, 'sent');
  await reached(ana, test, 'sent');
  const pages = [`/messages/${sent}`, `/messages/${test}`, `/sandbox/${test}`, `/providers/${provider}`, `/groups/${group}`, `/keys/${keyId}`];
  const [attachment] = (await ana.call('message_mail', { id: sent })).attachments;
  const kinds = ['raw', 'html', `attachments/${attachment.index}`];
  const files = [`/files/messages/${sent}`, `/files/messages/${test}`, `/files/sandbox/${test}`].flatMap((path) => kinds.map((file) => `${path}/${file}`));

  for (const path of [...pages, ...files]) {
    assert.equal((await ana.get(path)).status, 200, `its own team sees ${path}`);
    const other = await bo.get(path);
    assert.equal(other.status, 404, `another team does not see ${path}`);
    assert.doesNotMatch(await other.text(), /secret|Ana’s/, path);
  }
  await strangersFunctions({ ana, bo, sent, test, provider, keyId, group });
  assert.equal((await ana.providers())[0].state, 'active');
  await send(server, key);
  // The first team's list, and no word of it in the other's.
  for (const list of ['/overview', '/team/audit', '/messages', '/sandbox', '/providers', '/groups', '/keys', '/routing']) {
    const seen = await (await bo.get(list)).text();
    assert.doesNotMatch(seen, /Ana’s|eyes|secret\b/, list);
  }
  await signedOut(server, [...pages, '/overview', '/messages', '/sandbox', '/providers', '/providers/new', '/providers/new/smtp', '/providers/new/ses', '/groups', '/groups/new', '/keys', '/routing', '/smtp', '/team', '/team/audit', '/team/new', '/settings', '/settings/sessions'], files);
  await otherSites(server, ana);
  await sessions(server);
  await strangersMail(t, server, ana, key);
}

/** What the pages call, called with the ids of another team. */
async function strangersFunctions({ bo, ana, sent, test, provider, keyId, group }) {
  // What time alone changes is left out.
  const told = async () => (await ana.providers()).map(({ id, name, state, version, weight, smtp }) => ({ id, name, state, version, weight, smtp }));
  const before = await told();
  const smtp = { name: 'Taken', host: '127.0.0.1', port: '25', security: 'none', username: '', password: '' };
  const calls = [
    ['message', { id: sent }],
    ['message_mail', { id: sent }],
    ['sandbox_message', { id: test }],
    ['provider', { id: provider }],
    ['save_provider', { id: provider, version: '1', ...smtp }],
    ['test_provider', { id: provider, back: '/providers' }],
    ['set_provider_active', { id: provider, active: 'false', back: '/providers' }],
    ['unblock_provider', { id: provider, back: '/providers' }],
    ['delete_provider', { id: provider }],
    ['revoke_key', { id: keyId }],
    ['key', { id: keyId }],
    ['rotate_key', { id: keyId, overlap_hours: '0' }],
    ['set_key_scope', { id: keyId, scope: 'all' }],
    ['dry_run', { key: keyId }],
    ['group', { id: group }],
    ['save_group', { id: group, name: 'Taken' }],
    ['delete_group', { id: group }],
    ['save_routing', { id: provider, version: '1', weight: '0' }],
    ['end_session', { id: (await ana.call('sessions'))[0].id }],
  ];
  for (const [name, values] of calls) {
    const response = await bo.post(name, values);
    const text = await response.text();
    const refused = response.status !== 200 || JSON.parse(text).ok === false;
    assert.ok(refused, `${name} for another team's id: ${response.status} ${text}`);
    assert.doesNotMatch(text, /Ana’s|For Ana/, name);
    assert.match(text, /NotFound|does not exist|not found/i, name);
  }
  assert.deepEqual(await told(), before, 'nothing was changed');
  assert.deepEqual((await ana.call('groups')).map(({ name, used_by: usedBy }) => [name, usedBy]), [['Ana’s group', []]]);
}

async function signedOut(server, pages, files) {
  for (const path of pages) {
    const response = await server.fetch(path, { headers: { accept: 'text/html' }, redirect: 'manual' });
    assert.ok([302, 303, 307].includes(response.status), `${path}: ${response.status}`);
    const to = new URL(response.headers.get('location'), server.url);
    assert.equal(to.pathname, '/sign-in', path);
    if (path !== '/overview') assert.equal(to.searchParams.get('next'), path);
  }
  for (const path of files) {
    const response = await server.fetch(path, { redirect: 'manual' });
    assert.ok([302, 303, 307, 401].includes(response.status), `${path}: ${response.status}`);
    assert.equal((await response.text()).includes('secret'), false, path);
  }
  for (const name of ['overview', 'providers', 'keys', 'messages', 'viewer', 'sandbox', 'audit_log']) {
    const response = await server.fetch(`/fn/${name}`, { method: 'POST', headers: { 'sec-fetch-site': 'same-origin' }, body: new URLSearchParams() });
    assert.match(await response.text(), /SignedOut/, name);
  }
  const nowhere = await server.fetch('/no/such/page', { headers: { accept: 'text/html' } });
  assert.equal(nowhere.status, 404);
}

/** A form on another site, sent with the user's cookies. */
async function otherSites(server, ana) {
  const before = (await ana.call('keys')).active.length;
  const form = { name: 'planted', mode: 'live', back: '/keys' };
  const forged = [
    { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' },
    { 'sec-fetch-site': 'same-site', origin: 'http://other.127.0.0.1' },
    { 'sec-fetch-site': 'cross-site', origin: server.url },
  ];
  for (const headers of forged) assert.equal((await ana.post('create_key', form, headers)).status, 403, JSON.stringify(headers));
  // Browsers that do not tell where they come from tell the origin.
  for (const origin of ['https://evil.example', 'null', `${server.url}0`, undefined]) {
    const response = await server.fetch('/fn/create_key', {
      method: 'POST',
      body: new URLSearchParams(form),
      headers: { cookie: ana.cookie, accept: 'text/html', ...(origin === undefined ? {} : { origin }) },
      redirect: 'manual',
    });
    assert.equal(response.status, 403, `origin ${origin}`);
  }
  assert.equal((await ana.call('keys')).active.length, before, 'no key was made');
  const own = await server.fetch('/fn/create_key', {
    method: 'POST',
    body: new URLSearchParams(form),
    headers: { cookie: ana.cookie, accept: 'text/html', origin: server.url },
    redirect: 'manual',
  });
  assert.equal(own.headers.get('location'), '/keys');

  // Nobody is led away by the sign-in page.
  const away = await server.fetch('/fn/sign_in', {
    method: 'POST',
    body: new URLSearchParams({ email: 'bo@example.com', password: PASSWORD, next: '//evil.example/x' }),
    headers: { accept: 'text/html', 'sec-fetch-site': 'same-origin' },
    redirect: 'manual',
  });
  assert.equal(away.headers.get('location'), '/overview');
}

/** Session cookies: not for scripts, new at sign-in, worth nothing after sign-out. */
async function sessions(server) {
  const response = await server.fetch('/fn/sign_in', {
    method: 'POST',
    body: new URLSearchParams({ email: 'bo@example.com', password: PASSWORD, next: '' }),
    headers: { accept: 'application/json', 'sec-fetch-site': 'same-origin', cookie: 'sendmux_session=planted' },
  });
  const cookie = sessionOf(response);
  assert.match(cookie, /HttpOnly/);
  assert.match(cookie, /SameSite=Lax/);
  assert.doesNotMatch(cookie, /=planted/);

  const first = await signIn(server, 'bo@example.com');
  const second = await signIn(server, 'BO@example.com');
  assert.notEqual(first.cookie, second.cookie);
  await first.post('sign_out');
  assert.equal((await first.get('/overview')).status, 302);
  assert.equal((await second.get('/overview')).status, 200);

  for (const [address, password] of [['bo@example.com', 'wrong password'], ['nobody@example.com', PASSWORD]]) {
    const refused = await server.fetch('/fn/sign_in', {
      method: 'POST',
      body: new URLSearchParams({ email: address, password, next: '' }),
      headers: { accept: 'application/json', 'sec-fetch-site': 'same-origin' },
    });
    assert.match(await refused.text(), /Email address or password is wrong/, 'neither tells which accounts there are');
  }
}

/** HTML of a stranger, in the dashboard of a signed-in user: it runs nothing, fetches nothing, and is no page of ours. */
async function strangersMail(t, server, ana, key) {
  let fetched = 0;
  const tracker = createServer((request, response) => {
    fetched += 1;
    response.end();
  });
  await new Promise((resolve) => tracker.listen(0, '127.0.0.1', resolve));
  t.after(() => tracker.close());
  const pixel = `http://127.0.0.1:${tracker.address().port}/pixel.png`;
  const html = `<h1>Hi</h1><script>parent.document.title = 'taken'; fetch('/fn/keys', {method: 'POST'})</script>
    <img src="${pixel}"><img src="x" onerror="top.location = '/settings'"><form action="/fn/sign_out" method="post"><button>Press</button></form>`;
  const id = await send(server, key, email({ subject: '<script>document.title = "taken"</script>', html_body: html }));
  await reached(ana, id, 'sent');
  const file = await ana.get(`/files/messages/${id}/html`);
  assert.match(file.headers.get('content-security-policy'), /(^|;)\s*sandbox\s*;/);
  assert.match(file.headers.get('content-security-policy'), /default-src 'none'/);
  assert.equal(file.headers.get('x-content-type-options'), 'nosniff');
  assert.equal((await ana.get(`/files/messages/${id}/raw`)).headers.get('content-disposition')?.startsWith('attachment'), true);

  const page = await ana.browse(t);
  // What the browser refuses to do for the message it reports as errors, requests that it never made included.
  page.allow(/Blocked script execution|Content Security Policy|violates the following|pixel\.png/);
  await page.goto(`/messages/${id}`);
  await page.frameLocator('iframe').getByRole('heading', { name: 'Hi' }).waitFor();
  assert.match(await page.title(), /^<script>/);
  assert.equal(new URL(page.url()).pathname, `/messages/${id}`);
  await page.waitForLoadState('networkidle');
  assert.equal(fetched, 0, 'nothing was fetched for the message');
  const policy = (await page.reload()).headers()['content-security-policy'];
  assert.match(policy, /script-src/);
  assert.doesNotMatch(/script-src[^;]*/.exec(policy)[0], /'unsafe-inline'/);
}
