// Somebody who belongs to several teams: joins one with their account, switches between them, creates another and leaves; and
// the effect of a changed password on existing sessions.

import { assert } from '../lib/assert.mjs';
import { openPage } from '../lib/browser.mjs';
import { PASSWORD, signIn, signUp } from '../lib/dashboard.mjs';
import { linkInMail } from '../lib/mail.mjs';
import { startServer } from '../lib/server.mjs';
import { startSink } from '../lib/sink.mjs';

export const name = 'a member of several teams looks at one at a time';
export const databases = ['sqlite', 'postgres'];

const NEW = 'another horse battery';

export async function run(t) {
  const sink = await startSink(t);
  const server = await startServer(t, {
    env: { SENDMUX_MAIL_SMTP_URL: `smtp://127.0.0.1:${sink.port}?tls=none`, SENDMUX_MAIL_FROM: 'mail@sendmux.example' },
  });
  const ana = await signUp(server, { email: 'ana@example.com', team: 'Acme' });
  const bo = await signUp(server, { name: 'Bo', email: 'bo@example.com', team: 'Bolt' });
  await joins(t, server, sink, ana);
  const things = {
    provider: await ana.addSmtp({ name: 'Acme’s relay', port: sink.port }),
    key: (await ana.createKeyWithId({ name: 'Acme’s shop' })).id,
  };
  await withoutScripts(t, bo, things);
  await byKeyboard(t, bo);
  await anotherTab(t, bo);
  await strangers(server, ana, bo);
  await makesOne(t, bo);
  await leaves(t, server, sink, ana, bo);
  await otherSessionsEnd(t, server);
}

const heading = (page, name) => page.getByRole('heading', { level: 1, name });
/** The side bar, which wide screens have. */
const bar = (page) => page.locator('aside');

/** With an account, and nobody signed in: its password is asked for, and that is all. */
async function joins(t, server, sink, ana) {
  const early = await ana.call('invite', { email: 'bo@example.com', role: 'developer' });
  assert.match(JSON.stringify(early), /verify your own email address/i);
  const link = await linkInMail(sink, 'ana@example.com', 'Verify your email address');
  await ana.call('verify_email', { token: link.split('token=')[1] });
  await ana.call('invite', { email: 'bo@example.com', role: 'developer' });
  const path = await linkInMail(sink, 'bo@example.com', 'Join a team on Sendmux');
  const page = await openPage(t, { baseURL: server.url, javaScript: false, device: 'phone' });
  await page.goto(path);
  await page.getByText('You are invited to the team Acme as developer.').waitFor();
  await page.getByLabel('Its password').fill('not the password');
  await page.getByRole('button', { name: 'Sign in and join' }).click();
  await page.locator('#password-error').getByText('This is not the password of the account.').waitFor();
  await page.getByLabel('Its password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Sign in and join' }).click();
  await heading(page, 'Overview').waitFor();
  await page.getByText('Menu', { exact: true }).click();
  await page.locator('header [data-team]').getByText('Acme').first().waitFor();
  await page.shot('teams-phone-menu');
}

/** Every page is that of the team that is looked at. */
async function withoutScripts(t, bo, { provider, key }) {
  const page = await bo.browse(t, { javaScript: false });
  await page.goto('/keys');
  assert.doesNotMatch(await page.locator('main').innerText(), /Acme/);
  for (const path of [`/providers/${provider}`, `/keys/${key}`]) assert.equal((await bo.get(path)).status, 404, path);

  await choose(page, 'Acme');
  await page.goto('/keys');
  await page.getByRole('link', { name: 'Acme’s shop' }).waitFor();
  for (const path of [`/providers/${provider}`, `/keys/${key}`]) assert.equal((await bo.get(path)).status, 200, path);
  // The role is that of this team.
  await page.goto('/settings');
  assert.match(await page.locator('main').innerText(), /Role\s+Developer/);
  assert.equal(await page.getByRole('button', { name: 'Rename' }).count(), 0);
  await page.shot('teams-settings');
  const made = await bo.createKeyWithId({ name: 'Made in Acme' });

  await choose(page, 'Bolt');
  await page.goto('/settings');
  assert.match(await page.locator('main').innerText(), /Role\s+Owner/);
  assert.deepEqual((await bo.call('keys')).active, []);
  const revoked = await bo.post('revoke_key', { id: made.id, back: '/keys' });
  assert.match(await revoked.text(), /does not exist|not found/i);
}

