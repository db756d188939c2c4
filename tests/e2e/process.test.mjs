// Presets: release asan
// The life of the processes: signals, upgrade, crashes, and surroundings that are not what a server would wish for.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';

import { Connection, request } from './support/client.mjs';
import { Load } from './support/load.mjs';
import { anybody, binaryOf, childrenOf, dowel, launch, preset, slowness, startServer, startTestServer, temporaryFolder, testServerBinary, until } from './support/server.mjs';

const timeout = 60_000 * slowness;
const FAILED = 1;

let server;
let folder;
beforeEach(() => (folder = temporaryFolder()));
afterEach(async () => {
  await server?.stop();
  server = undefined;
  rmSync(folder, { recursive: true, force: true });
}, { timeout });

const places = () => ['--config', server.configDir, '--data', server.dataDir];
const livez = async () => (await request(server.url, { path: '/livez' })).status;

// The server under a shell, for what a shell can do to a program before it starts it. The line has "$@".
const underShell = (line, { data = join(folder, 'var'), listen = '127.0.0.1:0', count = 1, env, spawning } = {}) =>
  launch('/bin/sh', ['-c', line, 'sh', binaryOf(), 'serve', '--config', folder, '--data', data, '--listen', listen], { cwd: folder, count, env, spawning });

// A request that will not end by itself. With one loop, what is answered after it was read after it.
async function begun() {
  const connection = await Connection.open(server.url);
  connection.send('POST /livez HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nbeginning');
  assert.equal(await livez(), 200);
  return connection;
}

describe('signals', { timeout }, () => {
  const ways = {
    'SIGINT twice ends at once': ['SIGINT', 'SIGINT'],
    'SIGQUIT ends at once': ['SIGQUIT'],
    'SIGTERM, then SIGQUIT ends at once': ['SIGTERM', 'SIGQUIT'],
  };
  for (const [name, signals] of Object.entries(ways)) {
    test(`${name}, whatever is in flight`, async () => {
      server = await startServer({ config: { 'core.yaml': 'loops: 1\ndrain_timeout: 1h\n' } });
      const connection = await begun();
      const processes = [server.pid, ...childrenOf(server.pid)];
      const began = performance.now();
      for (const signal of signals.slice(0, -1)) {
        server.signal(signal);
        await until('it drains', () => /draining/.test(server.stderr));
      }
      await server.stop({ signal: signals.at(-1) });
      assert.ok(performance.now() - began < 7000 * slowness);
      for (const pid of processes) await until(`${pid} is gone`, () => !existsSync(`/proc/${pid}`));
      connection.close();
    });
  }

  test('SIGTERM: who has just connected is still answered, and nobody is waited for that has been', async () => {
    server = await startServer({ config: { 'core.yaml': 'loops: 1\ndrain_timeout: 1h\n' } });
    const fresh = await Connection.open(server.url);
    const used = await Connection.open(server.url);
    assert.equal((await used.request({ path: '/livez' })).status, 200); // the loop has accepted both
    server.signal('SIGTERM');
    await used.toEnd(); // so it drains
    const { status, last } = await fresh.request({ path: '/livez' });
    assert.deepEqual([status, last], [200, true]);
    await server.stop();
  });

  test('SIGTERM: not ready any more, no new connections, the socket and its file are gone', async () => {
    server = await startServer({ config: { 'core.yaml': 'loops: 1\n' }, listen: ['127.0.0.1:0', `unix:${folder}/s.sock`] });
    const connection = await begun();
    server.signal('SIGTERM');
    await until('new connections are refused', () => Connection.open(server.url).then((c) => c.close(), (error) => error.code === 'ECONNREFUSED'));
    connection.close();
    await server.stop();
    assert.ok(!existsSync(`${folder}/s.sock`));
    assert.ok(!existsSync(join(server.dataDir, 'dowel.sock')));
  });

  test('SIGUSR1 does no harm', async () => {
    server = await startServer();
    const old = server.serverPid;
    server.signal('SIGUSR1');
    assert.equal(await livez(), 200);
    assert.equal(server.serverPid, old);
  });
});

