// schemathesis (property tests made from an OpenAPI document) against /api/v1 by its own document, and against /sdk/v1 by
// the published ones. The run is the same every time; `make test-long` tries more, and other things each time.

import { mkdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { email } from '../lib/api.mjs';
import { assert } from '../lib/assert.mjs';
import { signUp } from '../lib/dashboard.mjs';
import { freePort } from '../lib/process.mjs';
import { python } from '../lib/python.mjs';
import { documents, later, operations } from '../lib/reference.mjs';
import { command, startServer } from '../lib/server.mjs';

const long = Boolean(process.env.SENDMUX_LONG_TESTS);
const results = fileURLToPath(new URL('../results/', import.meta.url));
const hooks = fileURLToPath(new URL('../schemathesis/hooks.py', import.meta.url));

export const name = 'every answer is as the documents say (schemathesis)';
export const seconds = long ? 1_800 : 400;

export async function run(t) {
  const server = await startServer(t, { env: { SENDMUX_RATE_LIMIT: '1000000000' } });
  const teams = [];
  for (const team of ['Acme', 'Bolt']) teams.push(await prepare(server, team));

  // Two teams by turns, so that it also sees whether one gets what is the other's.
  const auth = teams.map(({ team, key }) => ({ name: team, fixedHeaders: [{ name: 'Authorization', value: `Bearer ${key}` }] }));
  await test(t, server, teams, { document: `${server.url}/api/v1/openapi.json`, base: server.url, auth });
  for (const [name, document] of Object.entries(documents)) {
    const ids = (await operations(name)).map(({ id }) => id);
    if (ids.every((id) => later.includes(id))) continue;
    await test(t, server, teams, {
      document,
      base: `${server.url}/sdk/v1`,
      auth: auth.slice(0, 1),
      // Requests may be wider than these documents, answers not: only the checks of answers apply.
      checks: ['not_a_server_error', 'status_code_conformance', 'content_type_conformance', 'response_headers_conformance', 'response_schema_conformance'],
      without: ids.filter((id) => later.includes(id)),
    });
  }
}

/** A team with one of everything, and a key that may do everything. */
async function prepare(server, team) {
  const dashboard = await signUp(server, { name: team, email: `${team}@example.com`, team });
  const { output, stdout } = await command(server.dataFolder, ['key', 'create', '--team', team.toLowerCase(), '--permissions', 'send,read,manage,keys:write']);
  const key = /smx_live_\w+/.exec(stdout)?.[0];
  assert.ok(key, output);
  const { active } = await dashboard.call('keys');
  const make = async (path, json) => {
    const response = await server.fetch(`/api/v1/${path}`, { json, headers: { authorization: `Bearer ${key}` } });
    assert.ok(response.ok, `${path}: ${response.status}`);
    return response.json();
  };
  const messages = [];
  for (let number = 0; number < 20; number += 1) messages.push((await make('emails/send', email())).message_id);
  const providers = [];
  for (const name of ['One', 'Two']) {
    const at = { host: '127.0.0.1', port: await freePort(), security: 'none' };
    providers.push((await make('providers', { name, ...at })).id);
  }
  const groups = [(await make('groups', { name: 'Main', members: [{ provider: providers[0] }] })).id];
  const keys = [(await make('keys', { name: 'Other' })).id, active[0].id];
  return { team, key, id: active[0].id, messages, providers, groups, keys };
}

async function test(t, server, teams, { document, base, auth, checks = ['all'], without = [] }) {
  const folder = await t.temporaryFolder();
  await writeFile(join(folder, 'auth.json'), JSON.stringify({ auth }));
  await writeFile(join(folder, 'schemathesis.toml'), settings(auth, teams));
  const { code, output } = await python('schemathesis', [
    ...['--config-file', join(folder, 'schemathesis.toml'), 'run', document, '--url', base, '--checks', checks.join(',')],
    ...['--max-examples', String(long ? 300 : 50), ...(long ? [] : ['--seed', '1'])],
    ...without.flatMap((id) => ['--exclude-operation-id', id]),
  ], {
    cwd: folder,
    timeout: seconds * 1000,
    env: {
      ...process.env,
      SCHEMATHESIS_HOOKS: hooks,
      SENDMUX_OWN_KEYS: teams.map(({ id }) => id).join(','),
      SENDMUX_OTHER_KEY: teams[0].keys[0],
    },
  });
  // A report of failures leaves out the middle of long texts: all of it is in a file.
  await mkdir(results, { recursive: true });
  await writeFile(join(results, `schemathesis-${basename(document, '.json')}.txt`), output);
  if (code !== 0) throw new Error(output);
  t.log(/=+ SUMMARY =+([^]*)$/.exec(output)?.[1] ?? output);
  assert.match((await server.fetch('/healthz')).status.toString(), /^200$/);
}

/** The configuration: who asks, and the ids of what there is, to be tried as often as those that schemathesis makes up. */
function settings(auth, teams) {
  const lines = ['color = false', 'max-failures = 200', 'request-timeout = 90', '[auth.wfc]', 'path = "auth.json"'];
  if (auth.length > 1) lines.push(`peers = ${JSON.stringify(auth.map(({ name: user }) => user))}`);
  const paths = { messages: 'messages|logs', providers: 'providers', groups: 'groups', keys: 'keys' };
  for (const [things, path] of Object.entries(paths)) {
    lines.push(`[dictionaries.${things}]`, `values = ${JSON.stringify(teams.flatMap((team) => team[things]))}`);
    lines.push('[[operations]]', `include-path-regex = "/(${path})/[{]"`);
    for (const parameter of ['id', 'public_id']) lines.push(`parameters."path.${parameter}" = { dictionary = "${things}", probability = 0.5 }`);
  }
  return lines.join('\n');
}
