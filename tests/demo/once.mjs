// once.mjs - `./dev demo --once`: all that a reader is told to type, typed, and what it promises looked for in both stand-ins.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';

import { checkMonth, ownSheets } from './check.mjs';
import { SYNC } from './stage.mjs';
import { theCommand, thePlan, tries } from './story.mjs';
import { until } from './wait.mjs';

const LIMIT_MS = 60_000;
const ID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/;
const CUT = 12; // lines of an answer that are shown

export async function once(demo, { say, tell }) {
  const { zammad, kimai, dowel, began } = demo;
  const type = typist(demo, say);
  tell();
  say();

  const planned = countsOf(await type(thePlan(demo)));
  assert.equal(ownSheets(kimai).length, 0, 'a plan has written something');
  const asked = Date.now();
  const counts = countsOf(await type(theCommand(demo)));
  assert.deepEqual(counts, planned, 'it has done something else than what was planned');
  const took = (from) => `${((Date.now() - from) / 1000).toFixed(1)} s`;
  const figures = `${took(asked)} for this command, ${took(began)} from the start of the demo`;
  assert.deepEqual(checkMonth(zammad, kimai), { moved: counts.created, left: counts.to_decide + counts.skipped });
  say(`The timesheets are there: ${counts.created} of ${counts.examined} bookings, ${counts.to_decide} wait for a person (${figures}).\n`);

  const page = await (await fetch(demo.page.url)).text();
  assert.ok(page.includes(`<b>${counts.created} timesheets</b>`), 'the page does not show them');
  const open = async () => (await dowel.json(['timesync', 'status'])).items[0].open_cases;
  assert.equal(await open(), counts.to_decide);
  const { settled } = await tryAll(demo, type, open);
  assert.equal(await open(), counts.to_decide - settled, 'one case was decided, a mapping settled some, and one is of what was billed');
  assert.equal(ownSheets(kimai).length, counts.created + settled, 'what was undone was one correction');
  say('All of it did what it says.');
}

// Whether the newest run is one that this began, and over.
async function isDone(dowel, by) {
  const [{ started_by, state }] = (await dowel.json(['timesync', 'runs', '--limit', '1'])).items;
  return started_by === by && state === 'done';
}

// Types each line that a reader is shown, with the ids that lines before it have shown, and waits for what it sets going.
async function tryAll(demo, type, open) {
  const { kimai, dowel } = demo;
  const ids = {};
  const sheets = () => JSON.stringify(kimai.sheets());
  let settled = 0;
  for (const { line, moves, settles, bills, locks } of tries(demo)) {
    const before = { sheets: sheets(), open: await open() };
    const shown = await type(line.replace(/CASE|RUN|SHEET|ENTRY/, (word) => ids[word] ?? ids.last));
    ids.last = ID.exec(shown)?.[0];
    ids.SHEET ??= /"id":(\d+)/.exec(shown)?.[1];
    ids.ENTRY ??= /\|TA:(\d+)/.exec(shown)?.[1];
    if (settles) {
      settled = countsOf(shown).settles;
      await until('what the mapping explains is settled', async () => (await open()) === before.open - settled && isDone(dowel, 'mapping'));
    }
    if (moves) await until('Kimai has what was corrected', async () => sheets() !== before.sheets && isDone(dowel, 'webhook'));
    if (bills) assert.ok(kimai.sheets().find(({ id }) => id === Number(ids.SHEET)).exported);
    if (locks) {
      await until('a case is opened', async () => (await open()) === before.open + 1);
      assert.equal(sheets(), before.sheets, 'what is billed was changed');
    }
  }
  return { settled };
}

// Types a line as a reader would, shows it and the first lines of the answer, and gives the answer.
const typist = ({ dowel }, say) => (line) => new Promise((done, failed) => {
  say(`$ ${line}`);
  execFile('sh', ['-c', line], { cwd: dowel.cwd, timeout: LIMIT_MS, maxBuffer: 16 << 20 }, (error, stdout, stderr) => {
    if (error) return failed(new Error(`${line}: ${error.killed ? 'took too long' : error.code}\n${stderr}${stdout}`));
    const lines = stdout.trimEnd().split('\n');
    say(lines.slice(0, CUT).map((one) => (one.length > 300 ? `${one.slice(0, 300)}...` : one)).join('\n'));
    if (lines.length > CUT) say(`... (${lines.length - CUT} more lines)`);
    say();
    return done(stdout);
  });
});

// { examined: 162, created: 141, ... } of "done (run: ..., examined: 162, created: 141, ...)".
const countsOf = (text) => Object.fromEntries([...text.matchAll(/(\w+): (\d+)\b/g)].map(([, name, n]) => [name, Number(n)]));
