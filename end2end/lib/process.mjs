// Running other programs.

import { spawn } from 'node:child_process';
import { createServer } from 'node:net';

const running = new Set();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Starts a program that is killed with this process at the latest. */
export function start(command, args, options) {
  const child = spawn(command, args, options);
  running.add(child);
  child.once('exit', () => running.delete(child));
  child.once('error', () => running.delete(child));
  return child;
}

/**
 * Runs a program to its end and returns `{ code, output, stdout }`; `output` is both of its streams, as they came. Does
 * not fail for an exit code; fails when it is not over after `timeout` milliseconds.
 */
export function run(command, args, { input, timeout = 30_000, env = process.env, cwd } = {}) {
  return new Promise((resolve, reject) => {
    const child = start(command, args, { env, cwd, stdio: ['pipe', 'pipe', 'pipe'] });
    let output = '';
    let stdout = '';
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`${command} was not over after ${timeout} ms:\n${output}`));
    }, timeout);
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        output += text;
        if (stream === child.stdout) stdout += text;
      });
    }
    child.once('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.once('close', (code) => {
      clearTimeout(timer);
      resolve({ code, output, stdout });
    });
    // A program that does not read its input is no fault of the test.
    child.stdin.on('error', () => {});
    child.stdin.end(input);
  });
}

/** Sends a message with swaks, Debian's SMTP client, and returns `{ code, output }`; code 0 says it was accepted. */
export function swaks(port, args, options) {
  return run('swaks', ['--server', '127.0.0.1', '--port', String(port), '--timeout', '10', '--suppress-data', ...args], options);
}

/** Ports that were given out: whoever got one may not listen on it yet, and the system may name it once more. */
const given = new Set();

/** A TCP port of this machine that was free a moment ago, another one each time. */
export async function freePort() {
  let port = await probePort();
  while (given.has(port)) port = await probePort();
  given.add(port);
  return port;
}

function probePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}
