// Bounces and complaints that Amazon SES reports through signed notifications: on the message's timeline, counted, and, when
// they are too many, the end of the managed route until the operator lifts it.

import { email, post, send } from '../lib/api.mjs';
import { assert, until } from '../lib/assert.mjs';
import { signUp } from '../lib/dashboard.mjs';
import { startServer } from '../lib/server.mjs';
import { sesEvent, startSigner } from '../lib/sns.mjs';

export const name = 'bounces suspend the managed route, and the operator lifts it';
export const databases = ['sqlite', 'postgres'];

export async function run(t) {
  const signer = await startSigner(t);
  const server = await startServer(t, { env: { SENDMUX_SNS_URL: signer.url } });
  const operator = await signUp(server, { name: 'Olga', email: 'olga@example.com', team: 'Operators' });
  const ana = await signUp(server, { email: 'ana@example.com', team: 'Acme' });
  const key = await ana.createKey();

  const desk = await operator.browse(t);
  await desk.goto('/operator/managed');
  const endpoint = (await desk.locator('pre').filter({ hasText: '/hooks/ses/' }).innerText()).trim();
  assert.match(endpoint, /^http:\/\/127\.0\.0\.1:\d+\/hooks\/ses\/[a-z0-9]{40}$/);
  await desk.shot('operator-managed');
  await subscribed(signer, endpoint);
  await desk.reload();
  await desk.getByText(signer.topic).waitFor();

  const ids = [];
  for (let n = 0; n < 12; n += 1) ids.push(await send(server, key, email({ to: { email: `user${n}@example.net` } })));
  await until(async () => (await ana.overview()).counts.sent >= 12, { timeout: 30_000 });
  await timeline(t, signer, endpoint, ana, ids[11]);

  for (let n = 0; n < 10; n += 1) {
    assert.equal((await ana.call('managed_route')).state, 'active', `after ${n} bounces`);
    assert.equal(await signer.notify(endpoint, `bounce-${n}`, hard(ids[n], n)), 200);
    assert.equal(await signer.notify(endpoint, `bounce-${n}`, hard(ids[n], n)), 200, 'a replay is answered');
  }
  const page = await ana.browse(t);
  await page.goto('/providers');
  await page.getByText(/10 of 12 recipients within 7 days bounced for good/).waitFor();
  await page.shot('managed-route-suspended');
  const refused = await post(server, key, email());
  assert.deepEqual([refused.status, refused.body.error.code], [503, 'no_active_providers']);

  await desk.goto('/operator/teams');
  const row = desk.getByRole('row', { name: /Acme/ });
  await row.getByText('Suspended').waitFor();
  await desk.shot('operator-teams');
  await desk.hydrated('[data-team] form');
  await row.getByText('Lift suspension').click();
  await row.getByRole('button', { name: 'Lift it' }).click();
  await desk.getByText('The suspension is lifted').waitFor();
  await send(server, key, email());
  assert.equal((await ana.call('managed_route')).state, 'active');
  await desk.goto('/operator/mail');
  for (const subject of ['Your managed route is suspended', 'Acme is suspended on the managed route', 'Your managed route is open again']) {
    await desk.getByRole('row', { name: subject }).waitFor();
  }
}

function hard(id, n) {
  return sesEvent('Bounce', id, {
    bounceType: 'Permanent',
    bounceSubType: 'General',
    bouncedRecipients: [{ emailAddress: `user${n}@example.net`, status: '5.1.1', diagnosticCode: 'smtp; 550 5.1.1 no such user' }],
  });
}

/** Nothing but what is signed is believed, and one topic alone. */
async function subscribed(signer, endpoint) {
  const spoilt = (name, value) => ({ change: (signed) => ({ ...signed, [name]: value }) });
  assert.equal(await signer.notify(endpoint, 'early', {}), 403, 'nothing is subscribed yet');
  assert.equal(await signer.subscribe(endpoint, spoilt('Token', 'other')), 403);
  assert.equal(await signer.subscribe(endpoint, spoilt('SigningCertURL', 'https://sns.evil.example/sns.pem')), 403);
  assert.equal(signer.confirmed, 0);
  assert.equal(await signer.subscribe(endpoint, { version: '1' }), 200);
  assert.equal(signer.confirmed, 1);
  assert.equal(await signer.post(endpoint, { Type: 'Notification', MessageId: 'x', Message: '{}', TopicArn: 'arn:aws:sns:eu-central-1:1:other' }), 403);
  assert.equal(await signer.notify(endpoint, 'wrong', {}, spoilt('Message', '{"a": 1}')), 403);
  assert.equal(await signer.notify(endpoint.replace(/.$/, (last) => (last === 'a' ? 'b' : 'a')), 'lost', {}), 404);
  assert.equal(await signer.notify(endpoint, 'unknown', sesEvent('Delivery', 'eml_aaaaaaaaaaaaaaaaaaaaaaaa', {})), 200);
}

async function timeline(t, signer, endpoint, ana, id) {
  const to = 'user11@example.net';
  const events = [
    ['DeliveryDelay', { delayType: 'MailboxFull', delayedRecipients: [{ emailAddress: to }] }],
    ['Delivery', { recipients: [to], smtpResponse: '250 2.6.0 taken' }],
    ['Complaint', { complainedRecipients: [{ emailAddress: to }], complaintFeedbackType: 'abuse' }],
  ];
  for (const [type, details] of events) {
    assert.equal(await signer.notify(endpoint, `${type}-1`, sesEvent(type, id, details)), 200);
  }
  const { timeline } = await ana.message(id);
  const titles = timeline.map(({ title }) => title);
  for (const title of [`Delivery to ${to} is delayed`, `Delivered to ${to}`, `Complaint by ${to}`]) {
    assert.ok(titles.includes(title), titles.join('; '));
  }
}
