// Delivery groups in the browser: shares that follow the typed weights, errors at the field, and a key that is scoped to a
// group and sends through its members alone. With scripts, and without.

import { post, email, reached, send } from '../lib/api.mjs';
import { assert, until } from '../lib/assert.mjs';
import { signUp } from '../lib/dashboard.mjs';
import { startServer } from '../lib/server.mjs';
import { startSink } from '../lib/sink.mjs';

export const name = 'groups are made in the browser, and isolate what their keys send';
export const seconds = 180;

export async function run(t) {
  const server = await startServer(t);
  for (const javaScript of [true, false]) await makeAndUse(t, server, javaScript);
  await looks(t, server);
}

async function makeAndUse(t, server, javaScript) {
  const label = javaScript ? 'script' : 'no-script';
  const dashboard = await signUp(server, { email: `${label}@example.com`, team: `Team ${label}` });
  const [inside, other, outside] = [await startSink(t), await startSink(t), await startSink(t)];
  const insideId = await dashboard.addSmtp({ name: 'Inside', port: inside.port });
  const otherId = await dashboard.addSmtp({ name: 'Other', port: other.port });
  await dashboard.addSmtp({ name: 'Outside', port: outside.port });
  const page = await dashboard.browse(t, { javaScript });

  await page.goto('/groups');
  await page.getByText('No group yet').waitFor();
  await page.getByRole('link', { name: 'New group' }).click();
  await page.getByRole('heading', { level: 1, name: 'New group' }).waitFor();
  await page.hydrated('main form');
  const row = (id) => page.locator(`[data-member=${id}]`);
  const weight = (id) => page.locator(`#weight-${id}`);
  const share = (id) => row(id).locator('.share').innerText();

  // Half a weighting is told while it is typed, and refused when it is sent, with the members named at their fields.
  await page.getByLabel('Name').fill('Transactional');
  await row(insideId).getByRole('checkbox').check();
  await row(otherId).getByRole('checkbox').check();
  if (javaScript) await until(async () => (await share(insideId)) === '50%' && (await share(otherId)) === '50%');
  await weight(insideId).fill('3');
  if (javaScript) {
    await page.locator('[data-verdict]').getByText('"Other" has no weight while others have one').waitFor();
    assert.equal(await share(insideId), '–', 'no share is told while the weights are none');
  }
  await page.getByRole('button', { name: 'Create group' }).click();
  await page.locator(`#weight-${otherId}-error`).getByText('"Other" has no weight while others have one').waitFor();
  assert.equal(await page.locator(`#weight-${insideId}-error`).count(), 0);
  assert.equal(await weight(otherId).getAttribute('aria-invalid'), 'true');
  assert.match(await weight(otherId).getAttribute('aria-describedby'), new RegExp(`weight-${otherId}-error`));
  assert.equal(await page.getByLabel('Name').inputValue(), 'Transactional');
  assert.equal(await weight(insideId).inputValue(), '3');
  assert.ok(await row(insideId).getByRole('checkbox').isChecked());
  await page.shot(`groups-${label}-1-half`);

  const refusals = [
    [{ [insideId]: '-1', [otherId]: '1' }, insideId, /"Inside" is below 0/],
    [{ [insideId]: '0', [otherId]: '0' }, otherId, /"Other" is 0, and so is every other/],
    [{ [insideId]: 'many', [otherId]: '1' }, insideId, /whole number/],
  ];
  for (const [weights, wrong, text] of refusals) {
    await page.hydrated('main form');
    for (const [id, value] of Object.entries(weights)) await weight(id).fill(value);
    await page.getByRole('button', { name: 'Create group' }).click();
    await until(async () => text.test(await page.locator(`#weight-${wrong}-error`).innerText()), { what: `${text}` });
  }

  // A sound group. The shares stand beside the weights before it is saved.
  await page.hydrated('main form');
  await weight(insideId).fill('3');
  await weight(otherId).fill('1');
  if (javaScript) {
    await until(async () => (await share(insideId)) === '75%' && (await share(otherId)) === '25%');
    await weight(otherId).fill('0');
    await until(async () => (await share(insideId)) === '100%' && (await share(otherId)) === '0%');
    await page.shot(`groups-${label}-2-live`);
  } else {
    await weight(otherId).fill('0');
  }
  await page.getByRole('button', { name: 'Create group' }).click();
  await page.waitForURL(/\/groups\/dgrp_[a-z0-9]{24}$/);
  await page.getByText('The group is ready').waitFor();
  assert.equal(await share(insideId), '100%');
  const groupId = new URL(page.url()).pathname.split('/').pop();

  // A key for it: what it sends goes through its members, and through nobody else.
  await page.getByRole('link', { name: 'New key for it' }).click();
  await page.getByRole('heading', { name: 'New key' }).waitFor();
  await page.hydrated('#new-key form');
  assert.ok(await page.getByRole('radio', { name: /Chosen groups/ }).isChecked());
  assert.ok(await page.getByRole('checkbox', { name: /Transactional/ }).isChecked());
  await page.getByLabel('Name', { exact: true }).fill('Shop');
  await page.shot(`groups-${label}-3-key`);
  await page.getByRole('button', { name: 'Create key' }).click();
  const secret = await page.locator('code.secret').textContent();
  await page.getByRole('row', { name: 'Shop' }).getByRole('link', { name: 'Transactional' }).waitFor();
  await page.shot(`groups-${label}-4-keys`);
  for (let sent = 0; sent < 5; sent += 1) await reached(dashboard, await send(server, secret), 'sent');
  assert.deepEqual([inside, other, outside].map((sink) => sink.messages.length), [5, 0, 0], 'drained and foreign providers get nothing');

  // Its provider goes away: what it accepted waits, and nobody outside steps in.
  await inside.stop();
  const waiting = await send(server, secret, email({ subject: 'Stays in its group' }));
  const view = await until(async () => {
    const seen = await dashboard.message(waiting);
    return seen.attempts.length > 0 && seen.item.status === 'queued' && seen;
  });
  assert.ok(view.attempts.every(({ provider }) => provider === 'Inside'));
  assert.equal(outside.messages.length, 0);

  // The drained one gets a weight: it counts for what waits already.
  await page.goto(`/groups/${groupId}`);
  await page.hydrated('main form:has(#name)');
  await page.getByText('Shop', { exact: true }).waitFor();
  await weight(otherId).fill('1');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Saved. It counts at once').waitFor();
  await reached(dashboard, waiting, 'sent');
  assert.equal(other.messages.length, 1);
  await page.shot(`groups-${label}-5-saved`);

  // A group that a key names stays; a key that nobody needs is revoked, and then it can go.
  await page.goto('/groups');
  const listed = page.getByRole('row', { name: 'Transactional' });
  await page.hydrated('main tbody form');
  assert.match(await listed.innerText(), /Inside\s+75%[^]*Other\s+25%[^]*Shop/);
  await page.shot(`groups-${label}-6-list`);
  await listed.locator('summary').click();
  await listed.getByRole('button', { name: 'Delete group' }).click();
  await page.getByText(/in the scope of the API keys "Shop"/).waitFor();
  await page.goto('/keys');
  await page.hydrated('main tbody form');
  const key = page.getByRole('row', { name: 'Shop' });
  await key.locator('summary', { hasText: 'Revoke' }).click();
  await key.getByRole('button', { name: 'Revoke key' }).click();
  await page.getByText('The key is revoked').waitFor();
  assert.equal((await post(server, secret, email())).status, 401);
  await page.goto('/groups');
  await page.hydrated('main tbody form');
  await listed.locator('summary').click();
  await listed.getByRole('button', { name: 'Delete group' }).click();
  await page.getByText('The group is deleted. Its providers stay').waitFor();
  await listed.waitFor({ state: 'detached' });
}

