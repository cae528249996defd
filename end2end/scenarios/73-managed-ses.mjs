// The managed route all the way: through the operator's Amazon SES account (an emulator of its API) as the team's address,
// then feedback about the messages, by signed notifications in any order; and an account that Amazon refuses.

import { email, reached, send } from '../lib/api.mjs';
import { assert, until } from '../lib/assert.mjs';
import { signUp } from '../lib/dashboard.mjs';
import { assertUnseen } from '../lib/secrets.mjs';
import { startServer } from '../lib/server.mjs';
import { startSes } from '../lib/ses.mjs';
import { sesEvent, startSigner } from '../lib/sns.mjs';

export const name = 'the managed route sends through Amazon SES, and hears what became of it';
export const databases = ['sqlite', 'postgres'];
export const seconds = 240;

const KEY = 'AKIAIOSFODNN7EXAMPLE';
const SECRET = 'planted/wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY';

export async function run(t) {
  const [ses, signer] = [await startSes(t), await startSigner(t)];
  const server = await startServer(t, {
    env: {
      SENDMUX_SES_REGION: 'eu-central-1',
      SENDMUX_SES_ACCESS_KEY_ID: KEY,
      SENDMUX_SES_SECRET_ACCESS_KEY: SECRET,
      SENDMUX_SES_CONFIGURATION_SET: 'events',
      SENDMUX_SES_ENDPOINT: ses.url,
      SENDMUX_SNS_URL: signer.url,
      SENDMUX_MANAGED_DOMAIN: 'managed.example',
      SENDMUX_RETRY_DELAYS: '2s,2h,12h',
    },
  });
  const operator = await signUp(server, { name: 'Olga', email: 'olga@example.com', team: 'Operators' });
  const ana = await signUp(server, { email: 'ana@example.com', team: 'Acme' });
  await verified(ses, ana, 'ana@example.com');
  const key = await ana.createKey({ permissions: ['send', 'read'] });
  const endpoint = await subscribed(signer, operator);

  const sent = await sentAsTheTeam(ses, server, ana, key);
  await told(signer, endpoint, server, key, sent);
  await early(ses, signer, endpoint, server, ana, key);
  await seen(t, server, ana, key, sent);
  await refused(t, ses, server, operator, ana, key);
  const pages = [];
  for (const path of ['/operator/managed', '/operator/mail', '/operator/teams']) pages.push(await (await operator.get(path)).text());
  pages.push(await (await ana.get('/providers')).text(), JSON.stringify(await operator.call('operator_managed')), await server.metrics());
  await assertUnseen(server, [SECRET], pages);
}

/** The route of a team opens once its owner's address is verified, by a link that came through the same account. */
async function verified(ses, dashboard, address) {
  assert.equal((await dashboard.call('managed_route')).state, 'setup');
  const mail = await until(
    async () => (await ses.store()).find(({ subject, destination }) => subject === 'Verify your email address' && destination.to.join().includes(address)),
    { what: `${address} is asked to verify` },
  );
  assert.match(mail.from, /noreply@managed\.example/);
  const [, token] = /token=([A-Za-z0-9]{43})/.exec(mail.body.text);
  const reply = await dashboard.call('verify_email', { token });
  assert.ok(reply.ok, JSON.stringify({ reply, mail }));
  assert.equal((await dashboard.call('managed_route')).state, 'active');
}

async function subscribed(signer, operator) {
  const { endpoint } = await operator.call('operator_managed');
  assert.equal(await signer.subscribe(endpoint.url), 200);
  return endpoint.url;
}

/** Sends one message a fate, and checks how SES got them. Returns `{ fate: { id, sesId, to } }`. */
async function sentAsTheTeam(ses, server, ana, key) {
  const sent = {};
  for (const fate of ['delivered', 'bounced', 'soft_bounced', 'complained', 'rejected']) {
    const to = `${fate}@example.net`;
    const id = await send(server, key, email({ to: { email: to }, subject: `To be ${fate}`, from: { email: 'shop@acme.example', name: 'Ana’s Shop' } }));
    const view = await reached(ana, id, 'sent');
    const mail = await ses.taken(`To be ${fate}`);
    assert.match(mail.from, /Ana’s Shop.* <acme@managed\.example>/, 'it is sent as the team, with the name that it was sent with');
    assert.match(mail.replyTo.join(), /shop@acme\.example/, 'answers go to the original sender');
    const attempt = view.attempts.at(-1);
    assert.deepEqual([attempt.provider, attempt.provider_message_id], ['Managed route', mail.messageId]);
    assert.deepEqual(ses.sends.get(mail.messageId), { tags: { 'sendmux-message': id }, configurationSet: 'events', to: [to] });
    sent[fate] = { id, sesId: mail.messageId, to };
  }
  assert.equal((await ana.call('managed_route')).used, 5);
  return sent;
}

