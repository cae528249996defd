// The published interface that /sdk/v1 speaks.

import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const file = (name) => fileURLToPath(new URL(`../reference/${name}.json`, import.meta.url));
const read = async (name) => JSON.parse(await readFile(file(name), 'utf8'));

/** The paths of its documents. */
export const documents = { sending: file('sending-api'), management: file('management-api'), mailbox: file('mailbox-api') };

/** The ids of the operations that Sendmux does not have yet. */
export const later = await read('later');

/** All operations that there are in a document: `{ id, method, path }`. */
export async function operations(name) {
  const { paths } = await read(`${name}-api`);
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { operationId }]) => ({ id: operationId, method: method.toUpperCase(), path })));
}
