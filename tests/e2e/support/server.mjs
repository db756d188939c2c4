// server.mjs - a Dowel of one's own: temporary folders, a free port, and an end that is certain.

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = resolve(dirname(fileURLToPath(import.meta.url)), '../../..');
export const preset = process.env.DOWEL_PRESET ?? 'release';

// A sanitizer makes everything several times slower; limits that are about a good server's speed are stretched by it.
export const slowness = { asan: 4, tsan: 10, coverage: 2 }[preset] ?? 1;

export const binaryOf = (name = preset) => process.env.DOWEL_BIN ?? join(root, 'build', name, 'bin', 'dowel');

const START_LIMIT_MS = 10_000 * slowness;
const STOP_LIMIT_MS = 15_000 * slowness;
const COMPLAINT = /ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|runtime error:|Assertion .* failed/;

// Options of spawn() for what root could do and an ordinary user cannot.
export const anybody = process.getuid() === 0 ? { uid: 65534, gid: 65534 } : { uid: process.getuid(), gid: process.getgid() };

// Nothing of the developer's own environment must decide how a test ends.
function environment(extra) {
  const kept = Object.entries(process.env).filter(([name]) => /^(PATH|LANG|TZ|\w+SAN_OPTIONS|GCOV_\w+)$/.test(name));
  return { ...Object.fromEntries(kept), HOME: tmpdir(), ...extra };
}

// The ids of the processes whose parent is `pid`, oldest first: by when they began, as numbers are used again.
export function childrenOf(pid) {
  const children = [];
  for (const name of readdirSync('/proc').filter((one) => /^\d+$/.test(one))) {
    try {
      // pid (comm) state ppid ... starttime; comm may hold anything, so the last ')' counts.
      const stat = readFileSync(`/proc/${name}/stat`, 'latin1');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      if (Number(fields[1]) === pid && fields[0] !== 'Z') children.push({ id: Number(name), began: Number(fields[19]) });
    } catch {
      continue; // it has just ended
    }
  }
  return children.sort((a, b) => a.began - b.began || a.id - b.id).map(({ id }) => id);
}

export function sleep(ms) {
  return new Promise((resolved) => setTimeout(resolved, ms));
}

// Asks probe() until it gives something true; its value. Rejects after `limit` milliseconds.
export async function until(what, probe, { limit = 15_000 * slowness, every = 20 } = {}) {
  const end = Date.now() + limit;
  for (;;) {
    const value = await probe();
    if (value) return value;
    if (Date.now() > end) throw new Error(`not within ${limit} ms: ${what}`);
    await sleep(every);
  }
}

export function temporaryFolder() {
  return mkdtempSync(join(tmpdir(), 'dowel-'));
}

// { 'core.yaml': 'text' } into `folder`.
export function writeFiles(folder, files) {
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
}

function kill(pid, signal) {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}

const running = new Set();
function endAll() {
  for (const server of running) server.kill();
}
process.on('exit', endAll);
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) {
  process.once(signal, () => {
    endAll();
    process.exit(1);
  });
}

class Server {
  constructor(child, folders) {
    this.child = child;
    Object.assign(this, folders);
    this.pid = child.pid; // the supervisor
    this.stdout = '';
    this.stderr = '';
    this.urls = [];
    this.gone = new Promise((resolved) => child.once('exit', resolved)); // the supervisor alone; `ended`: nobody has its pipes any more
    this.ended = new Promise((resolved) => {
      child.on('error', (error) => resolved({ error }));
      child.on('close', (code, signal) => resolved({ code, signal }));
    });
    child.stdout.setEncoding('utf8').on('data', (text) => {
      this.stdout += text;
      this.urls = [...this.stdout.matchAll(/^listening on (\S+)\s*$/gm)].map((match) => match[1]);
    });
    child.stderr.setEncoding('utf8').on('data', (text) => (this.stderr += text));
  }

  get url() {
    return this.urls[0];
  }

  // The server process: the supervisor's youngest child.
  get serverPid() {
    return childrenOf(this.pid).at(-1);
  }

  signal(name) {
    if (this.child.exitCode === null && this.child.signalCode === null) kill(this.pid, name);
  }

  // Resolves when the log holds what is looked for.
  said(what, options) {
    return until(`the log says ${what}; it ends with ${this.stderr.slice(-2000)}`, () => what.test(this.stderr), options);
  }

  // At once, with whatever children there are. Safe to call again.
  kill() {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const children = childrenOf(this.pid);
    kill(this.pid, 'SIGKILL');
    for (const pid of children) kill(pid, 'SIGKILL');
  }

