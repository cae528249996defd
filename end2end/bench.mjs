// Benchmarks a release build: accepting over HTTP, accepting over SMTP beside Postfix, and from acceptance to delivery at a
// local SMTP sink, also beside Postfix; synced to disk.
//
//   node bench.mjs [accept|smtp|deliver|memory] [--seconds 10] [--postgres]
//
// It prints numbers, and asserts nothing. Load generators (wrk and hey, Postfix's smtp-source) and sink (Postfix's smtp-sink,
// written in C) run on the same machine and share its cores with the server.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { smtp } from './bench-smtp.mjs';
import { until } from './lib/assert.mjs';
import { Context } from './lib/context.mjs';
import { residentMemory, startInstallation } from './lib/installation.mjs';
import { havePostfix, startPostfix } from './lib/postfix.mjs';
import { freePort, run, start } from './lib/process.mjs';

const args = process.argv.slice(2);
const option = (name, fallback) => (args.includes(`--${name}`) ? args[args.indexOf(`--${name}`) + 1] : fallback);
const wanted = args.filter((word) => ['accept', 'smtp', 'deliver', 'memory'].includes(word));
const benches = wanted.length ? wanted : ['accept', 'smtp', 'deliver', 'memory'];
const seconds = Number(option('seconds', 10));

/** What is sent: about so many kilobytes. */
const messageOf = (size) => ({
  from: { email: 'sender@example.com', name: 'Sender' },
  to: { email: 'recipient@example.net' },
  subject: `A message of about ${size} kilobytes`,
  text_body: 'Lorem ipsum dolor sit amet, consectetur adipiscing.\n'.repeat(Math.round(size * 19.5) - 3),
});
const message = messageOf(2);

const t = new Context('bench', args.includes('--postgres') ? 'postgres' : 'sqlite');
const folder = await mkdtemp('/var/tmp/sendmux-bench-');
t.after(() => rm(folder, { recursive: true, force: true }));

try {
  for (const bench of benches) await { accept, deliver, memory, smtp: () => smtp(t, folder, seconds) }[bench]();
} finally {
  for (const problem of await t.cleanUp()) console.error(problem);
}

/** Messages a second while nothing can leave: the only provider refuses connections and is blocked at once. */
async function accept() {
  console.log(`the disk: ${await syncs()} fdatasync/s`);
  const { server, key } = await startInstallation(t, folder, await freePort());
  for (const { path, size, body, clients } of [
    { path: '/api/v1/emails/send', size: 1, body: message, clients: [1, 16, 64] },
    { path: '/api/v1/emails/send/batch', size: 100, body: { messages: Array(100).fill(message) }, clients: [1, 4, 16] },
  ]) {
    const target = { server, key, path, body: JSON.stringify(body) };
    const say = (count, result) => {
      const rate = `${(result.rate * size).toFixed(0)} messages/s (${result.rate.toFixed(0)} requests/s)`;
      console.log(`accept, 2 KB, ${size === 1 ? 'single' : `batches of ${size}`}, ${count}: ${rate}, p50 ${result.p50}, p99 ${result.p99}, ${result.refused} refused`);
    };
    let most = { rate: 0 };
    for (const count of clients) {
      const result = await wrk(target, { clients: count, duration: seconds });
      say(`${String(count).padStart(2)} clients`, result);
      if (result.rate > most.rate) most = { ...result, count };
    }
    say('at half of that', await hey(target, { clients: most.count, duration: seconds, rate: most.rate / 2 }));
  }
  console.log(`  ${await residentMemory(server)} MB resident with ${await waiting(server)} messages waiting`);
  await server.stop();
}

/** Messages a second, from the first one handed in until the last is delivered. */
async function deliver() {
  const port = await freePort();
  const sink = start('smtp-sink', ['-u', process.env.USER ?? 'root', '-c', `127.0.0.1:${port}`, '1024'], { stdio: 'ignore' });
  t.after(() => sink.kill('SIGKILL'));
  const { server, key } = await startInstallation(t, folder, port);
  const postfix = havePostfix && await startPostfix(t, { settings: { relayhost: `[127.0.0.1]:${port}` } });
  for (const size of [2, 100]) {
    const ours = await deliverOurs(server, key, size);
    if (!postfix) continue;
    const theirs = await deliverTheirs(postfix, size);
    console.log(`  ${(ours / theirs).toFixed(1)} times Postfix`);
  }
  await server.stop();
}

async function deliverOurs(server, key, size) {
  const count = () => sql(server, "SELECT count(*) FROM messages WHERE status = 'sent'");
  const before = await count();
  const began = Date.now();
  const load = await wrk({ server, key, path: '/api/v1/emails/send', body: JSON.stringify(messageOf(size)) }, { clients: 32, duration: seconds });
  const accepted = (Date.now() - began) / 1000;
  while ((await waiting(server)) > 0) await new Promise((resolve) => setTimeout(resolve, 100));
  const took = (Date.now() - began) / 1000;
  const sent = (await count()) - before;
  console.log(`deliver, ${size} KB: ${load.rate.toFixed(0)} requests/s accepted, p99 ${load.p99}, ${load.refused} refused`);
  console.log(`  accepting took ${accepted.toFixed(1)} s, all delivered after ${took.toFixed(1)} s`);
  console.log(`  ${sent} sent: ${(sent / took).toFixed(0)} messages a second end to end`);
  return sent / took;
}

