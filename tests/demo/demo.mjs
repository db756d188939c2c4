#!/usr/bin/env node
// demo.mjs - `./dev demo`: a Zammad and a Kimai (stand-ins with a month of data) and a Dowel between them, until Ctrl-C.
//
//   dowel.mjs   the server       stage.mjs  what is set up        story.mjs  what there is to try
//   folder.mjs  where it lives   watch.mjs  what happens in Kimai  once.mjs   all of it without anybody, and checked
//                                page.mjs   both side by side

import { existsSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { startKimai } from '../peers/kimai.mjs';
import { startZammad } from '../peers/zammad.mjs';
import { Dowel } from './dowel.mjs';
import { Folder } from './folder.mjs';
import { once } from './once.mjs';
import { servePage } from './page.mjs';
import { setTheStage } from './stage.mjs';
import { quoted, theCommand, thePlan, tries } from './story.mjs';
import { watch } from './watch.mjs';

const USAGE = `Usage: ./dev demo [OPTION...]

Starts stand-ins of Zammad and Kimai with a month of data, and a Dowel that is set up to move what was booked from the one to
the other. Everything is on 127.0.0.1 and in var/demo, begins anew each time, and ends with Ctrl-C.

  --seed N      another team, another month (default 7)
  --once        does all that could be tried, checks it, and ends: for tests
  --reset       ends what an earlier demo left behind, removes its folder, and that is all
  --folder DIR  instead of var/demo
  --help        this
`;
const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const say = (text = '') => process.stdout.write(`${text}\n`);
const step = (word, text) => say(`${word.padEnd(10)} ${text}`);

const OPTIONS = {
  seed: { type: 'string', default: '7' }, folder: { type: 'string', default: join(root, 'var/demo') },
  once: { type: 'boolean', default: false }, reset: { type: 'boolean', default: false }, help: { type: 'boolean', default: false },
};

// What was typed, or undefined after it was said what is wrong with it.
function options() {
  try {
    const { values } = parseArgs({ options: OPTIONS });
    if (!/^\d{1,9}$/.test(values.seed)) throw new Error(`--seed ${values.seed}: not a number of at most nine digits`);
    return { ...values, seed: Number(values.seed), folder: resolve(values.folder) };
  } catch (error) {
    process.stderr.write(`demo: ${error.message}\nSee: ./dev demo --help\n`);
    process.exitCode = 2;
    return undefined;
  }
}

// As somebody would type it who stands in the tree.
const shown = (path) => (relative(root, path).startsWith('..') ? path : relative(root, path));

class Demo {
  constructor({ seed, folder }) {
    const binary = process.env.DOWEL_BIN ?? join(root, 'build', process.env.DOWEL_PRESET ?? 'release', 'bin/dowel');
    if (!existsSync(binary)) throw new Error(`${shown(binary)} is not there: ./dev build`);
    Object.assign(this, { seed, folder, binary, began: Date.now() });
    this.dowel = new Dowel({ binary: shown(binary), folder: shown(folder.path), cwd: root });
    this.short = shown(join(folder.path, 'dowel'));
  }

  async start() {
    const { folder, dowel, seed } = this;
    folder.make();
    folder.note({ demo: process.pid });
    this.zammad = await startZammad({ seed, data: 'month' });
    this.kimai = await startKimai({ seed, data: 'month' });
    this.page = await servePage(this);
    this.#writeShort();
    await dowel.prepare();
    await dowel.start({ spawned: (pid) => folder.note({ demo: process.pid, dowel: pid }) });
    this.person = await setTheStage({ ...this, say: step });
  }

  // A program of one word, for all that is tried later.
  #writeShort() {
    const [conf, data] = ['conf.d', 'var'].map((name) => quoted(join(this.folder.path, name)));
    const script = `#!/bin/sh\nDOWEL_CONFIG=${conf} DOWEL_DATA=${data} exec ${quoted(resolve(this.binary))} "$@"\n`;
    writeFileSync(resolve(root, this.short), script, { mode: 0o755 });
  }

  async stop() {
    this.unwatch?.();
    this.page?.close();
    await this.dowel.stop();
    await this.zammad?.stop();
    await this.kimai?.stop();
    this.folder.note({});
  }

  tell() {
    const { zammad, kimai, page, dowel, person } = this;
    const { counts } = zammad.snapshot();
    const month = `${counts.tickets} tickets and ${counts.entries} bookings of the last month`;
    say();
    step('Zammad', `${zammad.url}  a stand-in (its API; /_control steers it) with ${month}`);
    step('Kimai', `${kimai.url}  a stand-in (the same) with ${kimai.sheets().length} timesheets, none of them from Zammad`);
    step('Both', `${page.url}  side by side in a browser, as they are now`);
    step('Dowel', `${dowel.url}/docs  sign in as ${person.email} with ${person.password}`);
    say(`\nNothing has been moved yet. One command moves the month; in another terminal, here:\n\n    ${theCommand(this)}\n`);
    say(`Before it: what it would do (${this.short} is that program with those two folders):\n\n  ${thePlan(this)}\n`);
    say('And then (CASE, RUN, SHEET, ENTRY are ids that were shown before):\n');
    for (const { says, line } of tries(this)) say(`  # ${says}\n  ${line}`);
  }

  // Says what comes and goes in Kimai until somebody wants the end.
  async show() {
    this.tell();
    say('\nWhat happens in Kimai is said here. Ctrl-C ends everything.\n');
    this.unwatch = watch(this.kimai, (what) => say(`${new Date().toTimeString().slice(0, 8)}  Kimai: ${what}`));
    const died = this.dowel.ended.then((how) => {
      throw new Error(`Dowel has ended by itself (${how}); its last words:\n${this.dowel.lastWords()}`);
    });
    await Promise.race([interrupted, died]);
    died.catch(() => {});
  }
}

// Resolves when somebody wants the end: Ctrl-C, kill, a terminal that is closed.
const interrupted = new Promise((wanted) => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => wanted(signal));
});

async function reset(folder) {
  folder.checkOwner();
  await folder.endAll();
  folder.remove();
  say(`${shown(folder.path)} is gone, and nothing runs from it`);
}

async function main({ seed, once: byItself, reset: onlyReset, help, folder: path }) {
  if (help) return process.stdout.write(USAGE);
  const folder = new Folder(path);
  if (onlyReset) return reset(folder);
  folder.checkOwner();
  await folder.endLeftovers();
  const demo = new Demo({ seed, folder });
  try {
    await Promise.race([demo.start(), interrupted.then(() => Promise.reject(new Error('ended before it had begun')))]);
    await (byItself ? once(demo, { say, tell: () => demo.tell() }) : demo.show());
  } finally {
    await demo.stop();
  }
  return say(`ended      Dowel and both stand-ins; ${shown(folder.path)} stays until the next start, or ./dev demo --reset`);
}

const wanted = options();
try {
  if (wanted) await main(wanted);
} catch (error) {
  process.stderr.write(`demo: ${error.message}\n`);
  process.exitCode = 1;
}
