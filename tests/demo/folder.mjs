// folder.mjs - the demo's folder: whose it is, who still runs from it, and how it begins anew.

import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { until } from './wait.mjs';

const END_LIMIT_MS = 20_000;
const README = `This folder belongs to ./dev demo: it is emptied whenever that starts.

conf.d     the configuration of the demo's Dowel
var        its data
dowel      the program with these two: var/demo/dowel timesync status
dowel.log  its log
`;

export class Folder {
  constructor(path) {
    this.path = path;
    this.pids = join(path, 'running.json');
  }

  // Who runs from here: { demo, dowel }, process ids, of those that are still there.
  running() {
    if (!existsSync(this.pids)) return {};
    let noted;
    try {
      noted = JSON.parse(readFileSync(this.pids, 'utf8'));
    } catch {
      return {}; // it was cut off while it was written
    }
    const isThere = ([, { pid, began }]) => began !== undefined && beginningOf(pid) === began;
    return Object.fromEntries(Object.entries(noted).filter(isThere).map(([name, { pid }]) => [name, pid]));
  }

  // Numbers of processes are used again: when each began is kept beside it.
  note(pids) {
    const noted = Object.fromEntries(Object.entries(pids).map(([name, pid]) => [name, { pid, began: beginningOf(pid) }]));
    writeFileSync(this.pids, `${JSON.stringify(noted)}\n`);
  }

  // A folder that is somebody else's stays as it is.
  checkOwner() {
    if (!existsSync(this.path) || readdirSync(this.path).length === 0) return;
    if (existsSync(join(this.path, 'README'))) return;
    throw new Error(`${this.path} holds something that is not the demo's (it has no README of it): give another folder, or move that away`);
  }

  // Ends what a demo left behind that could not end it itself; another one that is there is let be.
  async endLeftovers() {
    const { demo, dowel } = this.running();
    if (demo) throw new Error(`a demo runs already (process ${demo}): end it with Ctrl-C in its terminal, or with ./dev demo --reset`);
    if (dowel) await this.#end('dowel', dowel);
  }

  async endAll() {
    for (const [name, pid] of Object.entries(this.running())) if (this.running()[name]) await this.#end(name, pid);
  }

  async #end(name, pid) {
    process.kill(pid, 'SIGTERM');
    await until(`process ${pid} ends (else: kill -KILL ${pid})`, () => !this.running()[name], { limit: END_LIMIT_MS });
  }

  make() {
    this.remove();
    mkdirSync(this.path, { recursive: true, mode: 0o700 });
    writeFileSync(join(this.path, 'README'), README);
  }

  remove() {
    rmSync(this.path, { recursive: true, force: true });
  }
}

// When a process began, in ticks since the machine did; undefined when it is not there.
function beginningOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}
