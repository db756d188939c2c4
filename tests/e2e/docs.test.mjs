// Presets: release
// Every command in the README does what it is there for.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { binaryOf, root, startServer } from './support/server.mjs';

const timeout = 60_000;
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const commands = [...readme.matchAll(/^```sh\n(.*?)^```$/gms)].flatMap((match) => match[1].trim().split('\n'));

let server;
before(async () => (server = await startServer()), { timeout });
after(() => server?.stop(), { timeout });

// The line as a reader would type it, with this test's server in the place of theirs.
function run(line) {
  const here = line
    .replaceAll('http://127.0.0.1:8000', server.url)
    .replaceAll('build/release/bin', dirname(binaryOf()))
    .replaceAll('--config conf.d', `--config ${server.configDir}`)
    .replaceAll('--data var', `--data ${server.dataDir}`);
  return new Promise((resolve) => {
    execFile('sh', ['-c', here], { cwd: server.configDir, timeout: 20_000 }, (error, stdout, stderr) => resolve({ code: error ? error.code : 0, stdout, stderr }));
  });
}

describe('README', { timeout }, () => {
  test('has commands', () => assert.ok(commands.length >= 10, commands.join('\n')));

  for (const line of commands) {
    test(line, async () => {
      const { code, stdout, stderr } = await run(line);
      assert.equal(code, 0, stderr);
      assert.notEqual(stdout + stderr, '');
    });
  }
});

test('links between pages lead to files that are there', () => {
  const pages = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'bench/README.md', ...readdirSync(join(root, 'docs')).map((name) => `docs/${name}`)];
  for (const page of pages.filter((name) => name.endsWith('.md'))) {
    for (const [, target] of readFileSync(join(root, page), 'utf8').matchAll(/\]\(([^)#\s]+)[^)]*\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      const path = target.startsWith('/') ? null : normalize(join(root, dirname(page), target));
      assert.ok(path === null || existsSync(path), `${page}: ${target}`);
    }
  }
});
