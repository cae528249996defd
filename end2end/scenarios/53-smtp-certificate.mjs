// The certificate of SMTP submission is the operator's, and a new one is shown without a restart. A port can be switched
// off.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';

import { assert, until } from '../lib/assert.mjs';
import { run as command } from '../lib/process.mjs';
import { startServer } from '../lib/server.mjs';

export const name = 'SMTP submission: certificates';

export async function run(t) {
  const folder = await t.temporaryFolder();
  const files = { SENDMUX_TLS_CERT: join(folder, 'cert.pem'), SENDMUX_TLS_KEY: join(folder, 'key.pem') };
  await make(files, 'first.example');
  const server = await startServer(t, { env: { ...files, SENDMUX_SMTP_ADDR: 'off' } });
  assert.equal(await shown(server), 'first.example');
  await assert.rejects(
    new Promise((resolve, reject) => connect(server.smtpPort, '127.0.0.1', resolve).on('error', reject)),
    /ECONNREFUSED/,
  );

  await writeFile(files.SENDMUX_TLS_CERT, 'half a cert');
  await server.logged(/kept the old certificate/, { timeout: 20_000 });
  assert.equal(await shown(server), 'first.example');
  await make(files, 'second.example');
  await until(async () => (await shown(server)) === 'second.example', { timeout: 20_000, what: 'the new certificate' });
}

async function make(files, host) {
  const { code, output } = await command('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '30'],
    ...['-subj', `/CN=${host}`, '-keyout', files.SENDMUX_TLS_KEY, '-out', files.SENDMUX_TLS_CERT],
  ]);
  assert.equal(code, 0, output);
}

/** The name in the certificate that a new connection is shown. */
function shown(server) {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ host: '127.0.0.1', port: server.smtpsPort, rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().subject.CN);
      socket.destroy();
    });
    socket.on('error', reject);
  });
}