  // Ends the server as an admin would, and fails when it does not end well or a sanitizer had something to say.
  async stop({ signal = 'SIGTERM', limit = STOP_LIMIT_MS } = {}) {
    this.signal(signal);
    const timer = setTimeout(() => this.kill(), limit);
    const { code, signal: by, error } = await this.ended;
    clearTimeout(timer);
    running.delete(this);
    for (const folder of this.temporary) rmSync(folder, { recursive: true, force: true });
    const complaint = COMPLAINT.exec(this.stderr);
    if (complaint) throw new Error(`the server's log holds: ${this.stderr.slice(complaint.index, complaint.index + 4000)}`);
    if (error) throw error;
    if (code !== 0) throw new Error(`after ${signal} the server ended with ${code ?? by}:\n${this.stderr.slice(-2000)}`);
  }
}

// Starts a process and waits until it has said `count` times where it listens. What is in `temporary` is removed with
// it; `spawning` are further options of node's spawn().
export async function launch(binary, args, { env = {}, cwd, count = 1, folders = {}, temporary = [], spawning = {} } = {}) {
  if (!existsSync(binary)) throw new Error(`${binary} is not there: ./dev build ${preset}`);
  const child = spawn(binary, args, { cwd, env: environment(env), stdio: ['ignore', 'pipe', 'pipe'], ...spawning });
  const server = new Server(child, { ...folders, temporary });
  running.add(server);
  const early = server.ended.then(({ code, signal, error }) => {
    throw error ?? new Error(`the server ended with ${code ?? signal} before it listened:\n${server.stderr.slice(-4000)}`);
  });
  let over = false; // of one that has ended nothing is to be awaited any more
  server.ended.then(() => (over = true));
  const listening = until('the server listens', () => over || server.urls.length >= count, { limit: START_LIMIT_MS, every: 5 });
  early.catch(() => {});
  listening.catch(() => {});
  try {
    await Promise.race([listening, early]);
  } catch (error) {
    server.kill();
    await server.ended;
    running.delete(server);
    for (const folder of temporary) rmSync(folder, { recursive: true, force: true });
    error.stderr = server.stderr;
    throw error;
  }
  return server;
}

// Starts `dowel serve` and waits until it listens.
//   config   files of the configuration folder, { 'core.yaml': '...' }
//   listen   addresses; port 0 picks one
//   args     further arguments
//   data     a data folder to use instead of a temporary one
//   env      further environment
// Gives { url, urls, pid, serverPid, stdout, stderr, configDir, dataDir, signal(), stop(), kill() }.
export function startServer({ config = {}, listen = ['127.0.0.1:0'], args = [], data, env = {}, binary = binaryOf() } = {}) {
  const configDir = temporaryFolder();
  const dataDir = data ?? temporaryFolder();
  writeFiles(configDir, config);
  const listens = listen.flatMap((address) => ['--listen', address]);
  return launch(binary, ['serve', '--config', configDir, '--data', dataDir, ...listens, ...args], {
    env,
    cwd: configDir, // no .env of the tree is found
    count: listen.length,
    folders: { configDir, dataDir },
    temporary: data ? [configDir] : [configDir, dataDir],
  });
}

export const testServerBinary = (name = preset) => join(root, 'build', name, 'bin', 'testserver');

// Starts tests/support/testserver.c: the HTTP server with routes that can be asked anything of, no supervisor and no
// configuration; the arguments are its options.
export function startTestServer(...args) {
  return startTestServerWith({}, ...args);
}

// The same with further environment.
export function startTestServerWith(env, ...args) {
  return launch(testServerBinary(), args.map(String), { env, cwd: tmpdir() });
}

// Runs the binary to its end: { code, signal, stdout, stderr }.
export function dowel(args, { env = {}, cwd = tmpdir(), limit = 20_000 * slowness, input = '', binary = binaryOf(), spawning = {} } = {}) {
  return new Promise((resolved, rejected) => {
    const child = spawn(binary, args, { cwd, env: environment(env), stdio: ['pipe', 'pipe', 'pipe'], ...spawning });
    const out = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr']) child[name].setEncoding('utf8').on('data', (text) => (out[name] += text));
    child.stdin.on('error', () => {}).end(input); // a verb that does not read its input is no error
    const timer = setTimeout(() => child.kill('SIGKILL'), limit);
    child.on('error', rejected);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      const complaint = COMPLAINT.exec(out.stderr);
      if (complaint) rejected(new Error(`dowel ${args.join(' ')}: ${out.stderr.slice(complaint.index, complaint.index + 4000)}`));
      else resolved({ code, signal, ...out });
    });
  });
}
