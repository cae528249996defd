// An Amazon SES account of the team: set up in the browser, at an emulator of its API (aws-ses-v2-local) that Amazon's own
// client talks to.

import { email, reached, send } from '../lib/api.mjs';
import { assert, until } from '../lib/assert.mjs';
import { signUp } from '../lib/dashboard.mjs';
import { assertUnseen } from '../lib/secrets.mjs';
import { startServer } from '../lib/server.mjs';
import { startSes } from '../lib/ses.mjs';

export const name = 'an Amazon SES account is set up in the browser and delivers; the managed route carries the mail of the system';

const KEY = 'AKIAIOSFODNN7EXAMPLE';
const SECRET = 'planted/wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY';

export async function run(t) {
  const ses = await startSes(t);
  const server = await startServer(t, {
    env: {
      SENDMUX_SES_REGION: 'eu-central-1',
      SENDMUX_SES_ACCESS_KEY_ID: KEY,
      SENDMUX_SES_SECRET_ACCESS_KEY: SECRET,
      SENDMUX_SES_ENDPOINT: ses.url,
      SENDMUX_MANAGED_DOMAIN: 'managed.example',
    },
  });
  const dashboard = await signUp(server);
  const key = await dashboard.createKey();

  // The managed route carries the system's own mail, from its domain.
  const verification = await until(async () => (await ses.store())[0], { what: 'the owner is asked to verify the address' });
  assert.match(verification.from, /@managed\.example/);
  await dashboard.call('verify_email', { token: /token=([A-Za-z0-9]{43})/.exec(verification.body.text)[1] });

  const page = await dashboard.browse(t, { javaScript: false });
  const provider = await add(page, ses);
  await page.shot('ses-2-quota');
  const id = await send(server, key, email({ subject: 'Through the team’s own account' }));
  const view = await reached(dashboard, id, 'sent');
  assert.equal(view.attempts.at(-1).provider, 'SES, Frankfurt');
  const sent = (await ses.store()).find(({ subject }) => subject === 'Through the team’s own account');
  assert.match(sent.from, /ana@example\.com/);

  await change(page, provider);
  await withScripts(t, dashboard, ses);
  ses.refuseWith(400, 'LimitExceededException', 'Daily message quota exceeded.');
  await send(server, key, email({ subject: 'Over the quota' }));
  const pulled = async () => (await dashboard.providers()).find((one) => one.id === provider).state === 'blocked';
  await until(pulled, { what: 'the account is left alone for the day' });
  ses.refuseWith(null);

  const pages = [];
  for (const path of ['/providers', `/providers/${provider}`, '/providers/new/ses']) pages.push(await (await dashboard.get(path)).text());
  await assertUnseen(server, [SECRET], [...pages, JSON.stringify(await dashboard.providers())]);
}

async function add(page, ses) {
  await page.goto('/providers/new');
  await page.getByRole('link', { name: 'Add an Amazon SES account' }).click();
  await page.hydrated('main form');
  await page.getByLabel('Name').fill('SES, Frankfurt');
  await page.getByLabel('Region').fill('Frankfurt');
  await page.getByLabel('Access key id').fill(KEY);
  await page.getByLabel('Secret access key').fill(SECRET);
  await page.getByLabel('Address of the API').fill(ses.url);
  await page.getByRole('button', { name: 'Add and test' }).click();
  await page.locator('#region-error').getByText('written like eu-central-1').waitFor();
  await page.shot('ses-1-form');
  await page.getByLabel('Region').fill('eu-central-1');
  // What was refused is filled in again, all but the secret.
  await page.getByLabel('Secret access key').fill(SECRET);
  await page.getByRole('button', { name: 'Add and test' }).click();
  await page.waitForURL(/\/providers\/prv_[a-z0-9]{24}$/);
  await page.locator('[data-test-result=ok]').first().waitFor();
  await page.locator('[data-ses-quota]').getByText('12 of 50000 recipients in 24 hours').waitFor();
  return /prv_[a-z0-9]{24}$/.exec(page.url())[0];
}

/** The same where the pages are live, up to the account's end. */
async function withScripts(t, dashboard, ses) {
  const page = await dashboard.browse(t);
  const provider = await add(page, ses);
  await change(page, provider);
  await page.locator('main').getByText('Delete', { exact: false }).first().click();
  await page.getByRole('button', { name: 'Delete provider' }).click();
  await page.getByRole('heading', { level: 1, name: 'Providers' }).waitFor();
  assert.ok((await dashboard.providers()).every(({ id }) => id !== provider));
}

/** The secret stays with its key; with another it is asked for. */
async function change(page, provider) {
  await page.goto(`/providers/${provider}`);
  await page.hydrated('main section form');
  assert.equal(await page.getByLabel('Secret access key').inputValue(), '');
  await page.getByLabel('Access key id').fill('AKIAIOSFODNN7ANOTHER');
  await page.getByRole('button', { name: 'Save' }).first().click();
  await page.locator('#secret_access_key-error').getByText('belongs to the new access key').waitFor();
  await page.getByLabel('Access key id').fill(KEY);
  await page.getByLabel('Configuration set').fill('sendmux');
  await page.getByRole('button', { name: 'Save' }).first().click();
  await page.getByText('Saved. Messages use the new settings').waitFor();
}
