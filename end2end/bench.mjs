// Measures a release build: accepting over HTTP, and from acceptance to delivery at a local SMTP sink, synced to disk.
//
//   node bench.mjs [accept|deliver|memory] [--seconds 10] [--postgres]
//
// Numbers to look at, never a test. Load generator (wrk) and sink (Postfix's smtp-sink, written in C) run on the same
// machine and share its cores with the server.

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { Context } from './lib/context.mjs';
import { freePort, run, start } from './lib/process.mjs';
import { startServer } from './lib/server.mjs';

const args = process.argv.slice(2);
const option = (name, fallback) => (args.includes(`--${name}`) ? args[args.indexOf(`--${name}`) + 1] : fallback);
const wanted = args.filter((word) => ['accept', 'deliver', 'memory'].includes(word));
const benches = wanted.length ? wanted : ['accept', 'deliver', 'memory'];
const seconds = Number(option('seconds', 10));

const t = new Context('bench', args.includes('--postgres') ? 'postgres' : 'sqlite');
const folder = await mkdtemp('/var/tmp/sendmux-bench-');
t.after(() => rm(folder, { recursive: true, force: true }));

try {
  for (const bench of benches) await { accept, deliver, memory }[bench]();
} finally {
  for (const problem of await t.cleanUp()) console.error(problem);
}

/** Requests a second while nothing can leave: the only provider refuses connections and is blocked at once. */
async function accept() {
  const { server, key } = await installation(await freePort());
  for (const clients of [1, 16, 64]) {
    const result = await wrk(server, key, { clients, duration: seconds });
    console.log(`accept, 2 KB, ${String(clients).padStart(3)} clients: ${result}`);
  }
  console.log(`  ${await residentMemory(server)} MB resident with ${await waiting(server)} messages waiting`);
  await server.stop();
}

/** Messages a second from the first request until the queue is empty, some time after the last one. */
async function deliver() {
  const port = await freePort();
  const sink = start('smtp-sink', ['-u', process.env.USER ?? 'root', '-c', `127.0.0.1:${port}`, '1024'], { stdio: 'ignore' });
  t.after(() => sink.kill('SIGKILL'));
  const { server, key } = await installation(port);
  const began = Date.now();
  const load = await wrk(server, key, { clients: 32, duration: seconds });
  const accepted = (Date.now() - began) / 1000;
  while ((await waiting(server)) > 0) await new Promise((resolve) => setTimeout(resolve, 100));
  const took = (Date.now() - began) / 1000;
  console.log(`deliver, 2 KB: ${load}`);
  console.log(`  accepting took ${accepted.toFixed(1)} s, all delivered after ${took.toFixed(1)} s`);
  const sent = await sql(server, "SELECT count(*) FROM messages WHERE status = 'sent'");
  console.log(`  ${sent} sent: ${(sent / took).toFixed(0)} messages a second end to end`);
  await server.stop();
}

async function memory() {
  const { server } = await installation(await freePort());
  console.log(`memory: ${await residentMemory(server)} MB resident when idle`);
  await server.stop();
}

/** A server with one team, one key, and one SMTP provider on this port. */
async function installation(smtpPort) {
  const server = await startServer(t, {
    dataFolder: await mkdtemp(join(folder, 'data-')),
    env: { SENDMUX_RATE_LIMIT: '1000000000', SENDMUX_LOG: 'error' },
  });
  const form = async (path, fields, cookie) => {
    const response = await fetch(server.url + path, {
      method: 'POST',
      redirect: 'manual',
      body: new URLSearchParams(fields),
      headers: { 'sec-fetch-site': 'same-origin', accept: 'text/html', ...(cookie ? { cookie } : {}) },
    });
    if (response.status >= 400) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response;
  };
  const signedUp = await form('/fn/sign_up', {
    name: 'Bench', email: 'bench@example.com', password: 'correct horse battery', team_name: 'Bench',
  });
  const cookie = signedUp.headers.getSetCookie().map((line) => line.split(';')[0]).join('; ');
  await form('/fn/save_provider', { name: 'Sink', host: '127.0.0.1', port: String(smtpPort), security: 'none' }, cookie);
  const { code, output } = await run(process.env.SENDMUX_BIN, ['key', 'create', '--team', 'bench'], {
    env: { ...process.env, SENDMUX_DATA_DIR: server.dataFolder, ...(server.databaseUrl ? { DATABASE_URL: server.databaseUrl } : {}) },
  });
  const key = /smx_live_\w+/.exec(output)?.[0];
  if (code !== 0 || !key) throw new Error(`no key: ${output}`);
  return { server, key };
}

async function wrk(server, key, { clients, duration }) {
  const script = join(folder, 'post.lua');
  const body = JSON.stringify({
    from: { email: 'sender@example.com', name: 'Sender' },
    to: { email: 'recipient@example.net' },
    subject: 'A message of about two kilobytes',
    text_body: 'Lorem ipsum dolor sit amet, consectetur adipiscing.\n'.repeat(36),
  });
  await writeFile(script, `wrk.method = "POST"\nwrk.body = [==[${body}]==]\nwrk.headers["Content-Type"] = "application/json"\n` +
    `wrk.headers["Authorization"] = "Bearer ${key}"\n`);
  const { output } = await run('wrk', ['-t2', `-c${Math.max(2, clients)}`, `-d${duration}s`, '--latency', '-s', script, `${server.url}/api/v1/emails/send`], { timeout: 700_000 });
  const rate = /Requests\/sec:\s+([\d.]+)/.exec(output)?.[1];
  const p50 = /50%\s+(\S+)/.exec(output)?.[1];
  const p99 = /99%\s+(\S+)/.exec(output)?.[1];
  const bad = /Non-2xx or 3xx responses: (\d+)/.exec(output)?.[1] ?? 0;
  return `${rate} requests/s, p50 ${p50}, p99 ${p99}, ${bad} refused`;
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

async function residentMemory(server) {
  const status = await readFile(`/proc/${server.pid}/status`, 'utf8');
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)[1]) / 1024);
}
