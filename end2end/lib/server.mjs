// The real binary, on free ports, with a data folder of its own.

import { access } from 'node:fs/promises';
import { constants } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { until } from './assert.mjs';
import { createDatabase } from './postgres.mjs';
import { freePort, run, start } from './process.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));
const LOG_LINES_KEPT = 5_000;

/**
 * Starts the server and waits until it is healthy; it is killed with the scenario at the latest.
 *
 * Options:
 *   env           more settings, as environment variables
 *   databaseUrl   a database to share with another node; otherwise the scenario's kind decides (t.database)
 *   dataFolder    a data folder to use; otherwise an empty one
 *   seconds       how long it may take to become healthy, 30 unless told
 */
export async function startServer(t, options = {}) {
  const server = await makeServer(t, options);
  await server.start();
  return server;
}

/** As `startServer`, but leaves the starting to the caller. */
export async function makeServer(t, options = {}) {
  const server = new Server({
    dataFolder: options.dataFolder ?? (await t.temporaryFolder()),
    databaseUrl: options.databaseUrl ?? (t.database === 'postgres' ? await createDatabase(t) : null),
    env: options.env ?? {},
    seconds: options.seconds ?? 30,
  });
  t.after(() => server.kill());
  t.onFailure(() => server.tail());
  return server;
}

/**
 * Runs a command of the binary (`['user', 'create', …]`) to its end, in `folder` and on the data there. Options: `env`,
 * `databaseUrl`, `input`, `timeout`. Returns what `run` does.
 */
export async function command(folder, args, { env = {}, databaseUrl = null, input, timeout } = {}) {
  return run(binary(), args, { env: environment(folder, databaseUrl, env), cwd: folder, input, timeout });
}

function binary() {
  return process.env.SENDMUX_BIN ?? join(root, 'target/debug/sendmux');
}

/** Nothing of the developer's own settings gets in. */
function environment(dataFolder, databaseUrl, more) {
  return {
    PATH: process.env.PATH,
    HOME: dataFolder,
    RUST_BACKTRACE: '1',
    SENDMUX_DATA_DIR: dataFolder,
    SENDMUX_SITE_ROOT: process.env.SENDMUX_SITE_ROOT ?? join(root, 'target/site'),
    SENDMUX_METRICS_ADDR: 'off',
    ...(databaseUrl ? { DATABASE_URL: databaseUrl } : {}),
    ...more,
  };
}

class Server {
  #child = null;
  #exited = Promise.resolve();

  constructor(settings) {
    Object.assign(this, settings);
    this.port = 0;
    /** The ports of SMTP submission: with STARTTLS, and with implicit TLS. */
    this.smtpPort = 0;
    this.smtpsPort = 0;
    /** The port of the metrics. */
    this.metricsPort = 0;
    this.lines = [];
  }

  /** Starts it on the data and the ports it had, and waits for GET /healthz to answer 200. */
  async start() {
    await access(binary(), constants.X_OK);
    this.port ||= await freePort();
    this.smtpPort ||= await freePort();
    this.smtpsPort ||= await freePort();
    this.metricsPort ||= await freePort();
    this.url = `http://127.0.0.1:${this.port}`;
    const child = start(binary(), ['serve'], {
      cwd: this.dataFolder,
      env: environment(this.dataFolder, this.databaseUrl, {
        SENDMUX_HTTP_ADDR: `127.0.0.1:${this.port}`,
        SENDMUX_SMTP_ADDR: `127.0.0.1:${this.smtpPort}`,
        SENDMUX_SMTPS_ADDR: `127.0.0.1:${this.smtpsPort}`,
        SENDMUX_METRICS_ADDR: `127.0.0.1:${this.metricsPort}`,
        SENDMUX_PUBLIC_URL: this.url,
        ...this.env,
      }),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    this.#exited = new Promise((resolve) => {
      child.once('close', (code, signal) => {
        if (this.#child === child) this.#child = null;
        this.lines.push(`-- ended: ${signal ?? `exit code ${code}`}`);
        resolve({ code, signal });
      });
    });
    this.#keepLines(child.stdout);
    this.#keepLines(child.stderr);

    let gone = null;
    this.#exited.then((how) => {
      gone = how;
    });
    const healthy = await until(
      async () => gone ?? (await fetch(`${this.url}/healthz`, { signal: AbortSignal.timeout(2_000) })).status === 200,
      { timeout: this.seconds * 1000, what: 'the server is healthy' },
    );
    if (healthy !== true) throw new Error(`the server ended while starting (${JSON.stringify(healthy)})`);
  }

  /** The process's id while it runs. */
  get pid() {
    return this.#child?.pid;
  }

  /** Asks it to stop, as a service manager does, and fails if it has not within 20 s. Returns { code, signal }. */
  async stop() {
    if (!this.#child) return this.#exited;
    this.#child.kill('SIGTERM');
    const exited = this.#exited;
    let timer;
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error('the server did not stop within 20 s of SIGTERM')), 20_000);
    });
    return Promise.race([exited, late]).finally(() => clearTimeout(timer));
  }

  /** Waits until it has ended by itself. Returns { code, signal }. */
  async ended({ timeout = 20_000 } = {}) {
    let timer;
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error(`the server has not ended within ${timeout} ms`)), timeout);
    });
    return Promise.race([this.#exited, late]).finally(() => clearTimeout(timer));
  }

  /** kill -9: what a crash or a power cut leaves behind, as far as a process can tell. */
  async kill() {
    this.#child?.kill('SIGKILL');
    return this.#exited;
  }

  /** The last lines that it logged, as one text. */
  tail(count = 40) {
    return [`-- last lines of the server on port ${this.port}:`, ...this.lines.slice(-count)].join('\n');
  }

  /** Waits for a line of its log that matches, and returns the match. */
  async logged(pattern, options) {
    return until(() => this.lines.map((line) => pattern.exec(line)).find(Boolean), { what: `a log line like ${pattern}`, ...options });
  }

  /** What Prometheus would read now. */
  async metrics() {
    const response = await fetch(`http://127.0.0.1:${this.metricsPort}/metrics`);
    if (response.status !== 200) throw new Error(`/metrics: ${response.status}`);
    return response.text();
  }

  /** One request; `path` begins with a slash. A `json` option is sent as the body. Returns the Response. */
  async fetch(path, { json, headers = {}, ...options } = {}) {
    if (json !== undefined) {
      return fetch(this.url + path, {
        method: 'POST',
        body: JSON.stringify(json),
        headers: { 'content-type': 'application/json', ...headers },
        ...options,
      });
    }
    return fetch(this.url + path, { headers, ...options });
  }

  #keepLines(stream) {
    let rest = '';
    stream.setEncoding('utf8').on('data', (text) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop();
      this.lines.push(...lines);
      if (this.lines.length > LOG_LINES_KEPT) this.lines.splice(0, this.lines.length - LOG_LINES_KEPT);
    });
    stream.on('end', () => {
      if (rest) this.lines.push(rest);
    });
  }
}

/** Starts two nodes on one database, with quick retries and no rate limit in the way; `env` is what both were given. */
export async function startTwoNodes(t) {
  const env = {
    SENDMUX_RETRY_DELAYS: '1s,1s,1s',
    SENDMUX_RATE_LIMIT: '10000000',
    SENDMUX_SECRET_KEY: Buffer.alloc(32, 7).toString('base64'),
  };
  const first = await startServer(t, { env: { ...env, SENDMUX_NODE_NAME: 'first' } });
  const second = await startServer(t, { databaseUrl: first.databaseUrl, env: { ...env, SENDMUX_NODE_NAME: 'second' } });
  return { first, second, env };
}
