// plugins.mjs - a server with plugins, and what it says about them.

import { mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { request } from './client.mjs';
import { dowel, preset, root, startServer, until } from './server.mjs';

export const hostileFolder = join(root, 'build', preset, 'hostile');
export const pluginFolder = join(root, 'build', preset, 'lib/dowel/plugins');

// Starts a server with plugins:
//   plugins  { good: '', crash: 'required: true\n' }, what conf.d/NAME.yaml says besides `enabled: true`
//   core     what conf.d/core.yaml says
//   folder   where they are
// Further options are those of startServer().
export function startWith({ plugins, core = '', folder = hostileFolder, ...options }) {
  const files = Object.entries(plugins).map(([name, text]) => [`${name}.yaml`, `enabled: true\n${text}`]);
  const config = { 'core.yaml': `access_log: false\nplugin_dirs: [${folder}]\n${core}`, ...Object.fromEntries(files) };
  return startServer({ ...options, config });
}

// The lines of the log so far, parsed. What comes through a pipe may end in the middle of one.
export function logOf(server) {
  return server.stderr.split('\n').slice(0, -1).filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));
}

const fits = (wanted) => (line) => Object.entries(wanted).every(([name, value]) => (value instanceof RegExp ? value.test(line[name] ?? '') : line[name] === value));

// Waits for a line whose fields are those, or match.
export function logged(server, wanted, options) {
  const shown = JSON.stringify(wanted, (_, value) => (value instanceof RegExp ? String(value) : value));
  return until(`a log line with ${shown}; the log ends with ${server.stderr.slice(-2000)}`, () => logOf(server).find(fits(wanted)), options);
}

export const linesWith = (server, wanted) => logOf(server).filter(fits(wanted));

export const readyz = async (server) => (await request(server.url, { path: '/readyz?verbose' })).text();

// Crash notes, oldest first.
export function notesOf(server) {
  const folder = join(server.dataDir, 'crashes');
  mkdirSync(folder, { recursive: true });
  return readdirSync(folder).filter((name) => name.endsWith('.txt')).sort().map((name) => readFileSync(join(folder, name), 'utf8'));
}

// `dowel ...` on this server's configuration and data.
export const command = (server, ...args) => dowel([...args, '--config', server.configDir, '--data', server.dataDir]);
