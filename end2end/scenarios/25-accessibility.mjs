// Accessibility of every page, for people who cannot see it, see it badly, or use no mouse: axe-core finds nothing, wide and
// narrow, light and dark; nothing is wider than a phone; the keyboard reaches everything and shows where it is.
//
// With SENDMUX_SHOTS set it also takes a picture of every page in each of its looks.

import { email, reached, send } from '../lib/api.mjs';
import { faults, walk } from '../lib/accessibility.mjs';
import { assert, until } from '../lib/assert.mjs';
import { openPage } from '../lib/browser.mjs';
import { signUp } from '../lib/dashboard.mjs';
import { startServer } from '../lib/server.mjs';
import { startSink } from '../lib/sink.mjs';

export const name = 'every page is for everybody: axe, keyboard, phones';
export const seconds = 300;

export async function run(t) {
  const server = await startServer(t, {
    env: { SENDMUX_GOOGLE_CLIENT_ID: 'client', SENDMUX_GOOGLE_CLIENT_SECRET: 'secret', SENDMUX_MANAGED_DAILY_CAP: '5' },
  });
  const ana = await signUp(server);
  const made = await fill(t, server, ana);

  const page = await ana.browse(t);
  const wrong = [];
  const look = async (path, { isMissing = false } = {}) => {
    if (isMissing) page.allow(/404 \(Not Found\)/);
    await page.goto(path);
    await page.getByRole('heading', { level: 1 }).first().waitFor();
    await page.hydrated('aside form');
    assert.equal(await page.locator('h1').count(), 1, `${path}: one heading for the page`);
    wrong.push(...(await faults(page, { shown: shots(page, path) })).map((text) => `${path}: ${text}`));
  };
  for (const path of pages(made)) await look(path);
  await look('/keys/key_000000000000000000000000', { isMissing: true });
  await open(page, wrong);

  const visitor = await openPage(t, { baseURL: server.url });
  for (const path of ['/sign-in', '/sign-up', '/forgot-password', '/reset-password?token=x', '/verify?token=x']) {
    await visitor.goto(path);
    await visitor.getByRole('heading', { level: 1 }).waitFor();
    wrong.push(...(await faults(visitor, { shown: shots(visitor, path) })).map((text) => `${path}: ${text}`));
  }
  assert.equal(wrong.length, 0, `\n${wrong.join('\n\n')}`);

  await keyboard(page, visitor, made);
}

/** Something of everything that pages show. */
async function fill(t, server, ana) {
  const [good, bad] = [await startSink(t), await startSink(t)];
  const relay = await ana.addSmtp({ name: 'Relay', port: good.port });
  const broken = await ana.addSmtp({ name: 'A relay with a rather long name, to see how it breaks', port: bad.port });
  await ana.call('save_routing', { id: relay, version: '1', weight: '70', day: '10', minute: '5' });
  const group = await ana.createGroup('Transactional', { [relay]: 3, [broken]: 1 });
  const key = await ana.createKeyWithId({ name: 'Shop, production' });
  const grouped = await ana.createKeyWithId({ name: 'Newsletter', groups: [group] });
  const old = await ana.createKeyWithId({ name: 'Old' });
  await ana.call('revoke_key', { id: old.id, back: '/keys' });
  const test = await ana.createKey({ name: 'Tests', mode: 'test' });

  const html = '<h1>Order 4711</h1><p>Thank you.</p>';
  const attachments = [{ filename: 'invoice.txt', content: Buffer.from('42').toString('base64') }];
  const sent = await send(server, key.secret, email({ subject: 'Your order', html_body: html, attachments }));
  await reached(ana, sent, 'sent');
  const captured = await send(server, test, email({ subject: 'For the sandbox', html_body: html }));
  await reached(ana, captured, 'sent');
  for (const sink of [good, bad]) sink.onRecipient = () => '550 5.1.1 No such user';
  const failed = await send(server, key.secret, email({ subject: 'To nobody' }));
  await reached(ana, failed, 'failed');
  for (const sink of [good, bad]) sink.onRecipient = undefined;
  bad.onConnect = () => '554 5.7.1 Not you';
  good.onConnect = () => '421 4.3.2 Busy';
  const waiting = await send(server, key.secret, email({ subject: 'Waits for its next round' }));
  await until(async () => (await ana.message(waiting)).attempts.length > 0, { what: 'an attempt was made' });
  await ana.call('test_provider', { id: broken, back: '/providers' });
  good.onConnect = undefined;

  const ses = { region: 'eu-central-1', access_key_id: 'AKIAIOSFODNN7EXAMPLE', secret_access_key: 'secret', endpoint: 'http://127.0.0.1:9' };
  await ana.post('save_ses', { id: '', version: '0', name: 'SES, Frankfurt', ...ses });
  const amazon = (await ana.providers()).find(({ kind }) => kind === 'ses').id;
  await ana.call('invite', { email: 'bo@example.com', role: 'developer' });
  const mail = await until(async () => (await ana.call('system_mails', { before: '' })).rows[0].id, { what: 'a mail of the system' });
  return { relay, broken, amazon, group, key: key.id, grouped: grouped.id, sent, failed, waiting, captured, mail };
}

