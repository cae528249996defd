// A client that a public generator (@hey-api/openapi-ts) makes from the published documents works at /sdk/v1: it is
// generated and compiled without a word, and checks every answer by the schemas it was generated with.

import { symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { email } from '../lib/api.mjs';
import { assert, until } from '../lib/assert.mjs';
import { signUp } from '../lib/dashboard.mjs';
import { run as execute } from '../lib/process.mjs';
import { documents } from '../lib/reference.mjs';
import { command, startServer } from '../lib/server.mjs';
import { startSink } from '../lib/sink.mjs';

const modules = fileURLToPath(new URL('../node_modules/', import.meta.url));

export const name = 'a client generated from the published documents';
export const seconds = 240;

export async function run(t) {
  const server = await startServer(t);
  await signUp(server);
  const { stdout } = await command(server.dataFolder, ['key', 'create', '--team', 'acme', '--permissions', 'send,read,manage']);
  const folder = await t.temporaryFolder();
  // Not every operation of the documents says what kind of authentication it means: users of such a client give the header.
  const at = { baseUrl: `${server.url}/sdk/v1`, headers: { authorization: `Bearer ${stdout.trim()}` } };
  const sending = await generated(folder, 'sending', at);
  const management = await generated(folder, 'management', at);
  const sink = await startSink(t);

  await whose(sending, management);
  const provider = await providers(management, sink);
  const ids = await sends(sending);
  await pages(management, ids, provider);
  await numbers(management, provider);
  await refusals(server, folder, sending, management);
  await narrowed(server, { key: stdout.trim(), provider, sending, management });
  await gone(management, provider);
}

/** Generates, compiles and loads the client of a document. What it is called with is what the document says. */
async function generated(folder, document, settings) {
  const out = join(folder, document);
  const generator = await execute(process.execPath, ['--input-type=module', '--eval', `
    import { createClient } from '@hey-api/openapi-ts';
    await createClient({
      input: ${JSON.stringify(documents[document])},
      output: { path: ${JSON.stringify(out)}, module: { extension: '.ts' } },
      plugins: ['@hey-api/client-fetch', 'zod', { name: '@hey-api/sdk', validator: { response: true } }],
      logs: { level: 'warn' },
    });
  `], { cwd: fileURLToPath(new URL('../', import.meta.url)), timeout: 60_000 });
  assert.equal(generator.code, 0, generator.output);
  assert.doesNotMatch(generator.output, /warn|error|fail|deprecat|⚠|❌/i, 'the generator has nothing to warn of');
  await symlink(modules, join(out, 'node_modules'));
  const compiler = await execute(process.execPath, [
    createRequire(import.meta.url).resolve('typescript/lib/tsc.js'), join(out, 'index.ts'), join(out, 'client.gen.ts'),
    ...['--outDir', join(out, 'js'), '--target', 'es2022', '--module', 'esnext', '--moduleResolution', 'bundler', '--strict'],
    ...['--rewriteRelativeImportExtensions', '--skipLibCheck', '--lib', 'es2022,dom,dom.iterable'],
  ], { timeout: 120_000 });
  assert.deepEqual([compiler.code, compiler.output], [0, ''], 'nor has the compiler');
  const load = (file) => import(pathToFileURL(join(out, 'js', file)));
  const { client } = await load('client.gen.js');
  client.setConfig({ ...settings, throwOnError: true });
  client.interceptors.error.use((error, response, request, options) =>
    options.throwOnError ? new Error(`${request?.url}: ${response?.status} ${JSON.stringify(error)}`, { cause: error }) : error);
  return load('index.js');
}

/** Both clients learn whose the key is, and are not told twice. */
async function whose(sending, management) {
  for (const ask of [sending.sendingGetConnection, management.managementGetConnection]) {
    const { data: { data }, response } = await ask();
    assert.deepEqual([data.team.name, data.credential.type, [...data.permissions].sort()], ['Acme', 'api_key', ['manage', 'read', 'send']]);
    const again = await ask({ headers: { 'If-None-Match': response.headers.get('etag') }, throwOnError: false });
    assert.equal(again.response.status, 304);
  }
}

/** A message goes through the group that it names, and its log says so. */
async function narrowed(server, { key, provider, sending, management }) {
  const headers = { authorization: `Bearer ${key}` };
  await management.managementActivateProvider({ path: { public_id: provider.id } });
  const json = { name: 'Named', members: [{ provider: provider.id }] };
  const group = await (await server.fetch('/api/v1/groups', { json, headers })).json();
  assert.match(group.id, /^dgrp_[a-z0-9]{24}$/);
  for (const named of [group.id, [group.id]]) {
    const body = { ...email({ subject: 'Grouped' }), html_body: '<p>Hi</p>', delivery_group: named };
    const { data: { data: { message_id: id } } } = await sending.sendingSendEmail({ body });
    const { data: { data: log } } = await management.managementGetEmailLog({ path: { public_id: id } });
    assert.deepEqual(log.delivery_group, [group.id]);
    const cancelled = await server.fetch(`/api/v1/messages/${id}/cancel`, { method: 'POST', headers });
    assert.ok([200, 409].includes(cancelled.status));
  }
  const { error, response } = await sending.sendingSendEmail({
    body: { ...email(), html_body: '<p>Hi</p>', delivery_group: `dgrp_${'a'.repeat(24)}` },
    throwOnError: false,
  });
  assert.deepEqual([response.status, error.error.param], [422, 'delivery_group']);
}

/** Adds, changes, switches and tests a provider; returns it. */
async function providers(api, sink) {
  const body = {
    name: 'Sink', smtp_host: '127.0.0.1', smtp_port: sink.port, smtp_protocol: 'none', smtp_username: 'u', smtp_password: 'p',
    percentage: 40, quotas: { per_minute: { min: 1, max: 600 }, per_day: 5_000 }, variables: { list_name: 'News' },
  };
  const created = await api.managementCreateProvider({ body });
  assert.equal(created.response.status, 201);
  const provider = created.data.data;
  const path = { public_id: provider.id };
  assert.deepEqual(provider.quotas.per_day, { min: 5_000, max: 5_000 });
  assert.deepEqual([provider.variables, provider.allowed_actions.update_variables], [{ list_name: 'News' }, true]);
  const changed = await api.managementUpdateProvider({ path, body: { name: 'Renamed', percentage: 50 } });
  assert.deepEqual([changed.data.data.name, changed.data.data.percentage], ['Renamed', 50]);
  for (const [act, active] of [[api.managementDeactivateProvider, false], [api.managementActivateProvider, true]]) {
    assert.equal((await act({ path })).data.data.is_active, active);
  }
  const tested = await api.managementTestProvider({ path });
  // The sink wants no login, which a provider with a password must have.
  assert.equal(tested.data.data.success, false);
  assert.equal((await api.managementGetProvider({ path })).data.data.id, provider.id);

  const seen = [];
  let query = { limit: 1 };
  do {
    const { data: page } = await api.managementListProviders({ query });
    seen.push(...page.data.map(({ id }) => id));
    query = page.pagination.has_more ? { limit: 1, cursor: page.pagination.next_cursor } : null;
  } while (query);
  assert.equal(new Set(seen).size, seen.length);
  assert.ok(seen.includes(provider.id));
  assert.deepEqual((await api.managementListProviders({ query: { type: 'gmail_api' } })).data.data, []);
  // Off, so that the managed route takes what is sent now.
  await api.managementDeactivateProvider({ path });
  return provider;
}

/** Sends one by one and in a batch; returns the ids of what was queued. */
async function sends(api) {
  const message = (number) => ({ ...email({ subject: `Number ${number}` }), html_body: '<p>Hi</p>' });
  const ids = [];
  const headers = { 'Idempotency-Key': 'only once' };
  for (let turn = 0; turn < 2; turn += 1) {
    const { data, response } = await api.sendingSendEmail({ body: message(0), headers });
    assert.equal(response.status, 200);
    if (turn === 1) assert.equal(response.headers.get('idempotent-replayed'), 'true');
    ids.push(data.data.message_id);
  }
  assert.equal(new Set(ids).size, 1);
  const messages = [message(1), { ...message(2), to: { email: 'nobody' } }, message(3), message(4)];
  const { data: { data } } = await api.sendingSendEmailBatch({ body: { messages } });
  assert.deepEqual(data.summary, { total: 4, queued: 3, failed: 1 });
  assert.deepEqual([data.results[1].message_id, data.results[1].error.param], [null, 'to.email']);
  return [ids[0], ...data.results.filter(({ status }) => status === 'queued').map(({ message_id: id }) => id)];
}

/** Reads the logs in pages of two until all of them are sent, then each alone. */
async function pages(api, ids) {
  const read = async () => {
    const items = [];
    let cursor;
    do {
      const { data: page } = await api.managementListEmailLogs({ query: { limit: 2, status: 'sent', ...(cursor ? { cursor } : {}) } });
      items.push(...page.data);
      cursor = page.pagination.next_cursor;
    } while (cursor);
    return items;
  };
  const items = await until(async () => ((list) => list.length === ids.length && list)(await read()), { what: 'all are sent' });
  assert.deepEqual(items.map(({ id }) => id).sort(), [...ids].sort());
  for (const id of ids) {
    const { data: { data } } = await api.managementGetEmailLog({ path: { public_id: id } });
    assert.deepEqual([data.status, data.recipients.map(({ status }) => status)], ['sent', ['accepted']]);
  }
  for (const query of [{ search: 'Number 3' }, { status: 'pending' }, { from_date: '2020-01-01', to_date: '2020-01-02' }]) {
    const { data: page } = await api.managementListEmailLogs({ query });
    assert.equal(page.data.length, query.search ? 1 : 0, JSON.stringify(query));
  }
}

async function numbers(api, provider) {
  for (const query of [{}, { window: '7d' }, { window: '30d', granularity: 'daily' }, { provider_id: provider.id }]) {
    const { data: { data } } = await api.managementGetEmailMetrics({ query });
    assert.ok(data.timeseries.length > 0);
    assert.equal(data.summary.total, query.provider_id ? 0 : 4, JSON.stringify(query));
  }
  const { data: { data: stats } } = await api.managementGetProviderStats();
  assert.deepEqual([stats.by_type.smtp, stats.by_status.inactive], [1, 1]);
  const { data: { data: usage } } = await api.managementGetProviderUsage();
  assert.ok(usage.providers.some(({ provider_id: id }) => id === provider.id));
  const { data: { data: limits } } = await api.managementGetProviderLimits();
  assert.equal(limits.sending_accounts.usage, 1);
}

/** Errors are those of the document, too: the generated schemas read them. */
async function refusals(server, folder, sending, management) {
  const schemas = (document) => import(pathToFileURL(join(folder, document, 'js', 'zod.gen.js')));
  const { zErrorResponse } = await schemas('sending');
  const { zApiError } = await schemas('management');
  const nobody = { headers: { authorization: 'Bearer smx_live_nobody' } };
  for (const [call, schema, status, code] of [
    [sending.sendingSendEmail({ body: {}, throwOnError: false }), zErrorResponse, 400, 'missing_parameter'],
    [sending.sendingSendEmailBatch({ body: { messages: [] }, throwOnError: false }), zErrorResponse, 422, 'validation_error'],
    [sending.sendingSendEmail({ body: {}, throwOnError: false, ...nobody }), zErrorResponse, 401, 'authentication_required'],
    [management.managementListProviders({ throwOnError: false, ...nobody }), zApiError, 401, 'authentication_required'],
    [management.managementGetProvider({ path: { public_id: 'prv_nothing' }, throwOnError: false }), zApiError, 404, 'not_found'],
    [management.managementCreateProvider({ body: {}, throwOnError: false }), zApiError, 400, 'validation_error'],
    [management.managementRequestSendingAccountLimitIncrease({ throwOnError: false }), zApiError, 409, 'conflict'],
  ]) {
    const { error, response } = await call;
    assert.deepEqual([response.status, schema.parse(error).error.code], [status, code], response.url);
  }
}

async function gone(api, provider) {
  const path = { public_id: provider.id };
  assert.deepEqual((await api.managementDeleteProvider({ path })).data.data, { deleted: true, id: provider.id });
  assert.equal((await api.managementGetProvider({ path, throwOnError: false })).response.status, 404);
}
