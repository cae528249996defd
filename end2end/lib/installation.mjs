// An installation for benchmarks: a server that is set up to send.

import { mkdtemp, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { run } from './process.mjs';
import { startServer } from './server.mjs';

/**
 * A server with one team, one key, and one SMTP provider on `smtpPort`; its data is in a folder beneath `folder`. Returns
 * `{ server, key }`.
 */
export async function startInstallation(t, folder, smtpPort, env = {}) {
  const server = await startServer(t, {
    dataFolder: await mkdtemp(join(folder, 'data-')),
    env: { SENDMUX_RATE_LIMIT: '1000000000', SENDMUX_LOG: 'error', ...env },
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

/** Megabytes of memory that the server's process holds. */
export async function residentMemory(server) {
  const status = await readFile(`/proc/${server.pid}/status`, 'utf8');
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)[1]) / 1024);
}
