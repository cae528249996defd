// Members with read-only access see everything but no buttons for changes; and the server refuses their changes as well.

import { join } from 'node:path';

import { assert } from '../lib/assert.mjs';
import { signUp } from '../lib/dashboard.mjs';
import { run as runProgram } from '../lib/process.mjs';
import { startServer } from '../lib/server.mjs';
import { startSink } from '../lib/sink.mjs';

export const name = 'a member who may only look sees no dead buttons';

export async function run(t) {
  const server = await startServer(t);
  const dashboard = await signUp(server);
  const sink = await startSink(t);
  const provider = await dashboard.addSmtp({ name: 'Relay', port: sink.port });
  const group = await dashboard.createGroup('Transactional', { [provider]: 5 });
  const key = (await dashboard.createKeyWithId({ name: 'Shop', groups: [group] })).id;
  await becomeMember(server);

  const page = await dashboard.browse(t);
  const paths = ['/providers', `/providers/${provider}`, '/groups', `/groups/${group}`, '/keys', `/keys/${key}`, '/smtp', '/overview'];
  for (const path of paths) {
    await page.goto(path);
    await page.getByRole('heading', { level: 1 }).waitFor();
    assert.equal(await page.locator('main form').count(), 0, `${path} has a form`);
    for (const word of [/New/, /Add a provider/, /Edit/, /Delete/, /Rotate/]) {
      const seen = await page.locator('main').getByRole('link', { name: word }).or(page.locator('main').getByRole('button', { name: word })).count();
      assert.equal(seen, path === '/overview' && word.source === 'Add a provider' ? seen : 0, `${path} has ${word}`);
    }
  }
  await page.goto(`/groups/${group}`);
  assert.match(await page.locator('main').innerText(), /Relay[^]*100%[^]*Shop/);
  await page.shot('roles-member-group');

  const calls = [
    ['save_group', { id: group, name: 'Mine' }],
    ['delete_group', { id: group }],
    ['create_key', { name: 'Mine', mode: 'live', 'permission[send]': 'true' }],
    ['set_key_scope', { id: key, scope: 'all' }],
    ['rotate_key', { id: key, overlap_hours: '0' }],
    ['save_routing', { id: provider, version: '1', weight: '5' }],
  ];
  for (const [name, values] of calls) {
    const reply = await dashboard.call(name, values);
    assert.equal(reply.ok, false, name);
    assert.match(reply.message, /Your role in this team does not let you/, name);
  }
  assert.deepEqual((await dashboard.call('groups')).map((one) => one.name), ['Transactional']);
}

/** Changed where it is stored: how roles are given is another story. */
async function becomeMember(server) {
  const file = join(server.dataFolder, 'sendmux.sqlite3');
  const script = 'import sqlite3, sys\ndb = sqlite3.connect(sys.argv[1])\ndb.execute("UPDATE memberships SET role = \'member\'")\ndb.commit()';
  const { code, output } = await runProgram('python3', ['-c', script, file]);
  assert.equal(code, 0, output);
}