describe('an upgrade', { timeout }, () => {
  const install = () => {
    const program = join(folder, 'dowel');
    copyFileSync(binaryOf(), `${program}.new`);
    chmodSync(`${program}.new`, 0o755);
    renameSync(`${program}.new`, program);
    return program;
  };

  let load;
  afterEach(() => load?.stop());

  test('under load keeps the pid and loses nothing', async () => {
    server = await startServer({ binary: install() });
    load = new Load(server.url, { clients: 8 });
    await until('the load has begun', () => load.served > 8);
    for (let i = 0; i < 3; i++) {
      const program = install();
      const old = server.serverPid;
      const { code, stderr } = await dowel(['reload', '--upgrade', ...places()]);
      assert.equal(code, 0, stderr);
      assert.notEqual(server.serverPid, old);
      assert.equal(readFileSync(`/proc/${server.pid}/exe`).equals(readFileSync(program)), true);
      assert.ok(!/deleted/.test(execFileSync('readlink', [`/proc/${server.pid}/exe`], { encoding: 'utf8' })), 'it runs the new file');
    }
    await load.stop();
    assert.deepEqual(load.lost, []);
  });

  test('to a file that does not run changes nothing', async () => {
    const program = install();
    server = await startServer({ binary: program });
    const old = server.serverPid;
    writeFileSync(`${program}.new`, '#!/bin/sh\necho no such library >&2\nexit 127\n', { mode: 0o755 });
    renameSync(`${program}.new`, program);
    const { code, stderr } = await dowel(['reload', '--upgrade', ...places()]);
    assert.equal(code, FAILED);
    assert.match(stderr, /no such library/);
    assert.equal(server.serverPid, old);
    assert.equal(await livez(), 200);
  });
});

