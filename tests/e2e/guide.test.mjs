// Presets: release
// "Write a plugin in 30 minutes", followed to the letter: with the installed SDK, in an empty folder.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { launch, preset, root, temporaryFolder } from './support/server.mjs';

const timeout = 180_000;
const folder = temporaryFolder();
const prefix = join(folder, 'prefix');
const work = join(folder, 'work');
const env = {
  PATH: `${join(prefix, 'bin')}:${process.env.PATH}`,
  HOME: folder,
  CMAKE_PREFIX_PATH: prefix,
};

// What a reader meets, in its order: { write, text }, { type }, { type, output }.
function stepsOf(page) {
  const text = readFileSync(join(root, page), 'utf8');
  return [...text.matchAll(/([^\n]*)\n+^```(\w+)\n(.*?)^```$/gms)].flatMap(([, above, kind, content]) => {
    const path = /`([^`\s]+\/[^`\s]+)`:$/.exec(above)?.[1];
    if (path) return [{ write: path, text: content }];
    if (kind === 'sh') return content.trim().split('\n').map((line) => ({ type: line }));
    if (kind !== 'console') return [];
    return content.split(/^\$ /m).slice(1).map((part) => {
      const [line, ...output] = part.trimEnd().split('\n');
      return { type: line, output };
    });
  });
}

let server;
before(async () => {
  await run(`cmake --install ${join(root, 'build', preset)} --prefix ${prefix}`, folder);
  await run(`mkdir ${work}`, folder);
}, { timeout });
after(async () => {
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
}, { timeout });

function run(line, cwd = work) {
  return new Promise((resolve) => {
    execFile('sh', ['-c', line], { cwd, env, timeout: 120_000, maxBuffer: 1 << 24 }, (error, stdout, stderr) => resolve({ code: error ? error.code : 0, stdout, stderr }));
  });
}

// An expected line may end in "..." where what follows does not matter.
function assertOutput(said, expected) {
  const lines = said.trimEnd().split('\n');
  expected.forEach((line, i) => {
    if (line.endsWith('...')) assert.equal(lines[i]?.slice(0, line.length - 3), line.slice(0, -3));
    else assert.equal(lines[i], line);
  });
  assert.equal(lines.length, expected.length, said);
}

async function serve() {
  server = await launch(join(prefix, 'bin/dowel'), ['serve', '--listen', '127.0.0.1:0'], { cwd: work, env });
}

// gdb asks what to do; here it runs the program and says where it stopped.
const unattended = (line) => line.replace(/^gdb /, 'gdb -batch -nx -ex run ');

// CMake installs only what is newer by a whole second, and this machine is faster than a reader.
const age = `find ${prefix}/lib/dowel/plugins -name '*.so' -exec touch -d '1 minute ago' {} +`;

const needs = (line) => /^gdb /.test(line) && !existsSync('/usr/bin/gdb') && 'there is no gdb';

function follow(page, atLeast) {
  describe(page, { timeout }, () => {
    const steps = stepsOf(page);
    const begun = Date.now();
    test('has steps', () => assert.ok(steps.length >= atLeast, JSON.stringify(steps)));

    for (const step of steps) {
      if (step.write) {
        test(`write ${step.write}`, () => writeFileSync(join(work, step.write), step.text));
        continue;
      }
      test(step.type, { skip: needs(step.type) }, async () => {
        if (step.type === 'dowel serve') return serve();
        const line = server ? step.type.replaceAll('http://127.0.0.1:8000', server.url) : step.type;
        const { code, stdout, stderr } = await run(unattended(line));
        assert.equal(code, 0, stdout + stderr);
        if (line.startsWith('cmake --install')) await run(age);
        return step.output && assertOutput(stdout, step.output);
      });
    }
    after(() => console.log(`# ${page}: ${((Date.now() - begun) / 1000).toFixed(1)} s for a machine`));
  });
}

follow('docs/sdk/getting-started.md', 15);
follow('docs/sdk/debugging.md', 5);
