// Gmail and Microsoft 365 mailboxes in a real browser: connected, cancelled, authorised again with the right and the wrong
// account, taken back by the user, disconnected, without scripts and with them. Messages sent in between arrive at the
// services' APIs.

import { email, reached, send } from '../lib/api.mjs';
import { assert, until } from '../lib/assert.mjs';
import { signUp } from '../lib/dashboard.mjs';
import { startIdentity } from '../lib/identity.mjs';
import { assertUnseen } from '../lib/secrets.mjs';
import { startServer } from '../lib/server.mjs';

export const name = 'mailboxes are connected, used, taken back and authorised again';
export const databases = ['sqlite', 'postgres'];
export const seconds = 180;

export async function run(t) {
  const identity = await startIdentity(t);
  const server = await startServer(t, { env: identity.env });
  const dashboard = await signUp(server);
  const page = await dashboard.browse(t, { javaScript: false });
  page.allow(/^request to another host: http:\/\/127\.0\.0\.1:/);
  const key = await dashboard.createKey();

  await cancel(page);
  const gmail = await connect(page, identity, 'Connect a Gmail mailbox', 'ada@example.com');
  await page.shot(`mailboxes-${t.database}-1-connected`);
  await sendsAsItself(server, dashboard, key, identity);
  await refreshedOnce(server, dashboard, key, identity);
  await wrongAccount(page, identity, gmail);
  await takenBack(t, page, server, dashboard, key, identity, gmail);
  await stolenCallback(t, server, dashboard, identity);

  identity.account = { subject: '2002', email: 'grace@example.org' };
  const graph = await connect(page, identity, 'Connect a Microsoft 365 mailbox', 'grace@example.org');
  await rotates(server, dashboard, key, identity, gmail);
  await expiredSecret(page, server, dashboard, key, identity, graph);
  await disconnect(page, dashboard, identity, gmail);
  await withScripts(t, dashboard, identity);

  const pages = [];
  for (const path of ['/providers', '/providers/new', `/providers/${gmail}`, `/providers/${graph}`]) {
    pages.push(await (await dashboard.get(path)).text());
  }
  const answers = [JSON.stringify(await dashboard.providers())];
  await assertUnseen(server, [identity.secret, ...identity.tokens()], [...pages, ...answers]);
}

/** The same ways where the pages are live. */
async function withScripts(t, dashboard, identity) {
  const page = await dashboard.browse(t);
  page.allow(/^request to another host: http:\/\/127\.0\.0\.1:/);
  await cancel(page);
  identity.account = { subject: '3003', email: 'lin@example.com' };
  const mailbox = await connect(page, identity, 'Connect a Gmail mailbox', 'lin@example.com');
  await wrongAccount(page, identity, mailbox);
  await reauthorise(page, mailbox, 'lin@example.com');
  await page.shot(`mailboxes-${t.database}-3-live`);
  await disconnect(page, dashboard, identity, mailbox);
  // What was disconnected is connected again on its own page.
  await reauthorise(page, mailbox, 'lin@example.com');
  assert.equal((await dashboard.providers()).find(({ id }) => id === mailbox).state, 'active');
}

async function reauthorise(page, provider, address) {
  await page.goto(`/providers/${provider}`);
  await page.hydrated('main form');
  await page.getByRole('main').getByRole('link', { name: /^(Re-authorise|Connect)$/ }).first().click();
  await page.getByRole('link', { name: 'Allow' }).click();
  await page.getByText(`${address} is authorised again`).waitFor();
}

async function cancel(page) {
  await page.goto('/providers');
  await page.hydrated('aside form');
  await page.getByRole('link', { name: 'Add a provider' }).click();
  await page.getByRole('link', { name: 'Connect a Gmail mailbox' }).click();
  await page.getByRole('link', { name: 'Cancel' }).click();
  await page.getByText('Nothing was connected: the sign-in was cancelled.').waitFor();
  assert.match(page.url(), /\/providers\/new$/);
}

/** Goes through the consent page; returns the id of the provider. */
async function connect(page, identity, button, address) {
  await page.goto('/providers/new');
  await page.hydrated('aside form');
  await page.getByRole('link', { name: button }).click();
  await page.getByRole('heading', { name: `Let Sendmux send as ${address}?` }).waitFor();
  await page.getByRole('link', { name: 'Allow' }).click();
  await page.getByText(`${address} is connected.`).waitFor();
  return /prv_[a-z0-9]{24}$/.exec(page.url())[0];
}

async function sendsAsItself(server, dashboard, key, identity) {
  const id = await send(server, key, email({ bcc: [{ email: 'silent@example.org' }] }));
  const view = await reached(dashboard, id, 'sent');
  assert.equal(view.attempts.length, 1);
  const [{ service, raw }] = identity.messages;
  assert.equal(service, 'gmail');
  assert.match(raw, /^From: .*Ana.* <ada@example\.com>/m);
  assert.match(raw, /^Reply-To: .*ana@example\.com/m);
  assert.match(raw, /^Bcc: .*silent@example\.org/m);
}

/** A burst meets tokens that are over: they are renewed once for all. */
async function refreshedOnce(server, dashboard, key, identity) {
  identity.expire();
  const before = identity.refreshes;
  const ids = await Promise.all(Array.from({ length: 5 }, (_, place) => send(server, key, email({ subject: `Burst ${place}` }))));
  for (const id of ids) await reached(dashboard, id, 'sent');
  assert.equal(identity.refreshes, before + 1);
}

