// Clients that are slow, or stuck, or do not come to an end, by the thousand: they cost little, and nobody else notices. The
// time limits themselves are tested beside the code, under a clock that tests move.

import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';

import { email, post } from '../lib/api.mjs';
import { assert, until } from '../lib/assert.mjs';
import { signUp } from '../lib/dashboard.mjs';
import { startServer } from '../lib/server.mjs';

const CLIENTS = 1_000;
const MAX_BODY = 26_214_400;
// Megabytes: what large bodies may take together (256), and the buffers of the connections.
const MOST_MEMORY = 450;

export const name = 'a thousand slow clients';
export const seconds = 240;

export async function run(t) {
  const server = await startServer(t, { env: { SENDMUX_RATE_LIMIT: '1000000' } });
  const dashboard = await signUp(server);
  const key = await dashboard.createKey();
  const other = await (await signUp(server, { name: 'Bo', email: 'bo@example.com', team: 'Bolt' })).createKey();
  const before = await memory(server);

  const silent = await clients(t, server, () => '');
  const headless = await clients(t, server, (number) => `POST /api/v1/emails/send HTTP/1.1\r\nHost: slow\r\nX-Number: ${number}`);
  await works(server, key, dashboard);
  for (const client of [...silent, ...headless]) client.destroy();

  const head = (length) => [
    'POST /api/v1/emails/send HTTP/1.1', 'Host: slow', `Authorization: Bearer ${key}`, 'Content-Type: application/json',
    `Content-Length: ${length}`, '', '{"text_body": "',
  ].join('\r\n');
  // Small bodies that stop halfway.
  const halves = await clients(t, server, () => head(60_000) + 'x'.repeat(30_000));
  await works(server, key, dashboard);
  for (const client of halves) client.destroy();

  // Large ones: those that there is no room for are told to come back, unread, and hold nothing.
  const piece = 'x'.repeat(256 * 1024);
  const large = await clients(t, server, () => head(MAX_BODY) + piece);
  await until(() => large.filter(({ answer }) => answer.startsWith('HTTP/1.1 503')).length >= CLIENTS - 20, { timeout: 60_000, what: 'most are told to come back' });
  for (const { answer } of large.filter(({ answer: text }) => text)) {
    assert.match(answer, /^HTTP\/1\.1 503 /);
    assert.match(answer, /\r\nretry-after: \d+\r\n/i);
    assert.match(answer, /"code":"service_unavailable"/);
  }
  // Those that there is room for go on, all at once.
  const taken = large.filter(({ answer }) => !answer);
  for (const client of taken) for (let sent = 1; sent < 64; sent += 1) client.write(piece);
  await works(server, key, dashboard);
  // Another team has room for its own.
  const whole = email({ text_body: 'x'.repeat(MAX_BODY - 1_000) });
  assert.equal((await post(server, other, whole)).status, 202);
  const most = await memory(server);
  assert.ok(most < MOST_MEMORY, `${most} MB with ${CLIENTS} slow clients, ${before} MB before`);
  t.log(`${before} MB before, ${most} MB with ${CLIENTS} of 25 MB each, ${taken.length} of them being read`);
  for (const client of large) client.destroy();

  // What they held is free again.
  await until(async () => (await post(server, key, whole)).status === 202, { timeout: 30_000, interval: 250 });

  // Forms of the dashboard are small, whoever sends them.
  const form = new URLSearchParams({ email: 'ana@example.com', password: 'x'.repeat(2 * 1024 * 1024) });
  const headers = { 'sec-fetch-site': 'same-origin' };
  assert.equal((await server.fetch('/fn/sign_in', { method: 'POST', body: form, headers })).status, 413);
}

/** Opens connections that write this and then wait; `answer` of each is what it was told. */
async function clients(t, server, text) {
  const open = (number) => new Promise((resolve, reject) => {
    const socket = connect(server.port, '127.0.0.1', () => {
      socket.write(text(number));
      resolve(socket);
    });
    socket.answer = '';
    socket.setEncoding('latin1').on('data', (data) => {
      socket.answer += data;
    });
    // A server that has enough of it may hang up.
    socket.once('error', reject).on('error', () => {});
  });
  const sockets = [];
  for (let number = 0; number < CLIENTS; number += 1) sockets.push(await open(number));
  t.after(() => sockets.forEach((socket) => socket.destroy()));
  return sockets;
}

/** Others are served as ever. */
async function works(server, key, dashboard) {
  for (let turn = 0; turn < 20; turn += 1) assert.equal((await post(server, key, email())).status, 202);
  assert.equal((await dashboard.get('/overview')).status, 200);
}

/** Megabytes that the server holds. */
async function memory(server) {
  const status = await readFile(`/proc/${server.pid}/status`, 'utf8');
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)[1]) / 1024);
}
