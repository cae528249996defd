// Clients behind a reverse proxy are told apart, and cannot claim another address; over SMTP a trusted load balancer gives it.

import { connect } from 'node:net';

import { assert } from '../lib/assert.mjs';
import { PASSWORD, signUp } from '../lib/dashboard.mjs';
import { startServer } from '../lib/server.mjs';

export const name = 'clients behind proxies: sign-ins, wrong keys, SMTP, warnings';
export const seconds = 180;

const ATTACKER = '198.51.100.9';
const OPERATOR = '203.0.113.7';

export async function run(t) {
  const server = await startServer(t, { env: { SENDMUX_SMTP_PROXY_PROTOCOL: 'true' } });
  await signUp(server, { email: 'ana@example.com' });
  await signIns(server);
  await wrongKeys(server);
  await smtp(server);
  await unread(t);
  await untrusted(t);
}

/** 55 wrong sign-ins, each with another address that the attacker claims, do not keep the operator out. */
async function signIns(server) {
  for (let n = 0; n < 55; n += 1) {
    const answer = await signIn(server, `192.0.2.${n}, ${ATTACKER}`, `nobody${n}@example.com`, 'not the password');
    assert.match(await answer.text(), n < 50 ? /is wrong/ : /Too many attempts/, `attempt ${n}`);
  }
  const attacker = await signIn(server, ATTACKER, 'ana@example.com', PASSWORD);
  assert.match(await attacker.text(), /Too many attempts/);
  const operator = await signIn(server, OPERATOR, 'ana@example.com', PASSWORD);
  assert.ok(operator.headers.getSetCookie().length, await operator.text());
}

async function wrongKeys(server) {
  const ask = async (client) => {
    const headers = { authorization: 'Bearer nonsense', 'x-forwarded-for': client };
    return (await server.fetch('/api/v1/me', { headers })).status;
  };
  let status = 401;
  for (let n = 0; n < 200 && status === 401; n += 1) status = await ask(`192.0.2.${n}, ${ATTACKER}`);
  assert.equal(status, 429);
  assert.equal(await ask(OPERATOR), 401);
}

/** From loopback, which is trusted by default, a header has to come first. */
async function smtp(server) {
  const greeted = await speak(server.smtpPort, `PROXY TCP4 ${OPERATOR} 192.0.2.250 4711 587\r\nQUIT\r\n`);
  assert.match(greeted, /^220 .*\r\n221 /);
  const v2 = Buffer.from('0d0a0d0a000d0a515549540a2111000ccb007107c00002fa1267024b', 'hex');
  assert.match(await speak(server.smtpPort, Buffer.concat([v2, Buffer.from('QUIT\r\n')])), /^220 .*\r\n221 /);
  assert.equal(await speak(server.smtpPort, 'EHLO client.example\r\n'), '');
  await server.logged(/did not begin with a header of the PROXY protocol/);
}

/** What a connection is told until it is closed. */
function speak(port, octets) {
  return new Promise((resolve, reject) => {
    let said = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(octets));
    socket.setEncoding('utf8').on('data', (text) => (said += text));
    socket.on('close', () => resolve(said));
    // The server may close with octets of ours unread, which resets the connection.
    socket.on('error', (error) => (error.code === 'ECONNRESET' ? resolve(said) : reject(error)));
  });
}

/** Where no proxy is trusted, nothing is taken from headers, and the operator is told. */
async function unread(t) {
  const env = { SENDMUX_TRUSTED_PROXIES: 'none', SENDMUX_PUBLIC_URL: 'https://mail.example.com' };
  const server = await startServer(t, { env });
  await server.logged(/public_url is https, but no proxy is trusted/);
  await lockedOutTogether(server);
  await server.logged(/a request through a proxy that is not in trusted_proxies/);
}

async function untrusted(t) {
  await lockedOutTogether(await startServer(t, { env: { SENDMUX_TRUSTED_PROXIES: '10.0.0.0/8' } }));
}

async function lockedOutTogether(server) {
  for (let n = 0; n < 50; n += 1) await signIn(server, `192.0.2.${n}`, `nobody${n}@example.com`, 'not the password');
  assert.match(await (await signIn(server, OPERATOR, 'nobody@example.com', PASSWORD)).text(), /Too many attempts/);
}

function signIn(server, forwardedFor, email, password) {
  return server.fetch('/fn/sign_in', {
    method: 'POST',
    body: new URLSearchParams({ email, password, next: '' }),
    headers: { accept: 'application/json', 'sec-fetch-site': 'same-origin', 'x-forwarded-for': forwardedFor },
    redirect: 'manual',
  });
}
