// The first minute of a new installation: sign up, make a key in the page, run the snippet that the page shows, and see
// the message. On a desk, on a phone, and with scripts off.

import { assert, until } from '../lib/assert.mjs';
import { openPage } from '../lib/browser.mjs';
import { PASSWORD } from '../lib/dashboard.mjs';
import { run as runProgram } from '../lib/process.mjs';
import { startServer } from '../lib/server.mjs';

export const name = 'a new installation sends its first message';
export const seconds = 120;

const VISITS = [
  { label: 'desktop-light', device: 'desktop', theme: 'light' },
  { label: 'phone-dark', device: 'phone', theme: 'dark' },
  { label: 'no-script', device: 'desktop', theme: 'light', javaScript: false },
];

export async function run(t) {
  for (const visit of VISITS) await firstMinute(t, visit);
}

async function firstMinute(t, { label, javaScript = true, ...look }) {
  const server = await startServer(t);
  const page = await openPage(t, { baseURL: server.url, javaScript, ...look });
  let step = 0;
  const shot = (name) => {
    step += 1;
    return page.shot(`first-message-${label}-${step}-${name}`);
  };
  const title = (text) => page.getByRole('heading', { level: 1, name: text }).waitFor();

  // What is wrong with the form is said beside the fields, and what was typed stays.
  await page.goto('/');
  assert.equal(new URL(page.url()).pathname, '/sign-up', 'a new installation begins with its first account');
  await page.getByText('becomes its operator').waitFor();
  await page.hydrated();
  await page.getByLabel('Your name').fill("Ana O'Neil");
  await page.getByLabel('Email address').fill('ana@example.com');
  await page.getByLabel('Password').fill('short');
  await page.getByLabel('Team').fill('Acme & Söhne');
  await page.getByRole('button', { name: 'Create account' }).click();
  await page.locator('#password-error').waitFor();
  assert.equal(await page.getByLabel('Your name').inputValue(), "Ana O'Neil");
  assert.equal(await page.getByLabel('Team').inputValue(), 'Acme & Söhne');
  await shot('sign-up');
  await page.hydrated();
  await page.getByLabel('Password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Create account' }).click();

  await title('Overview');
  assert.equal(new URL(page.url()).pathname, '/overview');
  const checklist = page.getByRole('region', { name: 'Send your first message' });
  const steps = checklist.getByRole('listitem');
  await done(steps, ['To do', 'To do', 'To do']);
  await shot('checklist');

  await page.hydrated('section form');
  await checklist.getByRole('button', { name: 'Create a key' }).click();
  const secret = await checklist.locator('code.secret').textContent();
  assert.match(secret, /^smx_live_[A-Za-z0-9]{32}$/);
  await done(steps, ['Done', 'To do', 'To do']);
  const snippet = await checklist.locator('[data-snippet=curl] pre').innerText();
  assert.ok(snippet.includes(secret), snippet);
  await shot('key');

  const { code, output } = await runProgram('bash', ['-c', snippet]);
  assert.equal(code, 0, output);
  const [, id] = /\{"message_id":\s*"(eml_[a-z0-9]{24})",\s*"status":\s*"queued"\}/.exec(output) ?? assert.fail(output);

  // The page is looked at, so it tells by itself; without scripts it is asked again.
  const accepted = page.locator('[data-card=Accepted]');
  await until(async () => {
    if (!javaScript) await page.reload();
    return /\b1\b/.test(await accepted.innerText());
  });
  await done(steps, ['Done', 'Done', 'To do']);
  if (javaScript) assert.equal(await checklist.locator('code.secret').textContent(), secret, 'the key stays in sight');
  await shot('sent');

  await go(page, look.device, 'Messages');
  await title('Messages');
  const row = page.getByRole('row', { name: 'Hello from Sendmux' });
  await row.getByText('Sent', { exact: true }).waitFor();
  await shot('messages');
  await row.getByRole('link', { name: 'Hello from Sendmux' }).click();
  await title('Hello from Sendmux');
  assert.equal(new URL(page.url()).pathname, `/messages/${id}`);
  await page.getByText('Managed route took it').waitFor();
  await rendered(page);
  await shot('message');

  await go(page, look.device, 'Sandbox');
  await title('Sandbox');
  await page.getByRole('row', { name: 'Hello from Sendmux' }).waitFor();
  await shot('sandbox');
  await page.getByRole('link', { name: 'Hello from Sendmux' }).click();
  await page.getByRole('heading', { name: 'Envelope' }).waitFor();
  assert.equal(new URL(page.url()).pathname, `/sandbox/${id}`);
  await rendered(page);
  // The managed route sends as the team, and leads answers to the sender.
  await page.getByRole('heading', { name: 'Headers' }).click();
  await page.getByText("Ana O'Neil <acme-sohne@sendmux.localhost>").locator('visible=true').waitFor();
  await page.getByText('Reply-To', { exact: true }).waitFor();
  await page.getByRole('heading', { name: 'Raw source' }).click();
  assert.match(await page.getByLabel('raw source').innerText(), /^Subject: Hello from Sendmux$/m);
  await shot('sandbox-message');

  await go(page, look.device, 'Settings');
  await title('Settings');
  await page.getByText('operator of this installation').waitFor();
  await shot('settings');

  // Nobody else becomes an operator, and the key is never shown again.
  await page.goto('/keys');
  await page.getByText(secret.slice(0, 13)).waitFor();
  assert.ok(!(await page.content()).includes(secret));
  await shot('keys');
  if (look.device === 'phone') await page.locator('header').getByText('Menu').click();
  await page.getByRole('button', { name: 'Sign out' }).locator('visible=true').click();
  await title('Sign in');
  await page.goto('/sign-up');
  await page.getByText('Your account comes with a team').waitFor();
}

/** Opens a page by the navigation. */
async function go(page, device, name) {
  if (device === 'phone') await page.locator('header').getByText('Menu').click();
  await page.getByRole('navigation').getByRole('link', { name }).locator('visible=true').click();
}

/** Waits until the steps of the checklist are done or still to do, in order, as told. */
async function done(steps, expected) {
  await until(async () => {
    const texts = await steps.locator('h3').allInnerTexts();
    assert.deepEqual(texts.map((text) => text.split(':')[0].trim()), expected);
    return true;
  });
}

/** Waits for the HTML of the message in its frame. */
async function rendered(page) {
  const frame = page.frameLocator('iframe[title="HTML of the message"]');
  await frame.getByRole('heading', { name: 'It works' }).waitFor();
}
