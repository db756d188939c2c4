// npm.mjs - what tests need from npm (tests/e2e/package.json), where it is there. `./dev test` installs it; by hand:
// cd tests/e2e && npm ci

import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { root } from './server.mjs';

const folder = join(root, 'tests/e2e/node_modules');

// For the `skip` of a test: false, or why.
export const npmMissing = existsSync(join(folder, '.package-lock.json')) ? false : 'npm could not install tests/e2e/package.json: cd tests/e2e && npm ci';

// A program of a package.
export const npmProgram = (name) => join(folder, '.bin', name);
