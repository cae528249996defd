// A provider's weight and caps in the browser: the share follows the weight, errors are shown at the field, and a message that
// waits for a cap shows it on every page. A blocked provider shows the cause, and the button unblocks it.

import { email, reached, send } from '../lib/api.mjs';
import { assert, until } from '../lib/assert.mjs';
import { signUp } from '../lib/dashboard.mjs';
import { startServer } from '../lib/server.mjs';
import { startSink } from '../lib/sink.mjs';

export const name = 'weight, caps and blocks of a provider in the browser';
export const seconds = 180;

export async function run(t) {
  const server = await startServer(t, { env: { SENDMUX_RETRY_DELAYS: '2s,2s,2s' } });
  for (const javaScript of [true, false]) {
    const label = javaScript ? 'script' : 'no-script';
    const dashboard = await signUp(server, { email: `${label}@example.com`, team: `Team ${label}` });
    const page = await dashboard.browse(t, { javaScript });
    const team = { t, server, dashboard, page, label, javaScript, key: await dashboard.createKey() };
    await weights(team);
    await caps(team);
    await blocks(team);
  }
}

async function weights({ t, dashboard, page, label, javaScript }) {
  const sink = await startSink(t);
  const first = await dashboard.addSmtp({ name: 'First', port: sink.port });
  const second = await dashboard.addSmtp({ name: 'Second', port: sink.port });
  await page.goto(`/providers/${first}`);
  await page.hydrated('form:has(#weight)');
  const share = () => page.locator('[data-own-share]').innerText();
  assert.match(await share(), /50%/);
  await page.locator('#weight').fill('300');
  if (javaScript) await until(async () => /75%/.test(await share()));
  await page.locator('#weight').fill('-1');
  if (javaScript) await until(async () => /–/.test(await share()));
  await page.getByRole('button', { name: 'Apply weight and caps' }).click();
  await page.locator('#weight-error').getByText(/below 0/).waitFor();
  assert.equal(await page.locator('#weight').inputValue(), '-1');
  await page.hydrated('form:has(#weight)');
  await page.locator('#weight').fill('300');
  await page.getByRole('button', { name: 'Apply weight and caps' }).click();
  await page.getByText('Saved. It counts at once').waitFor();
  await page.shot(`provider-routing-${label}-1-weight`);
  await page.goto('/providers');
  const row = page.getByRole('row', { name: 'First' });
  await row.getByText('75%').waitFor();
  await row.getByText('Weight 300').waitFor();
  await page.shot(`provider-routing-${label}-2-list`);
  for (const id of [first, second]) assert.ok((await dashboard.call('delete_provider', { id, back: '/providers' })).ok);
}

/** A cap for the day leaves room for two; the third message waits, and goes when the cap is raised. */
async function caps({ t, server, dashboard, page, key, label }) {
  const sink = await startSink(t);
  const id = await dashboard.addSmtp({ name: 'Capped', port: sink.port });
  await page.goto(`/providers/${id}`);
  await page.hydrated('form:has(#weight)');
  assert.equal(await page.locator('#minute-hint').innerText(), 'Default: none');
  await page.locator('#minute').fill('none');
  await page.locator('#day').fill('0');
  await page.getByRole('button', { name: 'Apply weight and caps' }).click();
  await page.locator('#minute-error').getByText(/whole number/).waitFor();
  await page.hydrated('form:has(#weight)');
  await page.locator('#minute').fill('');
  await page.getByRole('button', { name: 'Apply weight and caps' }).click();
  await page.locator('#day-error').getByText(/from 1 to/).waitFor();
  await page.hydrated('form:has(#weight)');
  await page.locator('#day').fill('2');
  await page.getByRole('button', { name: 'Apply weight and caps' }).click();
  await page.getByText('Saved. It counts at once').waitFor();

  for (let sent = 0; sent < 2; sent += 1) await reached(dashboard, await send(server, key), 'sent');
  const waiting = await send(server, key, email({ subject: 'Waits for room' }));
  await until(async () => (await dashboard.message(waiting)).waiting?.reason.includes('caps'));
  await page.goto(`/messages/${waiting}`);
  const why = page.locator('[data-waiting]');
  assert.match(await why.innerText(), /caps[^]*expected to go in (23|24) h|expected to go in 1 d 0 h/);
  assert.match(await why.innerText(), /Capped[^]*caps leave no room/i);
  await page.shot(`provider-routing-${label}-3-waits`);
  await page.goto('/overview');
  const overview = page.locator('[data-waiting-reason=cap]');
  assert.match(await overview.innerText(), /1[^]*caps/i);
  await page.getByText('Capped is at its cap').waitFor();
  await page.shot(`provider-routing-${label}-4-overview`);
  await page.goto(`/providers/${id}`);
  await page.locator('[data-hold=full]').waitFor();
  assert.match(await page.locator('[data-usage=day]').innerText(), /2 of 2/);
  await page.shot(`provider-routing-${label}-5-full`);

  await page.hydrated('form:has(#weight)');
  await page.locator('#day').fill('3');
  await page.getByRole('button', { name: 'Apply weight and caps' }).click();
  await page.getByText('Saved. It counts at once').waitFor();
  const { attempts } = await reached(dashboard, waiting, 'sent');
  assert.equal(attempts.length, 1, 'waiting for a cap is no attempt');
  await page.goto('/settings');
  assert.ok((await dashboard.call('delete_provider', { id, back: '/providers' })).ok);
}

/** A refused login pulls a provider by hand; the page says what to do, and the button puts it back. */
async function blocks({ t, server, dashboard, page, key, label, javaScript }) {
  const auth = { user: 'mailbox', pass: 'first' };
  const sink = await startSink(t, { auth });
  const id = await dashboard.addSmtp({ name: 'Locked', port: sink.port, username: 'mailbox', password: 'first' });
  auth.pass = 'second';
  const waiting = await send(server, key, email({ subject: 'Waits for the login' }));
  await until(async () => (await dashboard.providers()).some((one) => one.id === id && one.state === 'blocked'));
  await page.goto('/overview');
  await page.getByText('Locked is blocked').waitFor();
  await page.shot(`provider-routing-${label}-6-attention`);
  await page.goto(`/providers/${id}`);
  const block = page.locator('[data-block]');
  assert.match(await block.innerText(), /Pulled from rotation[^]*refuses the login[^]*535[^]*does not come back by itself/);
  await page.shot(`provider-routing-${label}-7-blocked`);
  auth.pass = 'first';
  await page.hydrated('main header form');
  await page.getByRole('button', { name: 'Use again now' }).click();
  await page.getByText('back in rotation, with a clean record').waitFor();
  await block.waitFor({ state: 'detached' });
  await reached(dashboard, waiting, 'sent', { timeout: 20_000 });

  // Three failures pull it for an hour, which is counted down.
  await sink.stop();
  for (let failed = 0; failed < 3; failed += 1) await send(server, key, email({ subject: `Fails ${failed}` }));
  await until(async () => (await dashboard.providers()).some((one) => one.id === id && one.state === 'blocked'), { timeout: 20_000 });
  await page.goto(`/providers/${id}`);
  assert.match(await block.innerText(), /failed three times[^]*comes back by itself in (1 h|59 min)/);
  if (javaScript) await until(async () => /in 59 min \d+ s/.test(await block.innerText()));
  await page.shot(`provider-routing-${label}-8-countdown`);
  await sink.start();
  await page.goto('/settings');
  assert.ok((await dashboard.call('delete_provider', { id, back: '/providers' })).ok);
}
