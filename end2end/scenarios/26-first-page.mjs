// The first page is light: who signs in loads none of the pages behind the sign-in, which are a module of their own.

import { assert, until } from '../lib/assert.mjs';
import { openPage } from '../lib/browser.mjs';
import { PASSWORD, signUp } from '../lib/dashboard.mjs';
import { startServer } from '../lib/server.mjs';

export const name = 'the sign-in page loads under 350 KB, and nothing of the dashboard';
export const seconds = 60;

/** Bytes of program and style that the sign-in page may cost over the network. */
const MOST = 350 * 1024;

export async function run(t) {
  const server = await startServer(t);
  await signUp(server);

  const page = await openPage(t, { baseURL: server.url });
  const loaded = new Map();
  page.on('response', (response) => {
    const { pathname } = new URL(response.url());
    if (pathname.startsWith('/pkg/')) loaded.set(pathname, Number(response.headers()['content-length']));
  });
  const modules = () => [...loaded.keys()].filter((path) => path.endsWith('.wasm'));
  await page.goto('/sign-in');
  await page.hydrated('form');
  const bytes = [...loaded.values()].reduce((sum, size) => sum + size, 0);
  assert.equal(modules().join(), '/pkg/sendmux_bg.wasm');
  assert.ok(bytes < MOST, `${bytes} bytes are ${MOST} at most: ${JSON.stringify([...loaded])}`);

  await page.getByLabel('Email address').fill('ana@example.com');
  await page.getByLabel('Password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
  await until(() => modules().length > 1, { what: 'the other module is loaded' });
}
