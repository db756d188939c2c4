// Presets: release asan
// docs/first-month.md: every command in it, in order, as a reader types it, with stand-ins in the place of their Zammad and Kimai.
// What it promises on the way is looked for in Kimai.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { checkMonth, ownSheets } from '../demo/check.mjs';
import { startKimai } from '../peers/kimai.mjs';
import { startZammad } from '../peers/zammad.mjs';
import { binaryOf, root, slowness, startServer, temporaryFolder } from './support/server.mjs';

const timeout = 180_000 * slowness;
const began = new Date(Date.now() - 40 * 86_400_000).toISOString().slice(0, 10); // the month's first day; also when midnight comes meanwhile
const ID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/;
const page = readFileSync(join(root, 'docs/first-month.md'), 'utf8');
const commands = [...page.matchAll(/^```sh\n(.*?)^```$/gms)].flatMap(([, text]) => text.trim().split('\n'));

describe('docs/first-month.md', { timeout }, () => {
  const folder = temporaryFolder();
  const shown = {}; // by word: the first id that `timesync runs` or `timesync cases` has shown
  let server, zammad, kimai;

  before(async () => {
    zammad = await startZammad({ seed: 7, data: 'month' });
    kimai = await startKimai({ seed: 7, data: 'month' });
    server = await startServer();
    symlinkSync(server.configDir, join(folder, 'conf.d'));
    symlinkSync(server.dataDir, join(folder, 'var'));
    const files = { 'password.txt': 'correct horse battery', 'zammad-token.txt': zammad.token, 'kimai-token.txt': kimai.token };
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), `${text}\n`);
  }, { timeout });
  after(async () => {
    await server?.stop();
    await zammad?.stop();
    await kimai?.stop();
    rmSync(folder, { recursive: true, force: true });
  }, { timeout });

  // What differs here: where the two are, when the month began, and which run or case is meant.
  const here = (line) => line
    .replace('https://desk.example.org', zammad.url)
    .replace('https://kimai.example.org', kimai.url)
    .replace(/( --secret)/, ' --allow-private yes$1')
    .replaceAll('2026-11-01', began)
    .replace(/\b(RUN|CASE)\b/, (word) => shown[word]);

  const type = (line) => new Promise((resolve) => {
    const env = { PATH: `${dirname(binaryOf())}:${process.env.PATH}` };
    execFile('sh', ['-c', here(line)], { cwd: folder, env, timeout: 60_000 * slowness }, (error, stdout, stderr) => {
      resolve({ code: error ? error.code : 0, stdout, stderr });
    });
  });

  // What has to be true after a line.
  let moved;
  const then = {
    plan: ({ stdout }) => {
      assert.match(stdout, /^planned /m);
      assert.equal(ownSheets(kimai).length, 0, 'a plan writes nothing');
    },
    run: ({ stdout }) => {
      assert.match(stdout, /^done .*failed: 0\)$/m);
      moved = checkMonth(zammad, kimai).moved;
    },
    undo: (_, line) => assert.equal(ownSheets(kimai).length, line.includes('--plan') ? moved : 0),
    runs: ({ stdout }) => ([shown.RUN] = ID.exec(stdout)),
    cases: ({ stdout }) => ([shown.CASE] = ID.exec(stdout)),
  };

  test('has commands', () => assert.ok(commands.length >= 40, commands.join('\n')));

  for (const [i, line] of commands.entries()) {
    test(`${i + 1}: ${line}`, async () => {
      const answer = await type(line);
      assert.equal(answer.code, 0, `${here(line)}: ${answer.stderr}${answer.stdout}`);
      const [, verb] = /^dowel timesync (\w+)/.exec(line) ?? [];
      then[verb]?.(answer, line);
    });
  }

  test('says what to do about each reason for which something waits', async () => {
    const { items } = JSON.parse((await type('dowel timesync cases --output json')).stdout);
    assert.ok(items.length > 5);
    for (const { reason } of items) assert.ok(page.includes(`| \`${reason}\` |`), reason);
  });
});
