// Databases for scenarios, in the PostgreSQL server that SENDMUX_TEST_POSTGRES_URL names.

import { randomBytes } from 'node:crypto';

import { run } from './process.mjs';

/** Creates an empty database, dropped with the scenario, and returns its URL. */
export async function createDatabase(t) {
  const name = `e2e_${randomBytes(6).toString('hex')}`;
  await query(serverUrl(), `create database ${name}`);
  t.after(() => query(serverUrl(), `drop database ${name} with (force)`));
  const url = new URL(serverUrl());
  url.pathname = `/${name}`;
  return url.href;
}

/** Runs SQL and returns the rows, each a list of texts. */
export async function query(url, sql) {
  const separator = '\u001f';
  const { code, output } = await run('psql', [
    ...['--no-psqlrc', '--quiet', '--tuples-only', '--no-align', '--set=ON_ERROR_STOP=1'],
    ...['--field-separator', separator, '--command', sql, url],
  ]);
  if (code !== 0) throw new Error(`psql: ${output}`);
  return output
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split(separator));
}

function serverUrl() {
  const url = process.env.SENDMUX_TEST_POSTGRES_URL;
  if (!url) throw new Error('SENDMUX_TEST_POSTGRES_URL is not set: run the scenarios with `make test`');
  return url;
}
