// A Postfix of its own: configuration, queue and ports in a temporary folder. It has to be started as root.

import { chmod, chown, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { until } from './assert.mjs';
import { freePort, run, start } from './process.mjs';

/** Whether a Postfix can be started here. */
export const havePostfix = process.getuid?.() === 0;

/**
 * Starts Postfix and stops it with the scenario. It takes mail on `port` of 127.0.0.1; `lines()` reads its log.
 *
 * Options:
 *   settings   more lines of main.cf, as an object
 *   smtpd      settings of the listening service alone, as an object
 *   files      files beside main.cf, by their paths from there
 */
export async function startPostfix(t, { settings = {}, smtpd = {}, files = {} } = {}) {
  const folder = await t.temporaryFolder();
  // Its daemons run as another user.
  await chmod(folder, 0o755);
  const etc = join(folder, 'etc');
  const [spool, data] = [join(folder, 'spool'), join(folder, 'data')];
  const log = join(folder, 'mail.log');
  for (const path of [etc, spool, data]) await mkdir(path);
  const { output: uid } = await run('id', ['-u', 'postfix']);
  await chown(data, Number(uid), 0);
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(etc, name)), { recursive: true });
    await writeFile(join(etc, name), content);
  }
  const port = await freePort();
  await writeFile(join(etc, 'main.cf'), lines({
    compatibility_level: '3.6',
    queue_directory: spool,
    data_directory: data,
    maillog_file: log,
    maillog_file_prefixes: folder,
    myhostname: 'relay.example',
    inet_interfaces: 'loopback-only',
    inet_protocols: 'ipv4',
    mynetworks: '127.0.0.0/8',
    mydestination: '',
    // localhost is in no DNS.
    smtp_host_lookup: 'native',
    message_size_limit: '40000000',
    // A client is as fast as it likes.
    smtpd_client_connection_count_limit: '0',
    ...settings,
  }));
  const options = Object.entries(smtpd).map(([name, value]) => `\n  -o { ${name} = ${value} }`);
  await writeFile(join(etc, 'master.cf'), `127.0.0.1:${port} inet n - n - - smtpd${options.join('')}\n${SERVICES}`);

  const child = start('postfix', ['-c', etc, 'start-fg'], { stdio: 'ignore' });
  const gone = new Promise((resolve) => child.once('close', resolve));
  t.after(async () => {
    await run('postfix', ['-c', etc, 'abort']);
    await gone;
  });
  const postfix = { port, etc, lines: async () => (await readFile(log, 'utf8').catch(() => '')).split('\n') };
  t.onFailure(async () => ['-- last lines of Postfix:', ...(await postfix.lines()).slice(-40)].join('\n'));
  const started = async () => (await postfix.lines()).some((line) => /daemon started/.test(line));
  await until(started, { what: 'Postfix has started' });
  return postfix;
}

function lines(settings) {
  return Object.entries(settings).map(([name, value]) => `${name} = ${value}\n`).join('');
}

// What Debian's master.cf has, without chroot.
const SERVICES = `
pickup    unix  n       -       n       60      1       pickup
cleanup   unix  n       -       n       -       0       cleanup
qmgr      unix  n       -       n       300     1       qmgr
tlsmgr    unix  -       -       n       1000?   1       tlsmgr
rewrite   unix  -       -       n       -       -       trivial-rewrite
bounce    unix  -       -       n       -       0       bounce
defer     unix  -       -       n       -       0       bounce
trace     unix  -       -       n       -       0       bounce
verify    unix  -       -       n       -       1       verify
flush     unix  n       -       n       1000?   0       flush
proxymap  unix  -       -       n       -       -       proxymap
smtp      unix  -       -       n       -       -       smtp
relay     unix  -       -       n       -       -       smtp
showq     unix  n       -       n       -       -       showq
error     unix  -       -       n       -       -       error
retry     unix  -       -       n       -       -       error
discard   unix  -       -       n       -       -       discard
anvil     unix  -       -       n       -       1       anvil
scache    unix  -       -       n       -       1       scache
postlog   unix-dgram n  -       n       -       1       postlogd
`;