/** Postfix as a relay, without TLS and AUTH, by 20 clients, one message a connection. */
async function deliverTheirs(postfix, size) {
  const count = 400 * seconds;
  const delivered = async () => (await postfix.lines()).filter((line) => /status=sent/.test(line)).length;
  const before = await delivered();
  const began = Date.now();
  const { code, output } = await run(
    'smtp-source',
    ['-s', '20', '-m', String(count), '-l', String(size * 1024), '-f', 'sender@example.com', '-t', 'recipient@example.net', `127.0.0.1:${postfix.port}`],
    { timeout: 700_000 },
  );
  if (code !== 0) throw new Error(`smtp-source: ${output}`);
  await until(async () => (await delivered()) - before >= count, { timeout: 700_000, interval: 200, what: 'Postfix has delivered everything' });
  const took = (Date.now() - began) / 1000;
  console.log(`deliver, ${size} KB, Postfix: ${count} sent: ${(count / took).toFixed(0)} messages a second end to end`);
  return count / took;
}

async function memory() {
  const { server } = await startInstallation(t, folder, await freePort());
  console.log(`memory: ${await residentMemory(server)} MB resident when idle`);
  await server.stop();
}

/** As many requests a second as there can be. */
async function wrk({ server, key, path, body }, { clients, duration }) {
  const script = join(folder, 'post.lua');
  await writeFile(script, `wrk.method = "POST"\nwrk.body = [==[${body}]==]\nwrk.headers["Content-Type"] = "application/json"\n` +
    `wrk.headers["Authorization"] = "Bearer ${key}"\n`);
  const threads = Math.min(2, clients);
  const { output } = await run('wrk', [`-t${threads}`, `-c${clients}`, `-d${duration}s`, '--latency', '-s', script, server.url + path], { timeout: 700_000 });
  return {
    rate: Number(/Requests\/sec:\s+([\d.]+)/.exec(output)?.[1]),
    p50: /^\s+50%\s+(\S+)/m.exec(output)?.[1],
    p99: /^\s+99%\s+(\S+)/m.exec(output)?.[1],
    refused: Number(/Non-2xx or 3xx responses: (\d+)/.exec(output)?.[1] ?? 0),
  };
}

/** So many requests a second: what they take when the server is not at its limit. */
async function hey({ server, key, path, body }, { clients, duration, rate }) {
  const file = join(folder, 'body.json');
  await writeFile(file, body);
  const { output } = await run('hey', [
    ...['-z', `${duration}s`, '-c', String(clients), '-q', String(rate / clients), '-m', 'POST', '-T', 'application/json'],
    ...['-H', `Authorization: Bearer ${key}`, '-D', file, server.url + path],
  ], { timeout: 700_000 });
  const part = (percent) => `${(Number(new RegExp(`${percent}% in ([\\d.]+) secs`).exec(output)?.[1]) * 1000).toFixed(1)}ms`;
  const answers = [...output.matchAll(/\[(\d+)\]\s+(\d+) responses/g)].filter(([, status]) => status[0] !== '2');
  return {
    rate: Number(/Requests\/sec:\s+([\d.]+)/.exec(output)?.[1]),
    p50: part(50),
    p99: part(99),
    refused: answers.reduce((sum, [, , count]) => sum + Number(count), 0),
  };
}

/** How often a second this disk can be told to keep something. */
async function syncs() {
  const program = `
import os, sys, time
file = os.open(sys.argv[1], os.O_CREAT | os.O_WRONLY)
began, count = time.monotonic(), 0
while time.monotonic() - began < 2:
    os.pwrite(file, b"x" * 4096, count % 1000 * 4096)
    os.fdatasync(file)
    count += 1
print(round(count / (time.monotonic() - began)))`;
  const { output } = await run('python3', ['-c', program, join(folder, 'syncs')]);
  return output.trim();
}

async function waiting(server) {
  return sql(server, 'SELECT count(*) FROM queue');
}

async function sql(server, query) {
  if (server.databaseUrl) {
    const { output } = await run('psql', [server.databaseUrl, '-Atc', query]);
    return Number(output.trim());
  }
  const program = 'import sqlite3,sys; print(sqlite3.connect("file:" + sys.argv[1] + "?mode=ro", uri=True, timeout=30).execute(sys.argv[2]).fetchone()[0])';
  const { output } = await run('python3', ['-c', program, join(server.dataFolder, 'sendmux.sqlite3'), query]);
  return Number(output.trim());
}
