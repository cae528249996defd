// The dashboard without a browser: the requests of its forms and pages, for the preparations of a scenario.

import { assert } from './assert.mjs';
import { openPage } from './browser.mjs';

/** A password that is good enough for the sign-up form. */
export const PASSWORD = 'correct horse battery staple';

/** Makes an account with its team on `server`, and returns its dashboard. */
export async function signUp(server, { name = 'Ana Silva', email = 'ana@example.com', team = 'Acme' } = {}) {
  const response = await post(server, 'sign_up', { name, email, password: PASSWORD, team_name: team });
  return signedIn(server, response, email);
}

/** The dashboard of an account that exists. */
export async function signIn(server, email, password = PASSWORD) {
  return signedIn(server, await post(server, 'sign_in', { email, password, next: '' }), email);
}

/** The line of an answer that sets the cookie of the session. */
export function sessionOf(response) {
  return response.headers.getSetCookie().find((line) => line.startsWith('sendmux_session='));
}

async function signedIn(server, response, email) {
  const cookie = sessionOf(response)?.split(';')[0];
  assert.ok(cookie, `no session for ${email}: ${response.status} ${await response.text()}`);
  return new Dashboard(server, cookie);
}

/** One session at one server. */
export class Dashboard {
  constructor(server, cookie) {
    this.server = server;
    this.cookie = cookie;
  }

  /** The same session at another node. */
  at(server) {
    return new Dashboard(server, this.cookie);
  }

  /** Opens a browser's page that is signed in as this one; the options are those of `openPage`. */
  async browse(t, options = {}) {
    const page = await openPage(t, { baseURL: this.server.url, ...options });
    const [name, value] = this.cookie.split('=');
    await page.context().addCookies([{ name, value, url: this.server.url }]);
    return page;
  }

  /** A page or a file. Redirects are not followed. */
  async get(path) {
    return this.server.fetch(path, { headers: { cookie: this.cookie, accept: 'text/html' }, redirect: 'manual' });
  }

  /** Calls a server function as the pages do, and returns the Response. */
  async post(name, values = {}, headers = {}) {
    return post(this.server, name, values, { cookie: this.cookie, ...headers });
  }

  /** The same; returns what it answers, and fails when that is an error. */
  async call(name, values) {
    const response = await this.post(name, values);
    const text = await response.text();
    assert.equal(response.status, 200, `${name}: ${text}`);
    return JSON.parse(text);
  }

  /** Makes a key that may send, and returns its secret (`smx_live_…`). The options are those of `createKeyWithId`. */
  async createKey(options) {
    return (await this.createKeyWithId(options)).secret;
  }

  /** Makes a key, by default one that may send through every provider; returns `{ id, name, mode, secret }`. */
  async createKeyWithId({ name = 'scenario', mode = 'live', permissions = ['send'], groups = [], providers = [] } = {}) {
    const scope = groups.length > 0 ? 'groups' : providers.length > 0 ? 'providers' : 'all';
    const ticked = (list, names) => Object.fromEntries(names.map((one) => [`${list}[${one}]`, 'true']));
    const reply = await this.call('create_key', {
      ...{ name, mode, scope, back: '/keys' },
      ...{ ...ticked('permission', permissions), ...ticked('group', groups), ...ticked('provider', providers) },
    });
    assert.ok(reply.ok, JSON.stringify(reply));
    return reply.extra.Key;
  }

  /** Adds an SMTP provider at a port of this machine, and returns its id. Fails unless its connection test is `tested`. */
  async addSmtp({ name = 'Sink', host = '127.0.0.1', port, security = 'none', username = '', password = '', tested = true }) {
    const before = new Set((await this.providers()).map(({ id }) => id));
    const response = await this.post('save_provider', {
      ...{ id: '', version: '0', name, host, port: String(port), security, username, password },
    });
    const reply = await response.text();
    const added = (await this.providers()).find(({ id }) => !before.has(id));
    assert.ok(added, `the provider was not added: ${response.status} ${reply}`);
    assert.equal(added.last_test?.ok, tested, `the connection test: ${JSON.stringify(added.last_test)}`);
    return added.id;
  }

  /** Makes a group of providers (`{ prv_…: weight }`, null for none), and returns its id. */
  async createGroup(name, members) {
    const values = { name };
    for (const [id, weight] of Object.entries(members)) {
      values[`member[${id}]`] = 'true';
      values[`weight[${id}]`] = weight === null ? '' : String(weight);
    }
    const reply = await this.call('save_group', values);
    assert.ok(reply.ok, JSON.stringify(reply));
    return (await this.call('groups')).find((group) => group.name === name).id;
  }

  /** What the list of providers shows. */
  providers() {
    return this.call('providers');
  }

  /** What a message's page shows: its item, recipients, attempts and timeline. */
  message(id) {
    return this.call('message', { id });
  }

  /** What a page of the list of messages shows. */
  messages({ status = '', mode = '', query = '', before = '' } = {}) {
    return this.call('messages', { status, mode, query, before });
  }

  /** What the overview shows. */
  overview() {
    return this.call('overview');
  }

  /** The stored source of a message. */
  async raw(id) {
    const response = await this.get(`/files/messages/${id}/raw`);
    assert.equal(response.status, 200);
    return Buffer.from(await response.arrayBuffer());
  }
}

function post(server, name, values, headers = {}) {
  return server.fetch(`/fn/${name}`, {
    method: 'POST',
    body: new URLSearchParams(values),
    headers: { accept: 'application/json', 'sec-fetch-site': 'same-origin', ...headers },
    redirect: 'manual',
  });
}
