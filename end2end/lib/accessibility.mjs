// Accessibility checks of a page, for people who cannot see it, see it badly, or use no mouse: axe-core's rules in the page
// itself, and a few of our own.

import { readFile } from 'node:fs/promises';

import { assert } from './assert.mjs';

const axe = await readFile(new URL('../node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');

/** The rules of WCAG 2.2 up to AA, and what axe counts as good practice. */
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** What the look alone can break. */
const LOOKS = ['color-contrast', 'link-in-text-block'];

const SIZES = { desktop: { width: 1440, height: 900 }, phone: { width: 390, height: 844 } };

/**
 * Looks at the page that is open, wide and narrow, light and dark, without loading it anew. Returns what is wrong, one text
 * each. `shown(look)` is called for each of the four; the rules of `except` are not looked at.
 */
export async function faults(page, { shown = async () => {}, except = [] } = {}) {
  const found = [];
  for (const [size, viewport] of Object.entries(SIZES)) {
    await page.setViewportSize(viewport);
    for (const colorScheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme });
      // Seen as it is then, not half-way there.
      await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
      const look = `${size}, ${colorScheme}`;
      // The page's own policy does not hold for what a test runs in it.
      if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(axe);
      const violations = await page.evaluate(
        async ([tags, only, except]) => {
          const runOnly = only ? { type: 'rule', values: only } : { type: 'tag', values: tags };
          const rules = only ? {} : Object.fromEntries(except.map((rule) => [rule, { enabled: false }]));
          const result = await window.axe.run(document, { runOnly, rules, resultTypes: ['violations'], iframes: false });
          return result.violations.map(({ id, help, nodes }) => ({ id, help, nodes: nodes.map(({ html, failureSummary }) => `${html}\n${failureSummary}`) }));
        },
        [TAGS, colorScheme === 'dark' ? LOOKS : null, except],
      );
      for (const { id, help, nodes } of violations) found.push(`${look}: ${id}: ${help}\n${nodes.join('\n')}`);
      await shown(look);
    }
    const overflow = await page.evaluate(() => {
      const beyond = document.documentElement.scrollWidth - document.documentElement.clientWidth;
      if (beyond <= 0) return null;
      const inside = (node) => node.parentElement?.closest('pre, .overflow-auto, .overflow-x-auto, .sr-only');
      const wide = [...document.querySelectorAll('body *')].filter((node) => node.getBoundingClientRect().right > document.documentElement.clientWidth + 1 && !inside(node));
      return `${beyond} px: ${wide.slice(0, 3).map((node) => node.outerHTML.slice(0, 200)).join('\n')}`;
    });
    if (overflow) found.push(`${size}: the page is wider than its window by ${overflow}`);
  }
  await page.setViewportSize(SIZES.desktop);
  await page.emulateMedia({ colorScheme: 'light' });
  return found;
}

/** Goes through the page with the Tab key, and fails where the keyboard is and nothing shows it. Returns how far it went. */
export async function walk(page, most = 60) {
  await page.evaluate(() => {
    document.activeElement?.blur?.();
    window.scrollTo(0, 0);
  });
  const seen = new Set();
  for (let step = 0; step < most; step += 1) {
    await page.keyboard.press('Tab');
    const { what, isShown, place } = await page.evaluate(() => {
      const node = document.activeElement;
      if (!node || node === document.body) return { what: null };
      const style = getComputedStyle(node);
      const { width, height } = node.getBoundingClientRect();
      const isShown = (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2) || style.boxShadow !== 'none';
      window.walked ??= [];
      let place = window.walked.indexOf(node);
      if (place < 0) place = window.walked.push(node) - 1;
      return { what: node.outerHTML.slice(0, 200), isShown: isShown && width > 0 && height > 0, place };
    });
    if (what === null || seen.has(place)) break;
    seen.add(place);
    assert.ok(isShown, `the keyboard is here, and nothing shows it: ${what}`);
  }
  return seen.size;
}
