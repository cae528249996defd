// Measures SMTP submission beside Postfix: one message a connection, STARTTLS and AUTH, by new clients. Both sync every
// message to disk before they answer, and neither can send it on: ours has a provider that refuses connections, Postfix puts
// everything on hold. Part of bench.mjs.

import { chmod, chown, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { until } from './lib/assert.mjs';
import { residentMemory, startInstallation } from './lib/installation.mjs';
import { havePostfix, startPostfix } from './lib/postfix.mjs';
import { freePort, run, start } from './lib/process.mjs';
import { certificate } from './lib/tls.mjs';

const CLIENTS = 20;
const HELD = 5_000;
const SIZES = [2, 100];

/** Rounds in turn, so that both see the same machine. */
export async function smtp(t, folder, seconds) {
  const env = {
    SENDMUX_SMTP_MAX_CONNECTIONS: String(HELD * 2),
    SENDMUX_SMTP_MAX_CONNECTIONS_PER_ADDRESS: String(HELD * 2),
  };
  const { server, key } = await startInstallation(t, folder, await freePort(), env);
  const ours = { name: 'sendmux', port: server.smtpPort, user: 'x', password: key };
  const theirs = havePostfix ? await postfix(t) : null;
  for (const size of SIZES) {
    const rate = {};
    for (const target of [theirs, ours]) {
      if (!target) continue;
      const result = await load(target, { seconds, size: size * 1024 });
      rate[target.name] = result.rate;
      console.log(`smtp, ${size} KB, ${CLIENTS} clients, ${target.name}: ${say(result)}`);
    }
    if (theirs) console.log(`  ${(rate.sendmux / rate.postfix).toFixed(1)} times Postfix`);
  }
  const before = await residentMemory(server);
  const held = start(generator(), ['hold', ...to(ours), '--clients', String(HELD)], { stdio: ['pipe', 'pipe', 'inherit'] });
  let output = '';
  held.stdout.setEncoding('utf8').on('data', (text) => {
    output += text;
  });
  const answer = await until(() => /\{.*\}/.exec(output)?.[0], { timeout: 120_000, what: `${HELD} connections are open` });
  const grown = (await residentMemory(server)) - before;
  console.log(`smtp, ${HELD} connections logged in and held, opened at ${JSON.parse(answer).rate}/s: ${grown} MB more, ${((grown * 1024) / HELD).toFixed(1)} KB each`);
  for (const clients of [1, CLIENTS]) {
    console.log(`smtp, 2 KB, ${clients} more clients: ${say(await load(ours, { seconds, size: 2_048, clients }))}`);
  }
  held.stdin.end();
  await server.stop();
}

function say({ sent, rate, p50, p99, failed }) {
  return `${rate.toFixed(0)} messages/s, p50 ${p50}ms, p99 ${p99}ms, ${sent} sent, ${failed} failed`;
}

async function load(target, { seconds, size, clients = CLIENTS }) {
  const { code, stdout, output } = await run(
    generator(),
    ['send', ...to(target), '--clients', String(clients), '--seconds', String(seconds), '--size', String(size)],
    { timeout: 700_000 },
  );
  if (code !== 0) throw new Error(`the load generator failed: ${output}`);
  const result = JSON.parse(stdout);
  if (result.sent === 0) throw new Error(`nothing was sent: ${output}`);
  return result;
}

/** The load generator (load/), built beside the server. */
function generator() {
  return join(dirname(process.env.SENDMUX_BIN), 'smtp-load');
}

function to({ port, user, password }) {
  return [`127.0.0.1:${port}`, '--user', user, '--password', password];
}

/** Postfix as a submission server, its users in a sasldb. */
async function postfix(t) {
  const sasl = await t.temporaryFolder();
  await chmod(sasl, 0o755);
  const database = join(sasl, 'sasldb2');
  const { code, output } = await run('saslpasswd2', ['-p', '-c', '-f', database, '-u', 'relay.example', 'bench'], { input: 'a password' });
  if (code !== 0) throw new Error(`saslpasswd2: ${output}`);
  await chown(database, Number((await run('id', ['-u', 'postfix'])).output), 0);
  const { key, cert } = await certificate();
  await writeFile(join(sasl, 'chain.pem'), key + cert);
  const { port } = await startPostfix(t, {
    files: {
      // Where Debian's Postfix looks for it.
      'sasl/smtpd.conf': `pwcheck_method: auxprop\nauxprop_plugin: sasldb\nmech_list: PLAIN LOGIN\nsasldb_path: ${database}\n`,
    },
    smtpd: {
      smtpd_tls_security_level: 'encrypt',
      smtpd_tls_chain_files: join(sasl, 'chain.pem'),
      smtpd_tls_auth_only: 'yes',
      smtpd_sasl_auth_enable: 'yes',
      smtpd_sasl_path: 'smtpd',
      smtpd_sasl_local_domain: 'relay.example',
      smtpd_relay_restrictions: 'permit_sasl_authenticated, reject',
      smtpd_data_restrictions: 'check_client_access static:HOLD',
    },
  });
  return { name: 'postfix', port, user: 'bench', password: 'a password' };
}