/** Presses the team's button in the side bar. */
async function choose(page, team) {
  await bar(page).locator('summary').click();
  await bar(page).getByRole('button', { name: team }).click();
  await heading(page, 'Overview').waitFor();
  assert.match(await bar(page).locator('summary').innerText(), new RegExp(team));
}

/** Opened, closed and chosen from without a mouse; and told to those who do not see it. */
async function byKeyboard(t, bo) {
  const page = await bo.browse(t);
  await page.goto('/groups');
  await page.hydrated('aside form');
  const opener = bar(page).locator('summary');
  await opener.focus();
  await page.keyboard.press('Enter');
  const acme = bar(page).getByRole('list', { name: 'Your teams' }).getByRole('button', { name: 'Acme' });
  await acme.waitFor();
  await page.shot('teams-switch');
  assert.equal(await bar(page).locator('[aria-current=true]').innerText().then((text) => /Bolt/.test(text)), true);
  await page.keyboard.press('Tab');
  assert.equal(await acme.evaluate((node) => node.closest('ul').contains(document.activeElement)), true);
  await page.keyboard.press('Escape');
  await acme.waitFor({ state: 'hidden' });
  assert.equal(await opener.evaluate((node) => node === document.activeElement), true, 'the keyboard is where it was');
  // A press elsewhere closes it, too.
  await opener.click();
  await acme.waitFor();
  await heading(page, 'Groups').click();
  await acme.waitFor({ state: 'hidden' });
  await opener.focus();
  await page.keyboard.press('Enter');
  await acme.focus();
  await page.keyboard.press('Enter');
  await heading(page, 'Overview').waitFor();
  assert.equal((await bo.call('viewer')).team, 'Acme');
}

/** A page that shows one team, while another tab of the browser has gone to another. */
async function anotherTab(t, bo) {
  const page = await bo.browse(t);
  await page.goto('/keys');
  await page.hydrated('aside form');
  await bar(page).locator('summary').getByText('Acme').waitFor();
  const { teams } = await bo.call('viewer');
  assert.deepEqual(teams.map(({ name, role }) => [name, role]), [['Bolt', 'Owner'], ['Acme', 'Developer']]);
  await bo.post('switch_team', { id: teams[0].id });
  await page.evaluate(() => window.dispatchEvent(new Event('focus')));
  await bar(page).locator('summary').getByText('Bolt').waitFor();
  assert.doesNotMatch(await page.locator('main').innerText(), /Acme/);
}

/** Nobody looks at a team that is not theirs. */
async function strangers(server, ana, bo) {
  const theirs = (await ana.call('viewer')).team_id;
  const cy = await signUp(server, { name: 'Cy', email: 'cy@example.com', team: 'Cyan' });
  const before = await cy.call('viewer');
  for (const id of [theirs, 'team_000000000000000000000000', '', 'x']) {
    const response = await cy.post('switch_team', { id });
    assert.equal(response.status, 404, id);
    assert.doesNotMatch(await response.text(), /Acme/);
  }
  assert.deepEqual(await cy.call('viewer'), before);
  // Another session of the same person goes on with its own choice.
  const elsewhere = await signIn(server, 'bo@example.com');
  await elsewhere.post('switch_team', { id: theirs });
  assert.deepEqual([(await elsewhere.call('viewer')).team, (await bo.call('viewer')).team], ['Acme', 'Bolt']);
}

