// abi.mjs - is the binary contract between server and plugins still the one that was accepted? `./dev abi` runs it.
//
// Neither the server nor a plugin shows its types to a tool: they export nothing, or one function. So a probe is compiled
// that takes every struct and enum of the headers, and libabigail compares what is in it with tests/abi/baseline.abi.
// Appending to a table is no harm, and is reported all the same: the suppression for that hides changed slots as well.

import { execFileSync, spawnSync } from 'node:child_process';
import { appendFileSync, cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
export const headers = join(here, '../../sdk/include');
export const baseline = join(here, 'baseline.abi');
export const history = join(here, 'history.md');
export const frozen = join(here, 'frozen'); // its README.md says what is in it

// "struct dw_call", "enum dw_error"...: each that a header of the folder declares.
export function typesOf(folder) {
  const text = readdirSync(join(folder, 'dowel')).sort().map((name) => readFileSync(join(folder, 'dowel', name), 'utf8')).join('\n');
  return [...new Set([...text.matchAll(/^(?:typedef )?((?:struct|enum|union) dw_\w+)(?= \{|;|\s+dw_\w+;)/gm)].map((match) => match[1]))].sort();
}

// The value of a #define of value.h.
export function constantOf(folder, name) {
  return Number(new RegExp(`^#define ${name} (\\d+)$`, 'm').exec(readFileSync(join(folder, 'dowel/value.h'), 'utf8'))[1]);
}

// "0.1"
export const versionOf = (folder) => ['DW_ABI_MAJOR', 'DW_ABI_MINOR'].map((name) => constantOf(folder, name)).join('.');

function probeOf(folder) {
  const takes = typesOf(folder).map((type) => {
    const name = `probe_${type.replace(' ', '_')}`;
    return `DW_EXPORT void ${name}(${type} *it);\nvoid ${name}(${type} *it) { (void)it; }\n`;
  });
  const entry = 'const dw_plugin *dowel_plugin_v0(void) { return 0; }\n';
  return `#include <dowel/dowel.h>\n${takes.join('')}${entry}`;
}

// Compiles the probe of these headers to FILE, with the debug information that libabigail reads.
export function buildProbe(folder, file) {
  const flags = execFileSync('pkg-config', ['--cflags', 'jansson'], { encoding: 'utf8' }).trim().split(/\s+/).filter(Boolean);
  execFileSync('cc', ['-std=c11', '-g', '-O0', '-shared', '-fPIC', '-fvisibility=hidden', `-I${folder}`, ...flags, '-xc', '-', '-o', file], { input: probeOf(folder), stdio: ['pipe', 'inherit', 'inherit'] });
}

function abidiff(...args) {
  const { status, stdout, stderr, error } = spawnSync('abidiff', ['--no-architecture', '--harmless', '--no-show-locs', ...args], { encoding: 'utf8' });
  if (error) throw error;
  if (status & 3) throw new Error(`abidiff ${args.join(' ')}: ${stdout}${stderr}`); // it could not do its work
  return { differs: status !== 0, report: stdout };
}

// What is different: '' if nothing is, else libabigail's report; that of the changed types alone where it says enough.
export function compare(before, after) {
  const { differs, report } = abidiff(before, after);
  if (!differs) return '';
  const leaves = abidiff('--leaf-changes-only', before, after);
  return leaves.differs ? leaves.report : report;
}

// The probe as libabigail writes it down, without what is only of this machine.
export function dump(probe) {
  const quiet = ['--no-architecture', '--no-corpus-path', '--no-comp-dir-path', '--no-show-locs', '--type-id-style', 'hash'];
  const text = execFileSync('abidw', [...quiet, probe], { encoding: 'utf8', maxBuffer: 1 << 26 });
  return text.replace(/ path='[^']*'/, " path='probe.c'");
}

export const ADVICE = `If this is meant, and plugins built before may stop working by it, accept it with its reason:
  ./dev abi accept "dw_fetch: the answer's age"
While the ABI's major is 0 that is all. From 1 on, only appended members and slots may be accepted, with a new DW_ABI_MINOR.`;

// Makes a folder for `use` and takes it away again.
export function inFolder(use) {
  const folder = mkdtempSync(join(tmpdir(), 'dowel-abi-'));
  try {
    return use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function check() {
  const report = inFolder((folder) => {
    buildProbe(headers, join(folder, 'probe.so'));
    return compare(baseline, join(folder, 'probe.so'));
  });
  if (!report) {
    console.log('The ABI is the accepted one.');
    return 0;
  }
  console.log(`${report}\n${ADVICE}`);
  return 1;
}

function accept(reason) {
  inFolder((folder) => {
    const probe = join(folder, 'probe.so');
    buildProbe(headers, probe);
    const report = compare(baseline, probe);
    if (!report) {
      console.log('There is nothing to accept: the ABI has not changed.');
      return;
    }
    const text = dump(probe);
    appendFileSync(history, `\n## ${versionOf(headers)}: ${reason}\n\n\`\`\`\n${report.replace(/[ \t]+$/gm, '').replaceAll('\t', '  ').trim()}\n\`\`\`\n`);
    writeFileSync(baseline, text);
    console.log(`Accepted. Commit tests/abi/baseline.abi and tests/abi/history.md with the headers.`);
  });
  return 0;
}

function freeze() {
  const to = join(frozen, versionOf(headers), 'include');
  rmSync(to, { recursive: true, force: true });
  cpSync(headers, to, { recursive: true });
  console.log(`The headers of ABI ${versionOf(headers)} are frozen. What else belongs to them: tests/abi/frozen/README.md`);
  return 0;
}

function main([word, ...rest]) {
  const reason = rest.join(' ').trim();
  if (word === undefined) return check();
  if (word === 'accept' && reason) return accept(reason);
  if (word === 'freeze' && !reason) return freeze();
  console.error(`./dev abi                   has the ABI changed?
./dev abi accept "REASON"   it has, and that is meant
./dev abi freeze            this minor is released: its headers are kept, to test against`);
  return 2;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = main(process.argv.slice(2));