/** Everything at once, in the wrong order and several times; some by SES's id alone. */
async function told(signer, endpoint, server, key, sent) {
  const at = (seconds) => new Date(Date.now() - 60_000 + seconds * 1_000);
  const about = (fate, type, details, options) => sesEvent(type, sent[fate].id, details, { sesId: sent[fate].sesId, ...options });
  const one = (fate, more = {}) => [{ emailAddress: sent[fate].to, ...more }];
  const untagged = { tagged: false };
  const hard = { status: '5.1.1', diagnosticCode: 'smtp; 550 5.1.1 no such user' };
  const events = [
    about('delivered', 'Delivery', { recipients: [sent.delivered.to], smtpResponse: '250 2.6.0 taken' }, { at: at(20) }),
    about('delivered', 'DeliveryDelay', { delayType: 'MailboxFull', delayedRecipients: one('delivered') }, { at: at(10) }),
    about('bounced', 'Bounce', { bounceType: 'Permanent', bounceSubType: 'General', bouncedRecipients: one('bounced', hard) }, untagged),
    about('soft_bounced', 'Bounce', { bounceType: 'Transient', bounceSubType: 'MailboxFull', bouncedRecipients: one('soft_bounced') }),
    about('complained', 'Complaint', { complainedRecipients: one('complained'), complaintFeedbackType: 'abuse' }, { ...untagged, at: at(30) }),
    about('complained', 'Delivery', { recipients: [sent.complained.to] }, { ...untagged, at: at(5) }),
    { ...about('rejected', 'Reject', { reason: 'Bad content' }), mail: { messageId: sent.rejected.sesId, destination: [sent.rejected.to], tags: { 'sendmux-message': [sent.rejected.id] } } },
  ];
  // Each is published twice (by the identity's topic and by the configuration set's), and each of these comes twice.
  const posts = events.flatMap((event, n) => ['one', 'two', 'one', 'two'].map((topic) => signer.notify(endpoint, `${topic}-${n}`, event)));
  assert.deepEqual(new Set(await Promise.all(posts)), new Set([200]));

  const kinds = { delivered: ['message.delivery_delayed', 'message.delivered'], complained: ['message.delivered', 'message.complained'] };
  for (const [fate, { id }] of Object.entries(sent)) {
    const message = await api(server, key, `messages/${id}`);
    const expected = kinds[fate] ?? [`message.${fate.replace('soft_', '')}`];
    assert.deepEqual(message.events.map(({ type }) => type), expected, fate);
    assert.equal(message.recipients[0].delivery, fate);
    assert.equal(message.status, 'sent');
  }
  const { events: bounces } = await api(server, key, `messages/${sent.bounced.id}`);
  assert.deepEqual([bounces[0].bounce_type, bounces[0].recipients[0].diagnostic], ['hard', hard.diagnosticCode]);
  const { total } = await api(server, key, 'statistics');
  const { accepted, sent: taken, failed, bounced, soft_bounced: soft, complained, rejected } = total;
  assert.deepEqual([accepted, taken, failed, bounced, soft, complained, rejected], [5, 5, 0, 1, 1, 1, 1], 'each counts once');
  for (const fate of ['bounced', 'complained', 'rejected']) {
    const { data } = await api(server, key, `messages?delivery=${fate}`);
    const ids = data.map((message) => message.id);
    assert.deepEqual(ids, fate === 'bounced' ? [sent.soft_bounced.id, sent.bounced.id] : [sent[fate].id], fate);
  }
  const metrics = await server.metrics();
  for (const line of ['{kind="managed_ses",event="bounced"} 1', '{kind="managed_ses",event="soft_bounced"} 1', '{kind="managed_ses",event="delivered"} 2']) {
    assert.ok(metrics.includes(`sendmux_feedback_total${line}`), line);
  }
}

