// next.mjs - the tree as the next minor might have it: all that may be appended to has got something. A plugin built with
// its headers is a new plugin, the server that is built of it the new server.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { constantOf, headers } from './abi.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');

// What the server is built of.
const sources = ['CMakeLists.txt', 'cmake', 'core', 'sdk'];

function replaceOnce(text, file, from, to) {
  if (text.split(from).length !== 2) throw new Error(`${file} has to hold this once: ${from}`);
  return text.replace(from, () => to);
}

// Writes the header `file` of the folder anew; what is to be replaced has to be there once.
export function edit(folder, file, from, to) {
  const path = join(folder, 'dowel', file);
  writeFileSync(path, replaceOnce(readFileSync(path, 'utf8'), file, from, to));
}

// ---- what is new in it ----

const FUNCTION = 'int (*from_next)(dw_call *c);';
const MEMBER = 'const char *from_next;';

// The structs that have a member more. Plugins fill them, and the server some.
export const grown = {
  'auth.h': { dw_principal: MEMBER, dw_permission: MEMBER, dw_auth_api: FUNCTION, dw_credential: MEMBER, dw_authenticator: MEMBER },
  'call.h': { dw_err: MEMBER, dw_call_api: FUNCTION, dw_host: 'const struct dw_next_api *next;' },
  'client.h': { dw_answer: MEMBER, dw_fetch_args: MEMBER },
  'command.h': { dw_argument: MEMBER, dw_command: MEMBER, dw_command_api: FUNCTION },
  'conf.h': { dw_item: MEMBER },
  'connector.h': {
    dw_connector: MEMBER, dw_listing: MEMBER, dw_thing: MEMBER, dw_thing_query: MEMBER, dw_entry: MEMBER, dw_entry_query: MEMBER, dw_timesheet: MEMBER,
    dw_timesheet_query: MEMBER, dw_time_source: MEMBER, dw_time_target: MEMBER, dw_connection_use: MEMBER, dw_connection_uses: MEMBER,
    dw_connector_api: FUNCTION,
  },
  'db.h': { dw_db_api: FUNCTION },
  'events.h': { dw_event: MEMBER, dw_subscription: MEMBER, dw_delivery: MEMBER, dw_inbox: MEMBER, dw_events_api: FUNCTION },
  'hook.h': { dw_question: MEMBER, dw_hook: MEMBER, dw_service: MEMBER },
  'http.h': { dw_operation: MEMBER, dw_route: MEMBER, dw_detach_args: MEMBER },
  'jobs.h': { dw_job_kind: MEMBER, dw_schedule: MEMBER, dw_job_args: MEMBER, dw_jobs_api: FUNCTION },
  'plugin.h': { dw_asset: MEMBER, dw_plugin: MEMBER, dw_sizes: 'uint16_t from_next;' },
};

const TABLE = `typedef struct dw_next_api {
    uint32_t struct_size;
    ${FUNCTION}
} dw_next_api;

`;

// A function of the server's, which tells by its number who was asked.
const answers = (number) => `static int from_next(dw_call *c)
{
    (void)c;
    return ${number};
}

`;

// { file: [[what stands there, what is put in front of it]] }
function additions() {
  const added = {
    'sdk/include/dowel/call.h': [['/* DW_HAS(', TABLE]],
    'sdk/include/dowel/plugin.h': [['sizeof(dw_listing) };', 'sizeof(dw_listing), ']],
    'core/plugin/host_call.c': [['const dw_call_api host_call_api = {', answers(41)], ['    .self = self,', '    .from_next = from_next,\n']],
    'core/plugin/host.c': [
      ['const dw_host host_tables = {', `${answers(42)}static const dw_next_api next_api = { .struct_size = sizeof(next_api), .from_next = from_next };\n\n`],
      ['    .call = &host_call_api,', '    .next = &next_api,\n'],
    ],
  };
  for (const [file, structs] of Object.entries(grown)) {
    const path = `sdk/include/dowel/${file}`;
    added[path] = [...(added[path] ?? []), ...Object.entries(structs).map(([name, member]) => [`} ${name};`, `    ${member}\n`])];
  }
  return added;
}

// The tree's files with all of that: { path: text or bytes }.
function nextFiles() {
  const files = {};
  for (const path of sources.flatMap((name) => filesBelow(name))) files[path] = readFileSync(join(root, path));
  for (const [path, added] of Object.entries(additions()))
    files[path] = added.reduce((text, [before, what]) => replaceOnce(text, path, before, what + before), files[path].toString());
  const path = 'sdk/include/dowel/value.h';
  const minor = constantOf(headers, 'DW_ABI_MINOR');
  files[path] = replaceOnce(files[path].toString(), path, `#define DW_ABI_MINOR ${minor}\n`, `#define DW_ABI_MINOR ${minor + 1}\n#define DW_FROM_NEXT 1\n`);
  return files;
}

// ---- writing and building it ----

function filesBelow(path, folder = root) {
  const entries = readdirSync(join(folder, dirname(path)), { withFileTypes: true });
  if (!entries.find((entry) => entry.name === path.split('/').at(-1)).isDirectory()) return [path];
  return readdirSync(join(folder, path)).flatMap((name) => filesBelow(`${path}/${name}`, folder));
}

function isSame(path, content) {
  return existsSync(path) && readFileSync(path).equals(Buffer.from(content));
}

// Writes the tree to the folder. What is there already and right stays as it is, so that it need not be built again.
export function makeNext(folder) {
  const files = nextFiles();
  for (const [path, content] of Object.entries(files)) {
    const target = join(folder, path);
    mkdirSync(dirname(target), { recursive: true });
    if (!isSame(target, content)) writeFileSync(target, content);
  }
  for (const path of readdirSync(folder).flatMap((name) => filesBelow(name, folder))) {
    if (!(path in files)) rmSync(join(folder, path));
  }
  return join(folder, 'sdk/include');
}

// Builds the server of the tree in `source` in `folder`: the program alone, and not optimised, which is quickest.
export function buildNext(source, folder) {
  const options = { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], timeout: 280_000, env: { ...process.env, CCACHE_BASEDIR: root } };
  const parts = ['TESTS', 'EXAMPLES', 'HOSTILE', 'PLUGINS', 'PAGES'].map((name) => `-DDOWEL_${name}=OFF`);
  const generator = existsSync(join(folder, 'CMakeCache.txt')) || !isThere('ninja') ? [] : ['-G', 'Ninja'];
  execFileSync('cmake', ['-S', source, '-B', folder, ...generator, ...parts], options);
  execFileSync('cmake', ['--build', folder, '--target', 'dowel', '--parallel', '2'], options);
  return join(folder, 'bin/dowel');
}

function isThere(command) {
  try {
    execFileSync(command, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (process.argv.length !== 3) throw new Error('node next.mjs FOLDER');
  const [source, build] = ['source', 'build'].map((name) => join(process.argv[2], name));
  makeNext(source);
  console.log(buildNext(source, build));
}
