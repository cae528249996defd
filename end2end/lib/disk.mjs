// A disk that fails on demand, for the server's data folder.

import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { assert } from './assert.mjs';
import { run } from './process.mjs';

/**
 * Compiles the disk and returns `{ env, fails, works }`: the environment of a server with its data in `folder`, and what
 * makes the disk fail in one of the ways of disk.c ('full', 'some-full', 'sync'), and work again.
 */
export async function failingDisk(t, folder) {
  const aside = await t.temporaryFolder();
  const library = join(aside, 'disk.so');
  const source = fileURLToPath(new URL('./disk.c', import.meta.url));
  const { code, output } = await run('cc', ['-shared', '-fPIC', '-O1', '-o', library, source, '-ldl']);
  assert.equal(code, 0, output);
  const mode = join(aside, 'mode');
  return {
    env: { LD_PRELOAD: library, SENDMUX_DISK_MODE: mode, SENDMUX_DISK_FOLDER: folder },
    fails: (how) => writeFile(mode, how),
    works: () => rm(mode, { force: true }),
  };
}