describe('crashes', { timeout }, () => {
  test('in a row wait longer and longer, and the log says how long', async () => {
    server = await startServer();
    const waits = () => [...server.stderr.matchAll(/"restart_in":([\d.]+)/g)].map((match) => Math.round(Number(match[1])));
    for (let i = 1; i <= 3; i++) {
      const pid = await until('a server process', () => server.serverPid, { limit: 10_000 });
      process.kill(pid, 'SIGKILL');
      await until(`crash ${i} is in the log`, () => waits().length === i);
    }
    assert.equal(waits()[0], 0);
    assert.ok(waits()[1] >= 1 && waits()[2] > waits()[1], `${waits()}`);
    assert.match(server.stderr, /killed by signal 9/);
    await until('it is back', () => livez().catch(() => false), { limit: 10_000 * slowness });
    const notes = readdirSync(join(server.dataDir, 'crashes')).filter((name) => name.endsWith('.txt'));
    assert.equal(notes.length, 3);
    for (const name of notes) assert.match(readFileSync(join(server.dataDir, 'crashes', name), 'utf8'), /SIGKILL: .*charged to: nobody/s);
  });

  test('leave the process\'s own words, where a signal lets it speak', { skip: /san$/.test(preset) && 'the sanitizer speaks, too' }, async () => {
    server = await startServer();
    process.kill(server.serverPid, 'SIGSEGV');
    const folder = join(server.dataDir, 'crashes');
    const name = await until('there is a note', () => readdirSync(folder).find((entry) => entry.endsWith('.txt')));
    const note = readFileSync(join(folder, name), 'utf8');
    assert.match(note, new RegExp(`\\(SIGSEGV\\), sent by process ${process.pid}\n`));
    assert.match(note, /\nbacktrace.*\n(\S*dowel\S*\(.*\n)/s);
    assert.match(note, /end: was killed by signal 11/);
    await until('it is back', () => livez().catch(() => false), { limit: 10_000 * slowness });
  });
});

describe('a second server', { timeout }, () => {
  test('on the same port is refused, and told who has it', async () => {
    server = await startServer();
    const { host } = new URL(server.url);
    const { code, stderr } = await dowel(['serve', '--config', folder, '--data', join(folder, 'var'), '--listen', host]);
    assert.equal(code, FAILED);
    assert.match(stderr, /in use by dowel \(pid \d+\)/);
    assert.equal(await livez(), 200);
  });

  test('on a Unix socket that is alive is refused, one that is dead is replaced', async () => {
    const path = join(folder, 's.sock');
    const other = net.createServer().listen(path);
    await once(other, 'listening');
    const args = ['serve', '--config', folder, '--data', join(folder, 'var'), '--listen', `unix:${path}`];
    const refused = await dowel(args);
    assert.equal(refused.code, FAILED);
    assert.match(refused.stderr, /running program answers there/);
    other.close();
    await once(other, 'close');
    const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
    await once(spawn(process.execPath, ['-e', script]), 'close');
    assert.ok(existsSync(path), 'a killed program leaves its socket behind');
    server = await startServer({ listen: [`unix:${path}`] });
    assert.equal((await request(`unix:${path}`, { path: '/livez' })).status, 200);
  });
});

describe('surroundings', { timeout }, () => {
  test('a data folder that cannot be written is named at the start', async (t) => {
    const data = join(folder, 'var');
    mkdirSync(data, { mode: 0o500 });
    chownSync(data, anybody.uid, anybody.gid);
    chmodSync(folder, 0o755);
    const run = dowel(['serve', '--config', folder, '--data', data, '--listen', '127.0.0.1:0'], { spawning: anybody, cwd: '/' });
    const { code, stderr } = await run.catch((error) => error);
    if (code === 'EACCES') return t.skip('another user cannot reach the binary');
    assert.equal(code, FAILED);
    assert.ok(stderr.includes(data), stderr);
    assert.match(stderr, /Permission denied.*--data/);
  });

  test('64 descriptors for 200 clients: some are served, the others told to come back, then all goes on', async () => {
    server = await underShell('ulimit -n 64; exec "$@"');
    const clients = await Promise.all(Array.from({ length: 200 }, () => Connection.open(server.url)));
    for (const client of clients) client.send('GET /livez HTTP/1.1\r\nHost: a\r\n\r\n');
    const answers = await Promise.all(clients.map((client) => client.response({ limit: 10_000 }).then((r) => r.status, (error) => error.message)));
    const count = (status) => answers.filter((one) => one === status).length;
    assert.ok(count(200) >= 8, `${count(200)} served`);
    assert.ok(count(200) + count(503) >= 190, `${JSON.stringify(answers.filter((one) => one !== 200 && one !== 503))}`);
    for (const client of clients) client.close();
    await until('there is room again', async () => (await livez().catch(() => 0)) === 200);
    await until('the log says why', () => /limit of open files/.test(server.stderr));
  });

  test('closed standard streams do not let the log into files and connections', async () => {
    const path = join(folder, 's.sock');
    server = await underShell('exec "$@" <&- >&- 2>&-', { listen: `unix:${path}`, count: 0 });
    const url = `unix:${path}`;
    await until('it answers', () => request(url, { path: '/livez' }).then(({ status }) => status === 200, () => false));
    const connection = await Connection.open(url);
    for (let i = 0; i < 20; i++) assert.equal((await connection.request({ path: '/nothing' })).status, 404);
    assert.equal(connection.pending.length, 0);
    connection.close();
    assert.match(readFileSync(join(folder, 'var', 'dowel.lock'), 'latin1'), /^\d+\n$/);
  });

  test('a log that nobody reads any more ends nothing', async () => {
    server = await startServer();
    server.child.stderr.destroy();
    server.child.stdout.destroy();
    for (let i = 0; i < 20; i++) assert.equal((await request(server.url, { path: '/nothing' })).status, 404);
    assert.equal((await dowel(['reload', ...places()])).code, 0);
    assert.equal(await livez(), 200);
  });

  const skip = !existsSync(testServerBinary()) && `the ${preset} build has no route that spools`;
  test('a full disk refuses contents that need it, and spares the others', { skip }, async (t) => {
    const disk = join(folder, 'disk');
    mkdirSync(disk);
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=512k', 'tmpfs', disk], { stdio: 'ignore' });
    } catch {
      return t.skip('mount is not allowed here');
    }
    try {
      server = await startTestServer('--spool', disk);
      const spooled = (size) => request(server.url, { method: 'POST', path: '/spool', body: Buffer.alloc(size, 'x') });
      assert.equal((await spooled(300 * 1024)).status, 200);
      const refused = await spooled(900 * 1024);
      assert.equal(refused.status, 507);
      assert.match(refused.json().type, /insufficient-storage/);
      await until('what was spooled is given back', async () => (await spooled(300 * 1024)).status === 200);
      await until('the log says why', () => /No space left/.test(server.stderr));
    } finally {
      await server?.stop();
      server = undefined;
      execFileSync('umount', ['-l', disk], { stdio: 'ignore' });
    }
  });
});

