// The form of a key: its scope and its permissions, their errors, rotation, and the page that shows where a message would go.
// With scripts, and without.

import { email, post, reached, send } from '../lib/api.mjs';
import { assert, until } from '../lib/assert.mjs';
import { signUp } from '../lib/dashboard.mjs';
import { startServer } from '../lib/server.mjs';
import { startSink } from '../lib/sink.mjs';

export const name = 'scopes, permissions and rotation of keys, and the dry run';
export const seconds = 180;

export async function run(t) {
  const server = await startServer(t);
  for (const javaScript of [true, false]) {
    const label = javaScript ? 'script' : 'no-script';
    const dashboard = await signUp(server, { email: `${label}@example.com`, team: `Team ${label}` });
    const sinks = { near: await startSink(t), far: await startSink(t) };
    const ids = {
      near: await dashboard.addSmtp({ name: 'Near', port: sinks.near.port }),
      far: await dashboard.addSmtp({ name: 'Far', port: sinks.far.port }),
    };
    const page = await dashboard.browse(t, { javaScript });
    const team = { server, dashboard, page, label, javaScript, sinks, ids };
    const secret = await create(team);
    await rescope(team, secret);
    await dryRun(team);
    await rotate(team, secret);
  }
}

async function create({ server, dashboard, page, label, sinks }) {
  await page.goto('/keys');
  await page.hydrated('#new-key form');
  const form = page.locator('#new-key');
  // The lists open with their choice, by the style sheet alone.
  assert.equal(await form.getByRole('checkbox', { name: /Near/ }).isVisible(), false);
  await form.getByRole('radio', { name: /Chosen groups/ }).check();
  await form.getByText('There is no group yet').waitFor();
  await form.getByRole('radio', { name: /Chosen providers/ }).check();
  await form.getByLabel('Name', { exact: true }).fill('Near only');
  await form.getByRole('checkbox', { name: /^Send/ }).uncheck();
  await form.getByRole('button', { name: 'Create key' }).click();
  await page.locator('#permissions-error').waitFor();
  await page.locator('#scope-providers-error').getByText(/at least one provider/).waitFor();
  assert.equal(await form.getByLabel('Name', { exact: true }).inputValue(), 'Near only');
  assert.ok(await form.getByRole('radio', { name: /Chosen providers/ }).isChecked());
  assert.equal(await form.getByRole('checkbox', { name: /^Send/ }).isChecked(), false);
  await page.shot(`keys-${label}-1-refused`);

  await page.hydrated('#new-key form');
  await form.getByRole('checkbox', { name: /^Send/ }).check();
  await form.getByRole('checkbox', { name: /Near/ }).check();
  await form.getByRole('button', { name: 'Create key' }).click();
  const secret = await page.locator('code.secret').textContent();
  await page.getByRole('row', { name: 'Near only' }).getByRole('link', { name: 'Near', exact: true }).waitFor();
  await page.shot(`keys-${label}-2-created`);
  for (let sent = 0; sent < 4; sent += 1) await reached(dashboard, await send(server, secret), 'sent');
  assert.deepEqual([sinks.near.messages.length, sinks.far.messages.length], [4, 0]);
  return secret;
}

/** The scope of a key is changed on its page: from then on it sends elsewhere. */
async function rescope({ server, dashboard, page, label, sinks }, secret) {
  await page.goto('/keys');
  await page.getByRole('link', { name: 'Near only' }).click();
  await page.getByRole('heading', { level: 1, name: 'Near only' }).waitFor();
  await page.hydrated('main section form');
  await page.getByRole('checkbox', { name: /Near/ }).uncheck();
  await page.getByRole('checkbox', { name: /Far/ }).check();
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Saved. It counts for messages that are accepted from now on').waitFor();
  await page.locator('dl').getByRole('link', { name: 'Far' }).waitFor();
  await page.shot(`keys-${label}-3-page`);
  await reached(dashboard, await send(server, secret), 'sent');
  assert.deepEqual([sinks.near.messages.length, sinks.far.messages.length], [4, 1]);
}

async function dryRun({ dashboard, page, label, ids }) {
  await page.getByRole('link', { name: 'Where would it go?' }).click();
  await page.getByRole('heading', { level: 1, name: 'Where would it go?' }).waitFor();
  const verdict = page.locator('[data-verdict]');
  const candidates = page.locator('[data-candidates]');
  assert.match(await verdict.innerText(), /would go now[^]*Far is the only provider/);
  assert.match(await candidates.innerText(), /Far[^]*Weight 100[^]*100%/);
  assert.doesNotMatch(await candidates.innerText(), /Near/);
  // What is asked stands in the address.
  await page.getByLabel('From').fill('shop@example.com');
  await page.getByLabel('Recipients').fill('3');
  await page.getByRole('button', { name: 'Ask' }).click();
  await page.waitForURL(/from=shop(%40|@)example\.com/);
  assert.match(await verdict.innerText(), /would go now/);
  assert.equal(await page.getByLabel('Recipients').inputValue(), '3');
  await page.shot(`keys-${label}-4-dry-run`);

  assert.ok((await dashboard.call('set_provider_active', { id: ids.far, active: 'false', back: '/providers' })).ok);
  await page.reload();
  assert.match(await verdict.innerText(), /would be refused[^]*no active provider/i);
  assert.match(await candidates.innerText(), /Far[^]*Switched off/);
  await page.shot(`keys-${label}-5-dry-run-refused`);
  assert.ok((await dashboard.call('set_provider_active', { id: ids.far, active: 'true', back: '/providers' })).ok);
}

async function rotate({ server, dashboard, page, label, sinks }, secret) {
  await page.goto('/keys');
  await page.hydrated('main tbody form');
  const row = page.getByRole('row', { name: 'Near only' });
  await row.locator('summary', { hasText: 'Rotate' }).click();
  await row.getByLabel('The old one goes on for').selectOption('1');
  await page.shot(`keys-${label}-6-rotate`);
  await row.getByRole('button', { name: 'Rotate key' }).click();
  const successor = await page.locator('code.secret').textContent();
  assert.notEqual(successor, secret);
  await page.getByText('The old key goes on until its time is over').waitFor();
  await until(async () => (await page.getByRole('row', { name: 'Near only' }).count()) === 2);
  await page.getByText(/Ends in (1 h|59 min)/).waitFor();
  await page.shot(`keys-${label}-7-rotated`);
  for (const key of [secret, successor]) await reached(dashboard, await send(server, key), 'sent');
  assert.equal(sinks.far.messages.length, 3, 'the successor has the scope of the old one');

  // At once: the one that was rotated before is refused.
  await page.hydrated('main tbody form');
  const newest = page.getByRole('row', { name: 'Near only' }).first();
  await newest.locator('summary', { hasText: 'Rotate' }).click();
  await newest.getByLabel('The old one goes on for').selectOption('0');
  await newest.getByRole('button', { name: 'Rotate key' }).click();
  await page.getByText('The old key is refused from now on').waitFor();
  await until(async () => (await post(server, successor, email())).status === 401);
  await page.getByRole('heading', { name: 'Revoked and expired keys (1)' }).waitFor();
}
