// The Python tools of the tests, as `.make/test-setup` installs them.

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { run } from './process.mjs';

const folder = process.env.SENDMUX_PYTHON ?? fileURLToPath(new URL('../../target/tools/python', import.meta.url));

/** Runs a program of requirements.txt; options and result are those of `run`. */
export function python(program, args, options) {
  return run(join(folder, 'bin', program), args, options);
}
