// The provider form shows errors beside the field and keeps the input, and its buttons work. With scripts, and without.

import { email, post, reached, send } from '../lib/api.mjs';
import { assert, until } from '../lib/assert.mjs';
import { signUp } from '../lib/dashboard.mjs';
import { freePort } from '../lib/process.mjs';
import { startServer } from '../lib/server.mjs';
import { startSink } from '../lib/sink.mjs';

export const name = 'the provider form and its buttons';

export async function run(t) {
  const server = await startServer(t);
  const dashboard = await signUp(server);
  const key = await dashboard.createKey();
  for (const javaScript of [true, false]) {
    const page = await dashboard.browse(t, { javaScript, theme: javaScript ? 'dark' : 'light' });
    const label = javaScript ? 'script' : 'no-script';
    await refusals(page, label);
    await nobodyListens(page, label);
    await buttons(t, { dashboard, server, key, page, label });
  }
}

/** Every wrong field is named at once, and nothing has to be typed again but the password. */
async function refusals(page, label) {
  await page.goto('/providers/new/smtp');
  await fill(page, { Name: 'My relay', Host: 'smtp://relay.example.com', Port: '99999', 'User name': 'me', Password: '' });
  await page.getByRole('radio', { name: /^TLS/ }).check();
  await page.getByRole('button', { name: 'Add and test' }).click();
  await page.getByText('Nothing was saved yet').waitFor();
  const errors = { host: /without smtp:\/\//, port: /whole number from 1 to 65535/, password: /password/i };
  for (const [field, text] of Object.entries(errors)) {
    const input = page.locator(`#${field}`);
    assert.match(await page.locator(`#${field}-error`).innerText(), text);
    assert.equal(await input.getAttribute('aria-invalid'), 'true');
    assert.match(await input.getAttribute('aria-describedby'), new RegExp(`${field}-error`));
  }
  const kept = { name: 'My relay', host: 'smtp://relay.example.com', port: '99999', username: 'me' };
  for (const [field, value] of Object.entries(kept)) assert.equal(await page.locator(`#${field}`).inputValue(), value);
  assert.ok(await page.getByRole('radio', { name: /^TLS/ }).isChecked());
  await page.shot(`provider-form-${label}-refused`);

  // A name that is too long, and one that hides another line.
  await fill(page, { Name: 'n'.repeat(300), Host: 'me@example.com', Port: '25 ', 'User name': '', Password: 'secret' });
  await page.getByRole('button', { name: 'Add and test' }).click();
  await page.locator('#name-error').waitFor();
  assert.match(await page.locator('#host-error').innerText(), /not an email address/);
  await until(async () => (await page.locator('#port-error').count()) === 0);
}

/** A server that does not answer is added all the same: it may be there later. The page says what was seen. */
async function nobodyListens(page, label) {
  await page.goto('/providers/new/smtp');
  await fill(page, { Name: `Nobody ${label}`, Host: '127.0.0.1', Port: String(await freePort()) });
  await page.getByRole('radio', { name: /^None/ }).check();
  await page.getByRole('button', { name: 'Add and test' }).click();
  await page.waitForURL(/\/providers\/prv_/);
  const result = page.locator('[data-test-result=failed]').first();
  await result.waitFor();
  assert.match(await result.innerText(), /connection refused|refused the connection/i);
  await page.shot(`provider-form-${label}-nobody`);
  await remove(page, `Nobody ${label}`);
}

async function buttons(t, { dashboard, server, key, page, label }) {
  const sink = await startSink(t);
  await page.goto('/providers/new/smtp');
  await fill(page, { Name: `Relay ${label}`, Host: 'localhost', Port: String(sink.port) });
  await page.getByRole('radio', { name: /^None/ }).check();
  await page.getByRole('button', { name: 'Add and test' }).click();
  await page.locator('[data-test-result=ok]').first().waitFor();

  // Off: nothing goes there, and the managed route stands in.
  await page.goto('/providers');
  const row = page.getByRole('row', { name: `Relay ${label}` });
  await page.hydrated('main tbody form');
  await row.getByRole('button', { name: 'Switch off' }).click();
  await page.getByText('The provider is switched off').waitFor();
  await row.getByText('Switched off').waitFor();
  const diverted = await reached(dashboard, await send(server, key), 'sent');
  assert.equal(diverted.attempts[0].provider, 'Managed route');
  assert.equal(sink.messages.length, 0);

  await page.hydrated('main tbody form');
  await row.getByRole('button', { name: 'Switch on' }).click();
  await page.getByText('The provider is switched on').waitFor();
  await until(async () => {
    const view = await reached(dashboard, await send(server, key), 'sent');
    return view.attempts[0].provider === `Relay ${label}`;
  });

  await page.hydrated('main tbody form');
  await row.getByRole('button', { name: 'Test' }).click();
  await page.locator('[data-test-result=ok]').first().waitFor();
  await page.shot(`provider-form-${label}-list`);

  await remove(page, `Relay ${label}`);
  const answer = await post(server, key, email());
  assert.equal(answer.status, 202, 'the managed route stands in for a deleted provider too');
}

async function remove(page, name) {
  await page.goto('/providers');
  const row = page.getByRole('row', { name });
  await page.hydrated('main tbody form');
  await row.locator('summary').click();
  await row.getByRole('button', { name: 'Delete provider' }).click();
  await page.getByText('The provider is deleted').waitFor();
  await row.waitFor({ state: 'detached' });
}

async function fill(page, values) {
  await page.hydrated('main form');
  for (const [label, value] of Object.entries(values)) {
    const field = page.getByLabel(label, { exact: true });
    await field.or(page.getByLabel(`${label} (optional)`, { exact: true })).fill(value);
  }
}