/** SES tells of a delivery, by its own id alone, while the answer that has this id is still on its way. */
async function early(ses, signer, endpoint, server, ana, key) {
  ses.hold();
  const id = await send(server, key, email({ to: { email: 'early@example.net' }, subject: 'To be delivered early' }));
  const { messageId } = await ses.taken('To be delivered early');
  const event = sesEvent('Delivery', id, { recipients: ['early@example.net'] }, { sesId: messageId, tagged: false });
  assert.equal(await signer.notify(endpoint, 'early-1', event), 200, 'it is kept, so it need not come again');
  const foreign = sesEvent('Delivery', id, { recipients: ['early@example.net'] }, { sesId: '0100-of-another-system', tagged: false });
  assert.equal(await signer.notify(endpoint, 'foreign-1', foreign), 200);
  assert.deepEqual((await api(server, key, `messages/${id}`)).events, []);
  ses.release();
  await reached(ana, id, 'sent');
  const events = await until(async () => {
    const { events } = await api(server, key, `messages/${id}`);
    return events.length > 0 && events;
  }, { timeout: 40_000, what: 'what was told early is seen' });
  assert.deepEqual(events.map(({ type }) => type), ['message.delivered']);
  assert.match(await server.metrics(), /^sendmux_notices_total\{outcome="parked"\} 2$/m);
}

/** What people see. */
async function seen(t, server, ana, key, sent) {
  const { counts } = await ana.overview();
  assert.deepEqual([counts.accepted, counts.bounced, counts.complained], [6, 2, 1]);
  const page = await ana.browse(t);
  await page.goto('/overview');
  await page.locator('[data-card=Bounced]').getByText('2', { exact: true }).waitFor();
  await page.shot('overview-came-back');
  await page.locator('[data-card=Bounced]').click();
  await page.getByRole('link', { name: 'To be bounced' }).waitFor();
  await page.getByRole('link', { name: 'To be soft_bounced' }).waitFor();
  assert.equal(await page.getByRole('link', { name: 'To be delivered', exact: true }).count(), 0);
  await page.getByRole('link', { name: 'To be bounced' }).click();
  await page.getByText('Bounced for good: bounced@example.net').waitFor();
  await page.shot('message-bounced');
  const phone = await ana.browse(t, { javaScript: false, device: 'phone', theme: 'dark' });
  await phone.goto(`/messages/${sent.complained.id}`);
  await phone.getByText('Complaint by complained@example.net').waitFor();
  await phone.getByText('Complained', { exact: true }).waitFor();
  await phone.shot('message-complained-phone');
  await phone.goto('/overview');
  await phone.shot('overview-came-back-phone');
}

/** Amazon refuses the account: for all teams at once, until the operator puts it back. */
async function refused(t, ses, server, operator, ana, key) {
  const bo = await signUp(server, { name: 'Bo', email: 'bo@example.com', team: 'Bolt' });
  await verified(ses, bo, 'bo@example.com');
  ses.refuseWith(403, 'UnrecognizedClientException', 'The security token included in the request is invalid.');
  const waiting = await send(server, key, email({ subject: 'While the account is refused' }));
  const route = async (dashboard) => (await dashboard.providers()).find(({ kind }) => kind === 'managed_ses');
  await until(async () => (await route(ana)).state === 'blocked', { what: 'the account is pulled from rotation' });
  const others = await route(bo);
  assert.equal(others.state, 'blocked', 'the health of the account is that of all teams');
  assert.match(others.reason, /operator of this installation/);
  const unblocked = await bo.call('unblock_provider', { id: others.id, back: '/providers' });
  assert.equal(unblocked.ok, false, 'a team cannot put it back');
  assert.match(await (await bo.post('unblock_managed_account')).text(), /NotFound/);

  const desk = await operator.browse(t, { javaScript: false });
  await desk.goto('/operator/managed');
  await desk.locator('[data-account-block]').getByText('The security token included in the request is invalid').waitFor();
  await desk.shot('operator-managed-blocked');
  const phone = await operator.browse(t, { device: 'phone', theme: 'dark' });
  await phone.goto('/operator/managed');
  await phone.locator('[data-account-block]').waitFor();
  await phone.shot('operator-managed-blocked-phone');

  ses.refuseWith(null);
  await desk.getByRole('button', { name: 'Use again now' }).click();
  await desk.getByText('The account is back in rotation').waitFor();
  assert.equal(await desk.locator('[data-account-block]').count(), 0);
  await reached(ana, waiting, 'sent', { timeout: 40_000 });
  assert.equal((await route(bo)).state, 'active');
  await ses.taken('The managed route\'s Amazon SES account is refused', { timeout: 40_000 });
}

async function api(server, key, path) {
  const response = await server.fetch(`/api/v1/${path}`, { headers: { authorization: `Bearer ${key}` } });
  const body = await response.json();
  assert.equal(response.status, 200, JSON.stringify(body));
  return body;
}