describe('supervised by others', { timeout }, () => {
  test('as PID 1 it serves, reloads, and ends on SIGTERM', async (t) => {
    try {
      execFileSync('unshare', ['--pid', '--fork', 'true'], { stdio: 'ignore' });
    } catch {
      return t.skip('unshare is not allowed here');
    }
    // unshare waits for the server and passes no signal on: it is asked through its socket, and signalled as itself.
    server = await underShell('exec unshare --pid --fork --kill-child "$@"');
    assert.equal(await livez(), 200);
    const pid = childrenOf(server.pid)[0];
    const first = childrenOf(pid)[0];
    process.kill(pid, 'SIGHUP');
    await until('a new server process', () => childrenOf(pid).some((one) => one !== first));
    assert.equal((await dowel(['reload', '--config', folder, '--data', join(folder, 'var')])).code, 0);
    assert.equal(await livez(), 200);
    process.kill(pid, 'SIGTERM');
    const { code } = await server.ended;
    assert.equal(code, 0);
  });

  test('sockets of systemd are used, through reloads', async () => {
    const own = net.createServer().listen(0, '127.0.0.1');
    await once(own, 'listening');
    const { port } = own.address();
    server = await underShell('LISTEN_PID=$$ LISTEN_FDS=1 exec "$@"', { listen: '127.0.0.1:1', spawning: { stdio: ['ignore', 'pipe', 'pipe', own._handle.fd] } });
    own.close(); // the server has it, too
    assert.deepEqual(server.urls, [`http://127.0.0.1:${port}`], 'in the place of what was asked for');
    for (let i = 0; i < 3; i++) {
      assert.equal(await livez(), 200);
      assert.equal((await dowel(['reload', '--config', folder, '--data', join(folder, 'var')])).code, 0);
    }
  });

  const receiver = `
import os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print("bound", flush=True)
while True:
    print(s.recv(4096).decode().replace("\\n", "|"), flush=True)
`;

  test('systemd is told of being ready, reloading and stopping', async (t) => {
    try {
      execFileSync('python3', ['-c', 'import socket'], { stdio: 'ignore' });
    } catch {
      return t.skip('there is no python3 to receive datagrams');
    }
    const path = join(folder, 'notify.sock');
    const python = spawn('python3', ['-c', receiver, path], { stdio: ['ignore', 'pipe', 'inherit'] });
    let told = '';
    python.stdout.setEncoding('utf8').on('data', (text) => (told += text));
    try {
      await until('the receiver listens', () => told.includes('bound'));
      server = await startServer({ env: { NOTIFY_SOCKET: path, WATCHDOG_USEC: '400000' } });
      await until('READY', () => /READY=1\|STATUS=generation 1 serves/.test(told));
      await until('a watchdog', () => /WATCHDOG=1/.test(told));
      assert.equal((await dowel(['reload', ...places()])).code, 0);
      await until('READY again', () => /RELOADING=1\|MONOTONIC_USEC=\d+[^]*READY=1\|STATUS=generation 2/.test(told));
      await server.stop();
      server = undefined;
      await until('STOPPING', () => /STOPPING=1/.test(told));
    } finally {
      python.kill();
    }
  });
});