async function makesOne(t, bo) {
  const page = await bo.browse(t);
  await page.goto('/overview');
  await page.hydrated('aside form');
  await bar(page).locator('summary').click();
  await bar(page).getByRole('link', { name: 'New team' }).click();
  await heading(page, 'New team').waitFor();
  await page.getByLabel('Name').fill('x'.repeat(101));
  await page.getByRole('button', { name: 'Create team' }).click();
  await page.locator('#name-error').getByText('too long').waitFor();
  assert.equal(await page.getByLabel('Name').inputValue(), 'x'.repeat(101));
  await page.getByLabel('Name').fill('Third');
  await page.shot('teams-new');
  await page.getByRole('button', { name: 'Create team' }).click();
  await heading(page, 'Overview').waitFor();
  await bar(page).locator('summary').getByText('Third').waitFor();
  assert.deepEqual((await bo.call('providers')).map(({ kind }) => kind).sort(), ['managed_ses', 'sandbox']);
}

async function leaves(t, server, sink, ana, bo) {
  const page = await bo.browse(t);
  await page.goto('/team');
  await page.hydrated('aside form');
  const leave = async () => {
    await page.locator('main').getByText('Leave', { exact: false }).first().click();
    await page.getByRole('button', { name: 'Leave the team' }).click();
  };
  await leave();
  await page.getByText('This is the only owner: make somebody else an owner first.').waitFor();
  await choose(page, 'Acme');
  await page.goto('/team');
  await page.hydrated('aside form');
  await leave();
  await page.getByText('You have left Acme. This is Bolt.').waitFor();
  await page.shot('teams-left');
  assert.deepEqual((await bo.call('viewer')).teams.map(({ name }) => name), ['Bolt', 'Third']);
  assert.deepEqual((await ana.call('team')).members.map(({ name }) => name), ['Ana Silva']);

  // Who has no other team is told so before, and comes back by an invitation.
  await ana.call('invite', { email: 'dee@example.com', role: 'member' });
  const guest = await openPage(t, { baseURL: server.url, javaScript: false });
  guest.allow(/sign_in/);
  await guest.goto(await linkInMail(sink, 'dee@example.com', 'Join a team on Sendmux'));
  await guest.getByLabel('Your name').fill('Dee');
  await guest.getByLabel('Password').fill(PASSWORD);
  await guest.getByRole('button', { name: 'Create account and join' }).click();
  await heading(guest, 'Overview').waitFor();
  await guest.goto('/team');
  await guest.locator('main').getByText('Leave', { exact: false }).first().click();
  await guest.getByText('come back only by an invitation').waitFor();
  await guest.getByRole('button', { name: 'Leave the team' }).click();
  await guest.getByText('You have left Acme. You belong to no team now').waitFor();
  await guest.getByLabel('Email address').fill('dee@example.com');
  await guest.getByLabel('Password').fill(PASSWORD);
  await guest.getByRole('button', { name: 'Sign in' }).click();
  await guest.getByText(/belongs to no team/).waitFor();
}

/** In the settings, with scripts and without. */
async function otherSessionsEnd(t, server) {
  let password = PASSWORD;
  for (const [javaScript, next] of [[true, NEW], [false, PASSWORD]]) {
    const [here, there] = [await signIn(server, 'cy@example.com', password), await signIn(server, 'cy@example.com', password)];
    const page = await here.browse(t, { javaScript });
    const change = async (current) => {
      await page.getByLabel('Current password').fill(current);
      await page.getByLabel('New password').fill(next);
      await page.getByRole('button', { name: 'Change password' }).click();
    };
    await page.goto('/settings');
    await page.hydrated('main form');
    await change('not the password');
    await page.locator('#current_password-error').waitFor();
    assert.equal((await there.get('/overview')).status, 200);
    await change(password);
    await page.getByText('Everywhere else you are signed out.').waitFor();
    if (javaScript) await page.shot('password-changed');
    for (const ended of [here, there]) assert.equal((await ended.get('/overview')).status, 302, 'the old sessions have ended');
    await page.goto('/overview');
    await heading(page, 'Overview').waitFor();
    password = next;
  }
}
