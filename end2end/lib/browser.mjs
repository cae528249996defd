// A headless Chromium: the system's own, since a test never downloads one.

import { access, mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

import { chromium } from 'playwright-core';

import { until } from './assert.mjs';

const screenshots = fileURLToPath(new URL('../screenshots/', import.meta.url));

const DEVICES = {
  desktop: { viewport: { width: 1440, height: 900 } },
  phone: { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true },
};

const EXECUTABLES = [
  process.env.SENDMUX_CHROMIUM,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
].filter(Boolean);

// The sandbox needs privileges that a container does not have; the pages are our own. The rest keeps it off the network.
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Forms that scripts leave alone: the whole page goes with what they do. */
const PLAIN = ['sign_out', 'switch_team', 'create_team', 'leave_team'].map((name) => `[action="/fn/${name}"]`).join();

let launched = null;

async function browser() {
  launched ??= (async () => {
    for (const executablePath of EXECUTABLES) {
      const found = await access(executablePath).then(
        () => true,
        () => false,
      );
      if (found) return chromium.launch({ executablePath, args: FLAGS });
    }
    throw new Error(`no browser found; set SENDMUX_CHROMIUM to one (looked for ${EXECUTABLES.join(', ')})`);
  })();
  return launched;
}

/** Closes the browser that the scenarios share. */
export async function closeBrowser() {
  const open = await launched?.catch(() => null);
  launched = null;
  await open?.close();
}

/**
 * Opens an empty page in a profile of its own. The scenario fails if the page logs an error, throws one, or asks another
 * host than `baseURL` for anything.
 *
 * Options:
 *   baseURL      what paths given to `goto` are relative to
 *   device       'desktop' (default) or 'phone'
 *   theme        'light' (default) or 'dark': what the system prefers
 *   javaScript   false to see the page with scripts off
 *
 * Returns Playwright's page with four more methods:
 *   page.hydrated(css)    waits until the first form that matches (any form, when none is given) is run by scripts, where
 *                         the page has any: before that a form is sent as it would be without them. Those that scripts
 *                         leave alone do not count
 *   page.shot(name)       the whole page into screenshots/NAME.png
 *   page.allow(pattern)   errors that match are expected
 *   page.errors()         those that were not expected, so far
 */
export async function openPage(t, { baseURL, device = 'desktop', theme = 'light', javaScript = true } = {}) {
  const context = await (await browser()).newContext({
    ...DEVICES[device],
    baseURL,
    colorScheme: theme,
    javaScriptEnabled: javaScript,
    // What moves makes screenshots differ.
    reducedMotion: 'reduce',
    locale: 'en-GB',
    timezoneId: 'UTC',
    ignoreHTTPSErrors: true,
  });
  t.after(() => context.close());
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  page.setDefaultNavigationTimeout(20_000);

  const seen = [];
  const allowed = [];
  const host = baseURL ? new URL(baseURL).host : null;
  page.on('console', (message) => {
    if (message.type() === 'error') seen.push(`console: ${message.text()} (${message.location().url})`);
  });
  page.on('pageerror', (error) => seen.push(`error: ${error.stack ?? error}`));
  page.on('crash', () => seen.push('the page crashed'));
  context.on('request', (request) => {
    const url = new URL(request.url());
    if (host && /^(https?|wss?):$/.test(url.protocol) && url.host !== host) seen.push(`request to another host: ${url.href}`);
  });

  page.allow = (pattern) => allowed.push(pattern);
  page.errors = () => seen.filter((text) => !allowed.some((pattern) => pattern.test(text)));
  const inspector = javaScript ? await context.newCDPSession(page) : null;
  page.hydrated = async (css = 'form') => {
    if (!inspector) return;
    const expression = `[...document.querySelectorAll(${JSON.stringify(css)})].find((form) => !form.matches(${JSON.stringify(PLAIN)}))`;
    await until(
      async () => {
        const { result } = await inspector.send('Runtime.evaluate', { expression });
        const { listeners } = await inspector.send('DOMDebugger.getEventListeners', { objectId: result.objectId });
        return listeners.some(({ type }) => type === 'submit');
      },
      { what: `scripts run ${css}` },
    );
  };
  page.shot = async (name) => {
    await mkdir(screenshots, { recursive: true });
    // The window grows to the page's height first: what is out of sight (a frame) may not be painted, and what sticks to
    // the window's edge would stand in the middle of the picture.
    const viewport = page.viewportSize();
    const height = await page.evaluate(() => document.documentElement.scrollHeight);
    await page.setViewportSize({ width: viewport.width, height: Math.max(viewport.height, height) });
    await page.screenshot({ path: `${screenshots}${name}.png`, animations: 'disabled' });
    await page.setViewportSize(viewport);
  };
  t.finally(() => {
    if (page.errors().length > 0) throw new Error(`the page had errors:\n${page.errors().join('\n')}`);
  });
  t.onFailure(async () => {
    const name = `failure-${t.label.replaceAll(/[^A-Za-z0-9]+/g, '-')}`;
    await page.shot(name);
    return [`-- page: ${page.url()}, see screenshots/${name}.png`, ...page.errors()].join('\n');
  });
  return page;
}