/** The pages on a phone and in the dark. */
async function looks(t, server) {
  const dashboard = await signUp(server, { email: 'looks@example.com', team: 'Looks' });
  const sinks = [await startSink(t), await startSink(t), await startSink(t)];
  const ids = [];
  for (const [place, sink] of sinks.entries()) ids.push(await dashboard.addSmtp({ name: `Relay ${'ABC'[place]}`, port: sink.port }));
  const group = await dashboard.createGroup('Newsletters', { [ids[0]]: 60, [ids[1]]: 30, [ids[2]]: 10 });
  await dashboard.createGroup('Empty', {});
  await dashboard.createKeyWithId({ name: 'Campaigns', groups: [group], permissions: ['send', 'read'] });
  await dashboard.createKeyWithId({ name: 'Two relays', providers: ids.slice(0, 2) });
  await dashboard.createKeyWithId({ name: 'Everything' });
  await dashboard.createKeyWithId({ name: 'Trial', mode: 'test' });
  for (const look of [{ device: 'phone', theme: 'light' }, { device: 'desktop', theme: 'dark' }]) {
    const page = await dashboard.browse(t, look);
    for (const [path, name] of [['/groups', 'list'], [`/groups/${group}`, 'group'], ['/keys', 'keys']]) {
      await page.goto(path);
      await page.getByRole('heading', { level: 1 }).waitFor();
      await page.shot(`groups-looks-${look.device}-${name}`);
    }
  }
}
