// The audit log: sign-ins and changes with address and request, for the owners of a team and for the operator, with and
// without scripts, and as CSV.

import { assert } from '../lib/assert.mjs';
import { signIn, signUp } from '../lib/dashboard.mjs';
import { startServer } from '../lib/server.mjs';

export const name = 'the audit log says who did what, and nobody else reads it';

export async function run(t) {
  const server = await startServer(t);
  const operator = await signUp(server);
  const bo = await signUp(server, { name: 'Bo', email: 'bo@example.com', team: 'Bolt' });
  await bo.createKey({ name: '=HYPERLINK("http://evil.example")' });
  await server.fetch('/fn/sign_in', {
    method: 'POST',
    body: new URLSearchParams({ email: 'bo@example.com', password: 'wrong', next: '' }),
    headers: { accept: 'application/json', 'sec-fetch-site': 'same-origin' },
  });
  await signIn(server, 'bo@example.com');

  await withoutScripts(bo);
  await withScripts(t, bo);
  await exported(bo, operator);
  await others(server, bo, operator);
}

async function withoutScripts(bo) {
  const all = await (await bo.get('/team/audit')).text();
  for (const action of ['user.signed_in', 'user.sign_in_failed', 'key.created', 'team.created']) assert.ok(all.includes(`data-action="${action}"`), action);
  const signIns = await (await bo.get('/team/audit?action=user.signed_in&actor=BO%40')).text();
  assert.match(signIns, /data-action="user\.signed_in"/);
  assert.doesNotMatch(signIns, /data-action="key/);
  assert.match(signIns, /127\.0\.0\.1/, 'the address');
  assert.match(signIns, /req_[a-z0-9]{24}/, 'the request');
  assert.match(await (await bo.get('/team/audit?since=2000-01-01&until=2000-01-02')).text(), /No entry matches/);
  assert.equal((await bo.get('/team/audit?since=yesterday')).status, 400);
}

async function withScripts(t, bo) {
  const page = await bo.browse(t);
  await page.goto('/team');
  await page.hydrated('aside form');
  await page.locator('main').getByRole('link', { name: 'Audit log' }).click();
  await page.getByRole('heading', { level: 1, name: 'Audit log' }).waitFor();
  await page.getByLabel('Action').selectOption('user.sign_in_failed');
  await page.getByRole('button', { name: 'Filter' }).click();
  await page.waitForURL(/action=user\.sign_in_failed/);
  await page.locator('tr[data-action="user.sign_in_failed"]').waitFor();
  assert.equal(await page.locator('tr[data-action="key.created"]').count(), 0);
}

async function exported(bo, operator) {
  const file = await bo.get('/files/audit.csv?action=key');
  assert.equal(file.status, 200);
  assert.match(file.headers.get('content-type'), /^text\/csv/);
  assert.match(file.headers.get('content-disposition'), /^attachment; filename="audit\.csv"/);
  const lines = (await file.text()).trim().split('\r\n');
  assert.equal(lines.length, 2, lines.join('\n'));
  assert.equal(lines[0], 'time,team,actor,action,target,detail,address,request');
  assert.match(lines[1], /^"\d{4}-[^"]*Z","","bo@example\.com","key\.created","key_/);

  const all = await (await operator.get('/files/operator/audit.csv')).text();
  assert.match(all, /"Acme"/);
  assert.match(all, /"Bolt"/);
}

async function others(server, bo, operator) {
  assert.equal((await operator.get('/operator/audit')).status, 200);
  assert.equal((await bo.get('/operator/audit')).status, 404);
  assert.equal((await bo.get('/files/operator/audit.csv')).status, 404);
  const own = await (await operator.get('/team/audit')).text();
  assert.doesNotMatch(own, /bo@example\.com/, 'a team sees its own alone');
  for (const path of ['/files/audit.csv', '/files/operator/audit.csv']) {
    const response = await server.fetch(path, { redirect: 'manual' });
    assert.equal(response.headers.get('location'), '/sign-in', path);
  }
}