async function wrongAccount(page, identity, provider) {
  const right = identity.account;
  const before = identity.revoked.length;
  identity.account = { subject: '666', email: 'eve@example.com' };
  await page.goto(`/providers/${provider}`);
  await page.hydrated('main form');
  await page.getByRole('link', { name: 'Re-authorise' }).click();
  assert.equal(await page.locator('#hint').innerText(), right.email, 'the right account is suggested');
  await page.getByRole('link', { name: 'Allow' }).click();
  await page.getByText('but you signed in as eve@example.com: nothing was changed').waitFor();
  assert.equal(identity.revoked.length, before + 1, 'what nobody uses is given back');
  identity.account = right;
}

/** The user removes Sendmux from the account: the provider is pulled, and comes back when it is authorised again. */
async function takenBack(t, page, server, dashboard, key, identity, provider) {
  const sent = identity.messages.length;
  identity.takeBack();
  await send(server, key, email({ subject: 'Finds out; is tried again in its next round' }));
  await until(async () => (await dashboard.providers()).find(({ id }) => id === provider).state === 'blocked', { what: 'the mailbox is pulled' });
  const waits = await send(server, key, email({ subject: 'Waits for consent' }));
  await page.goto(`/providers/${provider}`);
  await page.shot(`mailboxes-${t.database}-2-blocked`);
  await page.getByRole('main').getByRole('link', { name: 'Re-authorise' }).first().click();
  await page.getByRole('link', { name: 'Allow' }).click();
  await page.getByText('ada@example.com is authorised again').waitFor();
  await page.getByText('Active', { exact: true }).first().waitFor();
  await reached(dashboard, waits, 'sent');
  assert.equal(identity.messages.length, sent + 1);
}

/** A sign-in that somebody else began, or that has come back before, connects nothing. */
async function stolenCallback(t, server, dashboard, identity) {
  const begun = await dashboard.server.fetch('/oauth/connect?kind=gmail', { headers: { cookie: dashboard.cookie, 'sec-fetch-site': 'same-origin' }, redirect: 'manual' });
  const state = new URL(begun.headers.get('location')).searchParams.get('state');
  assert.equal(new URL(begun.headers.get('location')).searchParams.get('code_challenge_method'), 'S256');
  const other = await signUp(server, { name: 'Mallory', email: 'mallory@example.com', team: 'Other' });
  const callback = `/oauth/callback?code=stolen&state=${state}`;
  assert.equal((await other.get(callback)).headers.get('location'), '/providers/new');
  assert.deepEqual((await other.providers()).filter(({ kind }) => kind === 'gmail'), []);
  assert.equal((await server.fetch(callback, { redirect: 'manual' })).headers.get('location'), '/sign-in?next=/providers');
  // From another site nobody is sent into a sign-in.
  const lured = await server.fetch('/oauth/connect?kind=gmail', { headers: { cookie: dashboard.cookie, 'sec-fetch-site': 'cross-site' }, redirect: 'manual' });
  assert.equal(lured.headers.get('location'), '/providers/new');
  assert.ok(identity.messages.every(({ account }) => account.email === 'ada@example.com'));
}

/** Microsoft replaces the refresh token with every use. */
async function rotates(server, dashboard, key, identity, gmail) {
  await dashboard.call('set_provider_active', { id: gmail, active: 'false', back: '/providers' });
  for (const subject of ['First', 'Second', 'Third']) {
    identity.expire();
    await reached(dashboard, await send(server, key, email({ subject })), 'sent');
  }
  const sent = identity.messages.filter(({ service }) => service === 'graph');
  assert.equal(sent.length, 3);
  assert.equal(new Set(sent.map(({ token }) => token)).size, 3);
  assert.match(sent[0].raw, /^From: .*<grace@example\.org>/m);
}

/** The installation's own secret expires: the operator is told, and no mailbox is pulled. */
async function expiredSecret(page, server, dashboard, key, identity, graph) {
  identity.badSecret = true;
  identity.expire();
  const id = await send(server, key, email({ subject: 'Not the mailbox’s fault' }));
  await server.logged(/this installation is refused/);
  assert.notEqual((await dashboard.providers()).find((one) => one.id === graph).state, 'blocked');
  await page.goto(`/providers/${graph}`);
  await page.locator('[data-installation-fault=Microsoft]').getByText('AADSTS7000222').waitFor();
  identity.badSecret = false;
  await page.getByRole('main').getByRole('link', { name: 'Re-authorise' }).first().click();
  await page.getByRole('link', { name: 'Allow' }).click();
  await page.getByText('grace@example.org is authorised again').waitFor();
  assert.equal(await page.locator('[data-installation-fault]').count(), 0);
  const { item } = await dashboard.message(id);
  assert.ok(['retrying', 'queued', 'waiting', 'sent', 'sending'].includes(item.status), item.status);
}

async function disconnect(page, dashboard, identity, gmail) {
  const before = identity.revoked.length;
  await page.goto(`/providers/${gmail}`);
  await page.hydrated('main form');
  await page.locator('main').getByText('Disconnect', { exact: false }).first().click();
  await page.getByRole('button', { name: 'Disconnect mailbox' }).click();
  await page.getByText('The mailbox is disconnected, and its tokens are deleted.').waitFor();
  assert.equal(identity.revoked.length, before + 1);
  assert.equal((await dashboard.providers()).find(({ id }) => id === gmail).state, 'setup');
}
