// The browsers in which somebody is signed in: seen, and signed out one by one and all at once, with and without scripts.

import { assert } from '../lib/assert.mjs';
import { signIn, signUp } from '../lib/dashboard.mjs';
import { startServer } from '../lib/server.mjs';

export const name = 'one’s sessions are seen and ended';

export async function run(t) {
  const server = await startServer(t);
  const ana = await signUp(server);
  const bo = await signUp(server, { name: 'Bo', email: 'bo@example.com', team: 'Bolt' });
  const [second, third, fourth] = [await signIn(server, 'ana@example.com'), await signIn(server, 'ana@example.com'), await signIn(server, 'ana@example.com')];
  const listed = await ana.call('sessions');
  assert.equal(listed.length, 4);
  assert.equal(listed.filter((session) => session.is_current).length, 1);
  assert.equal(listed[0].address, '127.0.0.1');
  const own = (await second.call('sessions')).find((session) => session.is_current).id;

  // Nobody else ends it; its owner does, without scripts.
  assert.equal((await bo.call('end_session', { id: own })).ok, false);
  assert.equal((await second.get('/overview')).status, 200);
  const plain = await ana.post('end_session', { id: own }, { accept: 'text/html' });
  assert.equal(plain.headers.get('location'), '/settings/sessions');
  assert.match(await (await ana.get('/settings/sessions')).text(), /That browser is signed out/);
  assert.equal((await second.get('/overview')).status, 302);

  const page = await ana.browse(t);
  await page.goto('/settings');
  await page.hydrated('aside form');
  await page.getByRole('link', { name: 'Sessions' }).click();
  await page.getByRole('heading', { level: 1, name: 'Sessions' }).waitFor();
  await page.locator('tr[data-current="true"]').filter({ hasText: 'this one' }).waitFor();
  await page.getByRole('button', { name: 'Sign out everywhere else' }).click();
  await page.getByText('Everywhere else you are signed out.').waitFor();
  for (const ended of [third, fourth]) assert.equal((await ended.get('/overview')).status, 302);
  assert.equal((await ana.get('/overview')).status, 200);
  assert.equal((await bo.get('/overview')).status, 200);
}
