// Presets: release
// Long: it starts eight demos.
// ./dev demo: all that it tells a reader to type does what it says; it ends what it started, and only that; README.md shows it as it is.

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { after, afterEach, describe, test } from 'node:test';

import { quoted } from '../demo/story.mjs';
import { binaryOf, root, temporaryFolder, until } from './support/server.mjs';

const timeout = 120_000;
const limit = 60_000;
const home = temporaryFolder();
const folder = join(home, "an admin's demo"); // what is shown has to be typed as it is
const running = new Set();

// A demo that runs: { said(what), ended, child }.
function demo(...args) {
  const env = { PATH: process.env.PATH, HOME: home, DOWEL_BIN: binaryOf() };
  const child = spawn(process.execPath, ['tests/demo/demo.mjs', '--folder', folder, ...args], { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const one = { child, stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr']) child[name].setEncoding('utf8').on('data', (text) => (one[name] += text));
  one.ended = new Promise((over) => child.once('close', (code, signal) => over({ code, signal, stdout: one.stdout, stderr: one.stderr })));
  one.ended.then(() => running.delete(one));
  one.said = (what) => until(`the demo says ${what}, after: ${one.stdout}${one.stderr}`, () => what.exec(one.stdout), { limit });
  running.add(one);
  return one;
}

const typed = (line) => new Promise((resolve) => {
  execFile('sh', ['-c', line], { cwd: root, timeout: limit }, (error, stdout, stderr) => resolve({ code: error ? error.code : 0, stdout, stderr }));
});
const shapeOf = (text) => text.replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'ID').replace(/\d+/g, 'N');
const pids = () => JSON.parse(readFileSync(join(folder, 'running.json'), 'utf8'));
const isThere = (pid) => existsSync(`/proc/${pid}`) && !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
const gone = (pid) => until(`process ${pid} is gone`, () => !isThere(pid), { limit });
const addressesIn = (text) => [...text.matchAll(/^(?:Zammad|Kimai|Both|Dowel) +(http:\/\/[\d.:]+)/gm)].map(([, url]) => url);
const answers = (url) => fetch(url, { redirect: 'manual' }).then(() => true, () => false);

afterEach(async () => {
  for (const one of [...running]) {
    one.child.kill('SIGTERM');
    await one.ended;
  }
});
after(() => rmSync(home, { recursive: true, force: true }));

describe('./dev demo --once', { timeout }, () => {
  test('types all that it shows, and finds each booked minute in Kimai', async () => {
    const { code, stdout, stderr } = await demo('--once').ended;
    assert.equal(code, 0, stdout + stderr);
    assert.equal(stderr, '');
    assert.match(stdout, /^The timesheets are there: \d+ of \d+ bookings, [1-9]\d* wait for a person/m);
    assert.match(stdout, /^All of it did what it says\.$/m);

    // README.md's first screen: the very command, and an answer that differs in numbers alone.
    const [, command, answer] = /^ {4}\$ (.* timesync run .*)\n {4}(done .*)$/m.exec(readFileSync(join(root, 'README.md'), 'utf8'));
    const here = command.replace(/var\/demo\/(\S+)/g, (_, name) => quoted(join(folder, name))).replace('build/release/bin/dowel', relative(root, binaryOf()));
    const real = stdout.slice(stdout.indexOf(`$ ${here}\n`)).split('\n');
    assert.equal(real[0], `$ ${here}`);
    assert.equal(shapeOf(real[1]), shapeOf(answer));
  });

  test('of another seed too', async () => {
    const { code, stdout, stderr } = await demo('--once', '--seed', '11').ended;
    assert.equal(code, 0, stdout + stderr);
  });
});

describe('./dev demo', { timeout }, () => {
  test('runs until Ctrl-C, says what comes in Kimai, and lets nobody start a second one in its folder', async () => {
    const one = demo();
    await one.said(/Ctrl-C ends everything/);
    const addresses = addressesIn(one.stdout);
    assert.equal(addresses.length, 4, one.stdout);
    for (const url of addresses) assert.ok(await answers(url), url);

    const second = await demo().ended;
    assert.equal(second.code, 1);
    assert.match(second.stderr, /^demo: a demo runs already \(process \d+\): end it with Ctrl-C in its terminal, or with \.\/dev demo --reset$/m);

    const [, command] = /^ {4}(\S.* timesync run .*)$/m.exec(one.stdout);
    const moved = await typed(command);
    assert.equal(moved.code, 0, moved.stderr);
    const [, created] = /created: (\d+)/.exec(moved.stdout);
    // A slow machine rests on the way: what came is said in several lines then.
    const came = () => [...one.stdout.matchAll(/Kimai: (\d+) timesheets? came$/gm)].reduce((sum, [, n]) => sum + Number(n), 0);
    await until(`all that came is said, after: ${one.stdout}`, () => came() === Number(created), { limit });

    const { demo: own, dowel } = pids();
    assert.equal(own.pid, one.child.pid);
    one.child.kill('SIGINT');
    const { code, stdout, stderr } = await one.ended;
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    assert.match(stdout, /^ended {6}Dowel and both stand-ins/m);
    await gone(dowel.pid);
    for (const url of addresses) assert.ok(!(await answers(url)), url);
  });

  test('begins anew after one that was killed, and ends the server that it left behind', async () => {
    const one = demo();
    await one.said(/Ctrl-C ends everything/);
    const { dowel } = pids();
    one.child.kill('SIGKILL');
    await one.ended;
    assert.ok(isThere(dowel.pid), 'nobody could end it');
    const next = demo();
    await next.said(/Ctrl-C ends everything/);
    assert.ok(!isThere(dowel.pid));
    const ended = await demo('--reset').ended;
    assert.equal(ended.code, 0, ended.stderr);
    assert.ok(!existsSync(folder));
    assert.equal((await next.ended).code, 0);
  });

  test('is told when its server ends by itself', async () => {
    const one = demo();
    await one.said(/Ctrl-C ends everything/);
    process.kill(pids().dowel.pid, 'SIGKILL');
    const { code, stderr } = await one.ended;
    assert.equal(code, 1);
    assert.match(stderr, /^demo: Dowel has ended by itself/m);
  });

  test('--reset of nothing, and a folder that is somebody else\'s', async () => {
    rmSync(folder, { recursive: true, force: true });
    assert.equal((await demo('--reset').ended).code, 0);
    mkdirSync(folder);
    writeFileSync(join(folder, 'thesis.txt'), 'ten years of work');
    for (const args of [[], ['--reset']]) {
      const { code, stderr } = await demo(...args).ended;
      assert.equal(code, 1);
      assert.match(stderr, /holds something that is not the demo's/);
    }
    assert.equal(readFileSync(join(folder, 'thesis.txt'), 'utf8'), 'ten years of work');
    rmSync(folder, { recursive: true, force: true });
  });

  test('wrong usage', async () => {
    for (const args of [['--seed', 'x'], ['--what'], ['extra']]) assert.equal((await demo(...args).ended).code, 2, args.join(' '));
    const { code, stdout } = await demo('--help').ended;
    assert.equal(code, 0);
    assert.match(stdout, /^Usage: \.\/dev demo/);
  });
});
