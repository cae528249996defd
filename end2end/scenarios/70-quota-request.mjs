// The 80% story: from the 40th recipient of a day to the mail with the outcome, by a team and by the operator, with scripts
// and without. Everything that depends on the time is tested in the domain, under a clock that tests move.

import { email, post } from '../lib/api.mjs';
import { assert, until } from '../lib/assert.mjs';
import { signUp } from '../lib/dashboard.mjs';
import { startServer } from '../lib/server.mjs';

export const name = 'a team asks for more of the managed route, and the operator decides';
export const databases = ['sqlite', 'postgres'];
export const seconds = 180;

export async function run(t) {
  const server = await startServer(t);
  const operator = await signUp(server, { name: 'Olga', email: 'olga@example.com', team: 'Operators' });
  await approved(t, server, operator);
  await denied(t, server, operator);
}

async function approved(t, server, operator) {
  const ana = await signUp(server, { email: 'ana@example.com', team: 'Acme' });
  const key = await ana.createKey();
  await used(server, ana, key, 39);
  const page = await ana.browse(t);
  await page.goto('/overview');
  const text = page.getByText('recipients today');
  await text.waitFor();
  const request = page.getByRole('button', { name: 'Request an increase' });
  assert.equal(await request.count(), 0, 'nothing is offered at 39 of 50');
  const early = await ana.call('request_increase', { back: '/overview' });
  assert.match(early.message, /40 of 50 recipients/);

  // The page is looked at, so the button comes by itself.
  await used(server, ana, key, 1);
  await request.waitFor({ timeout: 30_000 });
  await page.shot('managed-route-offered');
  await page.hydrated('form:has(input[name=back])');
  await request.click();
  await page.getByText('The request is with the operator').waitFor();
  await page.getByText('An increase was requested').waitFor();
  assert.equal(await request.count(), 0, 'one can be pending');
  await page.shot('managed-route-pending');
  assert.equal((await ana.call('request_increase', { back: '/overview' })).ok, false);

  // For others there are no such pages.
  for (const path of ['/operator/requests', '/operator/teams', '/operator/managed', '/operator/mail']) {
    const answer = await ana.get(path);
    assert.equal(answer.status, 404, path);
    assert.doesNotMatch(await answer.text(), /Operators|olga@example\.com/, path);
  }
  for (const call of ['operator_requests', 'operator_teams', 'operator_managed', 'system_mails']) {
    assert.match(await (await ana.post(call)).text(), /NotFound/, call);
  }
  const mine = await operator.call('operator_requests');
  const id = mine.pending[0].id;
  assert.match(await (await ana.post('decide_request', { id, decision: 'approve', cap: '1000' })).text(), /NotFound/);

  const desk = await operator.browse(t);
  await desk.goto('/operator/requests');
  const row = desk.locator(`[data-request=${id}]`);
  await row.getByText('40 of 50 recipients today').waitFor();
  await row.getByText('ana@example.com').waitFor();
  await desk.shot('operator-request');
  await desk.hydrated(`[data-request=${id}] form`);
  await row.getByLabel('New cap').fill('50');
  await row.getByLabel('Note').fill('Welcome aboard.');
  // The browser itself refuses what is not above the current cap; so does the server.
  const refused = await operator.call('decide_request', { id, decision: 'approve', cap: '50' });
  assert.match(JSON.stringify(refused), /above the current cap/);
  await row.getByLabel('New cap').fill('200');
  await row.getByRole('button', { name: 'Approve' }).click();
  await desk.getByText('Approved: the cap is 200 recipients a day').waitFor();
  await desk.getByText('Nothing to decide').waitFor();
  await desk.shot('operator-approved');

  await until(async () => (await page.getByText('recipients today').textContent()).includes('200'), { timeout: 20_000 });
  await page.getByText('Welcome aboard.').waitFor();
  await page.shot('managed-route-approved');
  await outcome(desk, 'Your managed route now has 200 recipients a day', 'ana@example.com', /200 recipients a day instead of 50/);
}

/** Without scripts. */
async function denied(t, server, operator) {
  const bo = await signUp(server, { name: 'Bo', email: 'bo@example.com', team: 'Bolt' });
  await used(server, bo, await bo.createKey(), 40);
  const page = await bo.browse(t, { javaScript: false, device: 'phone', theme: 'dark' });
  await page.goto('/providers');
  await page.getByRole('button', { name: 'Request an increase' }).click();
  await page.getByText('An increase was requested').waitFor();
  assert.equal(new URL(page.url()).pathname, '/providers');
  await page.shot('managed-route-pending-phone');

  const desk = await operator.browse(t, { javaScript: false });
  await desk.goto('/operator/requests');
  await desk.getByLabel('Note').fill('   ');
  await desk.getByRole('button', { name: 'Deny' }).click();
  await desk.getByText('Say why').waitFor();
  await desk.getByLabel('Note').fill('Please verify your domain first.');
  await desk.getByRole('button', { name: 'Deny' }).click();
  await desk.getByText('Denied. The requester gets a mail').waitFor();
  await page.goto('/providers');
  await page.getByText('Please verify your domain first.').waitFor();
  await page.getByText('40 of 50 recipients today').waitFor();
  await outcome(desk, 'Your request for a higher cap was denied', 'bo@example.com', /Please verify your domain first\./);
}

/** Sends to so many recipients more, and waits until the managed route took them. */
async function used(server, dashboard, key, count) {
  const before = (await dashboard.call('managed_route')).used;
  for (let n = 0; n < count; n += 1) {
    assert.equal((await post(server, key, email({ to: { email: `user${n}@example.net` } }))).status, 202);
  }
  await until(async () => (await dashboard.call('managed_route')).used === before + count, { timeout: 30_000 });
}

/** The mail with the outcome is among those of the system, and says it. */
async function outcome(page, subject, to, says) {
  await page.goto('/operator/mail');
  const row = page.getByRole('row', { name: subject });
  await row.waitFor();
  assert.match(await row.innerText(), new RegExp(to.replaceAll('.', '\\.')));
  await row.getByRole('link').click();
  const frame = page.frameLocator('iframe[title="HTML of the message"]');
  await frame.getByRole('heading', { name: subject }).waitFor();
  assert.match((await frame.locator('body').innerText()).replaceAll(/\s+/g, ' '), says);
}
