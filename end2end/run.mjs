// Runs the scenarios of ./scenarios, one after the other, against the real binary.
//
//   node run.mjs               all of them
//   node run.mjs failover 03   those whose file name contains one of the words
//
// A scenario is a module that exports `name` and `async run(t)`, and may export
//   seconds    its time limit, 120 by default
//   long       true: it runs only when SENDMUX_LONG_TESTS is set (`make test-long`)
//   databases  ['sqlite', 'postgres'] to run it once on each; ['sqlite'] by default
// lib/context.mjs describes `t`.

import { readdir } from 'node:fs/promises';

import { closeBrowser } from './lib/browser.mjs';
import { Context } from './lib/context.mjs';

const folder = new URL('./scenarios/', import.meta.url);
const words = process.argv.slice(2);
const files = (await readdir(folder))
  .filter((file) => file.endsWith('.mjs') && (words.length === 0 || words.some((word) => file.includes(word))))
  .sort();

// A failure outside of the scenario's own calls (a listener of a sink, say) belongs to the scenario that is running.
let failCurrent = (error) => {
  throw error;
};
process.on('unhandledRejection', (error) => failCurrent(error));
process.on('uncaughtException', (error) => failCurrent(error));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(130));

let passed = 0;
let failed = 0;

for (const file of files) {
  const scenario = await import(new URL(file, folder).href);
  if (scenario.long && !process.env.SENDMUX_LONG_TESTS) {
    console.log(`skip  ${file}: ${scenario.name} (long: make test-long)`);
    continue;
  }
  for (const database of scenario.databases ?? ['sqlite']) {
    const label = `${file}: ${scenario.name}${scenario.databases ? ` (${database})` : ''}`;
    if (database === 'postgres' && !process.env.SENDMUX_TEST_POSTGRES_URL) {
      console.log(`skip  ${label}: SENDMUX_TEST_POSTGRES_URL is not set`);
      continue;
    }
    const began = Date.now();
    const error = await runOne(scenario, label, database);
    const took = ((Date.now() - began) / 1000).toFixed(1);
    if (error) {
      failed += 1;
      console.log(`FAIL  ${label} (${took} s)\n${indent(error)}`);
    } else {
      passed += 1;
      console.log(`ok    ${label} (${took} s)`);
    }
  }
}

await closeBrowser();
if (files.length === 0) console.log(`no scenario is named like ${words.join(', ')}`);
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed > 0 || passed === 0 ? 1 : 0);

/** Runs one scenario and cleans up after it. Returns what went wrong as text, or null. */
async function runOne(scenario, label, database) {
  const t = new Context(label, database);
  const seconds = scenario.seconds ?? 120;
  let timer;
  const stopped = new Promise((_, reject) => {
    failCurrent = reject;
    timer = setTimeout(() => reject(new Error(`not finished after its time limit of ${seconds} s`)), seconds * 1000);
  });
  // `stopped` may be rejected while nobody waits for it, during the clean-up.
  stopped.catch(() => {});
  let error = null;
  try {
    await Promise.race([scenario.run(t).then(() => t.check()), stopped]);
  } catch (caught) {
    error = `${caught?.stack ?? caught}\n${await t.explain()}`;
  }
  clearTimeout(timer);
  failCurrent = () => {};
  const leftovers = await t.cleanUp();
  return error ?? (leftovers.length > 0 ? leftovers.join('\n') : null);
}

/** A report that stays readable: an assertion may quote megabytes. */
function indent(text) {
  const lines = text.trimEnd().split('\n');
  const kept = lines.length > 200 ? [...lines.slice(0, 100), '[…]', ...lines.slice(-100)] : lines;
  return kept.map((line) => `      ${line.length > 400 ? `${line.slice(0, 400)}[…]` : line}`).join('\n');
}