function pages({ relay, broken, amazon, group, key, grouped, sent, failed, waiting, captured, mail }) {
  return [
    ...['/overview', '/messages', '/messages?status=cancelled', `/messages/${sent}`, `/messages/${failed}`, `/messages/${waiting}`],
    ...['/sandbox', `/sandbox/${captured}`],
    ...['/providers', '/providers/new', '/providers/new/smtp', '/providers/new/ses', `/providers/${relay}`, `/providers/${broken}`, `/providers/${amazon}`],
    ...['/groups', '/groups/new', `/groups/${group}`, '/keys', `/keys/${key}`, `/keys/${grouped}`, '/routing', '/smtp'],
    ...['/team', '/team/audit', '/team/new', '/settings', '/settings/sessions'],
    ...['/operator/requests', '/operator/teams', '/operator/managed', '/operator/mail', `/operator/mail/${mail}`, '/operator/audit'],
  ];
}

function shots(page, path) {
  if (!process.env.SENDMUX_SHOTS) return undefined;
  const name = path.replace(/\?.*/, '').replaceAll(/[a-z]+_[a-z0-9]{24}/g, 'one').replaceAll('/', '-').slice(1);
  return (look) => page.shot(`page-${name}-${look.replace(', ', '-')}`);
}

/** What opens on a page is looked at open. */
async function open(page, wrong) {
  await page.goto('/keys');
  await page.hydrated('aside form');
  await page.locator('main details.confirm > summary').first().click();
  wrong.push(...(await faults(page)).map((text) => `/keys, asking: ${text}`));
  await page.keyboard.press('Escape');
  assert.equal(await page.locator('main details.confirm[open]').count(), 0);
  await page.locator('aside details.popup > summary').click();
  // It lies over the navigation, which is there again when it closes.
  wrong.push(...(await faults(page, { except: ['target-size'] })).map((text) => `/keys, choosing a team: ${text}`));
  await page.keyboard.press('Escape');
}

async function keyboard(page, visitor, { group, broken }) {
  // The first thing that the keyboard reaches leads past the navigation.
  await page.goto('/providers');
  await page.hydrated('aside form');
  await page.keyboard.press('Tab');
  const skip = page.getByRole('link', { name: 'Skip to content' });
  assert.equal(await skip.evaluate((node) => node === document.activeElement), true);
  assert.ok((await skip.boundingBox()).y >= 0, 'it is in sight');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => Boolean(document.activeElement.closest('main'))), true, 'the next thing is in the page');
  // A page that is gone to begins where its content does.
  await page.getByRole('link', { name: 'Groups' }).first().click();
  await page.getByRole('heading', { level: 1, name: 'Groups' }).waitFor();
  await until(() => page.evaluate(() => document.activeElement.id === 'main'), { what: 'the keyboard is at the beginning of the page' });

  for (const path of ['/overview', '/providers', `/providers/${broken}`, '/providers/new/smtp', `/groups/${group}`, '/keys', '/messages', '/team', '/settings', '/smtp']) {
    await page.goto(path);
    await page.hydrated('aside form');
    assert.ok((await walk(page)) > 15, `${path}: the keyboard goes through the page`);
  }
  for (const path of ['/sign-in', '/sign-up']) {
    await visitor.goto(path);
    await walk(visitor);
  }
}
