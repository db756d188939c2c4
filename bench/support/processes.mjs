// processes.mjs - what the kernel says about a process and all that it started.

import { readFileSync, readdirSync } from 'node:fs';
import { execFileSync } from 'node:child_process';

const TICKS = Number(execFileSync('getconf', ['CLK_TCK']));

// { parent, ticks } of a process, or undefined when it has ended. Its own time, and that of children already waited for.
function stat(pid) {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const field = text.slice(text.lastIndexOf(')') + 2).split(' '); // from field 3, state, on
    return { parent: Number(field[1]), ticks: field.slice(11, 15).reduce((sum, value) => sum + Number(value), 0) };
  } catch {
    return undefined;
  }
}

// pid and its descendants.
export function tree(pid) {
  const parents = new Map();
  for (const name of readdirSync('/proc')) {
    if (/^\d+$/.test(name)) parents.set(Number(name), stat(name)?.parent);
  }
  const found = [pid];
  for (const one of found) {
    for (const [child, parent] of parents) if (parent === one) found.push(child);
  }
  return found;
}

// User and system time of the tree so far, in seconds.
export function cpuSeconds(pid) {
  return tree(pid).reduce((sum, one) => sum + (stat(one)?.ticks ?? 0), 0) / TICKS;
}

// A line of smaps_rollup summed over the tree, in bytes.
function rollup(pid, line) {
  return tree(pid).reduce((sum, one) => {
    try {
      return sum + Number(line.exec(readFileSync(`/proc/${one}/smaps_rollup`, 'latin1'))[1]) * 1024;
    } catch {
      return sum;
    }
  }, 0);
}

// Proportional set size of the tree: shared pages are divided among those who share them.
export const pss = (pid) => rollup(pid, /^Pss:\s+(\d+) kB/m);

// Of it what is no file: heaps and stacks. Pages of a database's file that are mapped are the system's, which takes them back.
export const pssOwn = (pid) => rollup(pid, /^Pss_Anon:\s+(\d+) kB/m);
