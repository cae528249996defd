// The mails about accounts, through a mail server of the installation's own: the address of a new account, a forgotten
// password, an invitation. With scripts, and the last without.

import { email, post, send } from '../lib/api.mjs';
import { assert, until } from '../lib/assert.mjs';
import { openPage } from '../lib/browser.mjs';
import { PASSWORD, signIn, signUp } from '../lib/dashboard.mjs';
import { linkInMail } from '../lib/mail.mjs';
import { assertUnseen } from '../lib/secrets.mjs';
import { startServer } from '../lib/server.mjs';
import { startSink } from '../lib/sink.mjs';

export const name = 'addresses are verified, passwords replaced and people invited by mail';
export const databases = ['sqlite', 'postgres'];
export const seconds = 180;

export async function run(t) {
  const login = { user: 'mailer', pass: 'planted-mail-password' };
  const sink = await startSink(t, { auth: login });
  const server = await startServer(t, {
    env: {
      SENDMUX_MAIL_SMTP_URL: `smtp://${login.user}:${login.pass}@127.0.0.1:${sink.port}?tls=none`,
      SENDMUX_MAIL_FROM: 'mail@sendmux.example',
      SENDMUX_RETRY_DELAYS: '1s,2h,12h',
    },
  });
  const ana = await signUp(server, { email: 'ana@example.com', team: 'Acme' });
  await verified(t, server, sink, ana);
  await reset(t, server, sink, ana);
  await invited(t, server, sink);
  await refused(t, server, sink, login);
}

async function verified(t, server, sink, ana) {
  const early = await ana.createKey();
  const tooEarly = await post(server, early, email());
  assert.equal(tooEarly.status, 403);
  assert.match(JSON.stringify(tooEarly.body), /verify the email address/i);
  const page = await ana.browse(t);
  await page.goto('/overview');
  await page.getByText('It opens once the address of the team').first().waitFor();
  await page.shot('managed-route-unverified');
  await page.goto(await linkInMail(sink, 'ana@example.com', 'Verify your email address'));
  await page.hydrated();
  assert.equal((await ana.call('managed_route')).state, 'setup', 'opening the link changes nothing');
  await page.getByRole('button', { name: 'Verify my address' }).click();
  await page.getByText('ana@example.com is verified.').waitFor();
  await page.shot('verified');
  assert.equal((await ana.call('managed_route')).state, 'active');
  await send(server, await ana.createKey(), email());
}

async function reset(t, server, sink, ana) {
  const page = await openPage(t, { baseURL: server.url });
  await page.goto('/sign-in');
  await page.getByRole('link', { name: 'Forgot your password?' }).click();
  await page.getByRole('heading', { level: 1, name: 'Forgot your password?' }).waitFor();
  const said = [];
  for (const address of ['nobody@example.com', 'ana@example.com']) {
    await page.goto('/forgot-password');
    await page.hydrated();
    await page.getByLabel('Email address').fill(address);
    await page.getByRole('button', { name: 'Send me a link' }).click();
    said.push(await page.getByText('If there is an account').innerText());
  }
  assert.equal(said[0], said[1], 'nobody learns who has an account');
  const path = await linkInMail(sink, 'ana@example.com', 'Choose a new password');
  await page.goto(path);
  await page.hydrated();
  await page.getByLabel('New password').fill('short');
  await page.getByRole('button', { name: 'Save and sign in' }).click();
  await page.locator('#password-error').waitFor();
  await page.getByLabel('New password').fill('another horse battery');
  await page.getByRole('button', { name: 'Save and sign in' }).click();
  await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
  assert.equal((await ana.get('/overview')).status, 302, 'what was signed in with the old password is not any more');
  await page.goto(path);
  await page.getByText('This link does not work').waitFor();
  await signIn(server, 'ana@example.com', 'another horse battery');
  assert.ok(sink.messages.every(({ to }) => !to.includes('nobody@example.com')));
}

async function invited(t, server, sink) {
  const ana = await signIn(server, 'ana@example.com', 'another horse battery');
  const page = await ana.browse(t, { javaScript: false });
  await page.goto('/team');
  await page.getByLabel('Email address').fill('new@example.com');
  await page.locator('select#role').selectOption('developer');
  await page.getByRole('button', { name: 'Invite' }).click();
  await page.getByText('The invitation to new@example.com is on its way.').waitFor();
  await page.shot('team-invited');

  const path = await linkInMail(sink, 'new@example.com', 'Join a team on Sendmux');
  const guest = await openPage(t, { baseURL: server.url, javaScript: false, device: 'phone', theme: 'dark' });
  await guest.goto(path);
  await guest.getByText('You are invited to the team Acme as developer.').waitFor();
  await guest.shot('invitation');
  await guest.getByLabel('Your name').fill('Noor');
  await guest.getByLabel('Password').fill(PASSWORD);
  await guest.getByRole('button', { name: 'Create account and join' }).click();
  await guest.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
  const noor = await signIn(server, 'new@example.com');
  const team = await noor.call('team');
  assert.deepEqual(team.members.map(({ name, role }) => [name, role]), [['Ana Silva', 'owner'], ['Noor', 'developer']]);
  assert.deepEqual([team.can_manage, team.invitations], [false, []]);
  // She looks on, and leaves.
  const refused = await noor.call('invite', { email: 'x@example.com', role: 'member' });
  assert.equal(refused.ok, false);
  await page.goto('/team');
  await page.getByRole('row', { name: /Noor/ }).getByText('Remove').first().click();
  await page.getByRole('row', { name: /Noor/ }).getByRole('button', { name: 'Yes' }).click();
  await page.getByText('The member is removed.').waitFor();
  assert.equal((await noor.get('/overview')).status, 302);
}

/** The mail server refuses the login: the operator sees it, and puts it back once it is mended. */
async function refused(t, server, sink, login) {
  const ana = await signIn(server, 'ana@example.com', 'another horse battery');
  sink.onAuth = () => '535 5.7.8 Authentication credentials invalid';
  // One that is logged in would be used again.
  sink.cutAll();
  const noor = await signUp(server, { name: 'Noor', email: 'noor@example.com', team: 'Others' });
  const state = async () => (await ana.call('system_mails', { before: '' })).server.state;
  await until(async () => (await state()) === 'blocked', { timeout: 20_000, what: 'the mail server is pulled' });
  for (const call of ['unblock_mail_server', 'test_mail_server']) assert.match(await (await noor.post(call)).text(), /NotFound/, call);

  const page = await ana.browse(t, { javaScript: false, device: 'phone', theme: 'dark' });
  await page.goto('/operator/mail');
  await page.locator('[data-mail-server]').getByText('Authentication credentials invalid').waitFor();
  await page.getByRole('button', { name: 'Test the mail server' }).click();
  await page.locator('[data-test-result=failed]').waitFor();
  await page.shot('operator-mail-blocked-phone');
  sink.onAuth = undefined;
  await page.getByRole('button', { name: 'Use again now the mail server' }).click();
  await page.getByText('The mail server is back in rotation').waitFor();
  assert.equal(await state(), 'active');
  await linkInMail(sink, 'noor@example.com', 'Verify your email address');

  // With scripts, and a test that passes.
  const desk = await ana.browse(t);
  await desk.goto('/operator/mail');
  await desk.hydrated('[data-mail-server] form');
  await desk.getByRole('button', { name: 'Test the mail server' }).click();
  await desk.locator('[data-test-result=ok]').waitFor();
  await desk.shot('operator-mail-tested');
  await assertUnseen(server, [login.pass], [await (await ana.get('/operator/mail')).text(), JSON.stringify(await ana.call('system_mails', { before: '' }))]);
}
