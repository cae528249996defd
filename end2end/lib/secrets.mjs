// Searches for secrets that must not be visible.

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { assert } from './assert.mjs';

/**
 * Fails when one of `secrets` stands in a log of the server, in a file of its data folder, or in one of `texts` (pages,
 * answers).
 */
export async function assertUnseen(server, secrets, texts = []) {
  const seen = [];
  const look = (where, text) => secrets.filter((secret) => text.includes(secret)).forEach((secret) => seen.push(`${secret.slice(0, 20)}… in ${where}`));
  look('the log', server.lines.join('\n'));
  texts.forEach((text, place) => look(`text ${place}`, text));
  const files = await readdir(server.dataFolder, { recursive: true, withFileTypes: true });
  for (const file of files.filter((entry) => entry.isFile())) {
    look(file.name, (await readFile(join(file.parentPath ?? file.path, file.name))).toString('latin1'));
  }
  assert.deepEqual(seen, []);
}
