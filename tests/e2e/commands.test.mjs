// Verbs of plugins: the same with a server running and without, and what is wrong says what to do.

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { hostileFolder, linesWith, logged, notesOf, pluginFolder, startWith } from './support/plugins.mjs';
import { anybody, binaryOf, dowel, preset, root, slowness, temporaryFolder, until, writeFiles } from './support/server.mjs';

const timeout = 60_000 * slowness;
const ACME = '0190a0a0-0000-7000-8000-00000000000a';
const PASSWORD = 'correct horse battery staple';
const sha256 = (text) => createHash('sha256').update(text).digest('hex');

// Folders as of a server that does not run; { configDir, dataDir, remove() }.
function stopped({ plugins, folder = hostileFolder, core = '' }) {
  const [configDir, dataDir] = [temporaryFolder(), temporaryFolder()];
  const files = Object.entries(plugins).map(([name, text]) => [`${name}.yaml`, `enabled: true\n${text}`]);
  writeFiles(configDir, { 'core.yaml': `access_log: false\nplugin_dirs: [${folder}]\n${core}`, ...Object.fromEntries(files) });
  const remove = () => [configDir, dataDir].forEach((one) => rmSync(one, { recursive: true, force: true }));
  return { configDir, dataDir, remove };
}

const at = (place) => ['--config', place.configDir, '--data', place.dataDir];
const run = (place, line, { input = '', ...options } = {}) => dowel([...at(place), ...(Array.isArray(line) ? line : line.split(' '))], { input, ...options });

// On a terminal, where `steps` are what it asks and what is answered.
function onTerminal(place, line, steps) {
  const args = [join(root, 'tests/support/terminal.py'), JSON.stringify(steps), binaryOf(), ...line.split(' '), ...at(place)];
  return new Promise((resolved) => {
    const env = { ...process.env, SLOWNESS: String(slowness) };
    execFile('python3', args, { timeout, env }, (error, stdout) => resolved({ code: error?.code ?? 0, shown: stdout }));
  });
}

// ---- the same wherever it runs ----

// { line, input } and what comes of it: code, stdout and stderr, which are texts or matched.
const cases = [
  { line: 'errand echo hi', code: 0, stdout: /^word {4}hi\nnumber {2}0\nrest {4}-\n/ },
  {
    line: 'errand echo hi 5 a b --role x --role=y --at 2026-11-21T08:05:00Z --kind soft --loud --count 3 --output json',
    code: 0,
    stdout: '{"word":"hi","number":5,"rest":["a","b"],"role":["x","y"],"at":"2026-11-21T08:05:00.000000Z","kind":"soft","loud":true,"count":3}\n',
  },
  { line: ['errand', 'echo', 'two words', '-5', '--', '--x'], code: 0, stdout: /^word {4}two words\nnumber {2}-5\nrest {4}\["--x"\]\n/ },
  { line: 'errand who --output json', code: 0, stdout: '{"machine":true,"tenant":null,"started":1}\n' },
  { line: `errand who --tenant ${ACME} --output json`, code: 0, stdout: `{"machine":true,"tenant":"${ACME}","started":1}\n` },
  { line: 'fetch --output json', code: 0, stdout: '{"machine":true,"tenant":null,"started":1}\n' },
  { line: 'errand password', input: `${PASSWORD}\nmore`, code: 0, stdout: `taken (sha256: ${sha256(PASSWORD)})\n` },
  { line: 'errand password', input: PASSWORD, code: 0, stdout: `taken (sha256: ${sha256(PASSWORD)})\n` },
  { line: 'errand secret', input: `${PASSWORD}\r\n`, code: 0, stdout: `taken (sha256: ${sha256(PASSWORD)})\n` },
  { line: 'errand password', code: 1, stdout: '', stderr: /nothing was given on standard input/ },
  { line: 'errand password', input: 'x'.repeat(1025), code: 1, stdout: '', stderr: /more than 1024 bytes/ },
  { line: 'errand password', input: Buffer.from([0x61, 0xff, 0x0a]), code: 1, stdout: '', stderr: /not UTF-8/ },
  { line: 'errand bytes', input: 'a\0b', code: 0, stdout: `read (bytes: 3, sha256: ${sha256('a\0b')})\n` },
  { line: 'errand bytes', code: 0, stdout: `read (bytes: 0, sha256: ${sha256('')})\n` },
  { line: 'errand bytes', input: 'x'.repeat(5_000_000), code: 0, stdout: `read (bytes: 5000000, sha256: ${sha256('x'.repeat(5_000_000))})\n` },
  { line: 'errand text', input: 'one\ntwo\0', code: 1, stdout: '', stderr: 'standard input: line 2 is not UTF-8, or has a NUL\n' },
  { line: 'errand ask', code: 2, stdout: 'this is about\\u001b[2J everything\n', stderr: /standard input is no terminal: say --yes/ },
  { line: 'errand ask --yes', code: 0, stdout: 'this is about\\u001b[2J everything\ndone (yes: true)\n' },
  { line: 'errand ask --yes --output json', code: 0, stdout: '{"yes":true}\n' },
  { line: 'errand fail 5', code: 1, stdout: 'before it failed\n', stderr: 'it went wrong (code: 5)\n' },
  { line: 'errand fail 5 --output json', code: 1, stdout: '', stderr: 'it went wrong (code: 5)\n' },
  { line: 'errand fail 0', code: 2, stdout: 'before it failed\n', stderr: /^code: is nothing that can go wrong\n\nUsage: dowel errand fail CODE \[OPTION\.\.\.\]; see dowel errand fail --help\n$/ },
  { line: 'errand half', code: 1, stdout: 'looked around\n', stderr: 'it is taken already\n' },
  { line: 'errand keep', code: 0, stdout: 'kept\n' },
  { line: 'errand keep', code: 0, stdout: 'kept\n' },
  { line: 'errand misuse', code: 1, stdout: '', stderr: /nobody is no argument of the command errand misuse\n$/ },
  { line: 'errand brief', code: 1, stdout: '', stderr: 'it was cancelled, as it did not end within 1s\n' },
  { line: 'errand lines 30000', code: 0, stdout: /^one line .*\(line: 0\)\n[^]{1500000,}\(line: 29999\)\n$/ },
];

// What is typed wrongly, and what the user reads.
const slips = [
  ['errand echo', /^word is missing: what is said\n\nUsage: dowel errand echo WORD \[NUMBER\] \[REST\.\.\.\] \[OPTION\.\.\.\]; see dowel errand echo --help\n/],
  ['errand echo x y', /^number y: say a whole number\n/],
  ['errand echo x --kind medium', /^--kind medium: say one of: soft hard\n/],
  ['errand echo x --rol y', /^--rol: unknown option, did you mean --role\?\n/],
  ['errand echo x --at soon', /^--at soon: say when, as 2026-11-21T08:05:00Z, or how long ago, as 2h or 7d\n/],
  ['errand echo x --count', /^--count needs a value: N\n/],
  ['errand echo x --count --loud', /^--count needs a value: N\n/],
  ['errand echo x --count 1 --count 2', /^--count is given twice\n/],
  ['errand echo x --loud=yes', /^--loud takes no value\n/],
  ['errand echo x --role=', /^--role is empty: it needs ROLE\n/],
  ['errand echo x -r y', /^-r: unknown option; all but -h are written out, as --data\n/],
  ['errand who --tenant acme', /^--tenant acme: say an id, a UUID such as /],
  ['errand fail 1 2', /^2: one argument too many\n/],
  ['errand ecko x', /^dowel: errand ecko: unknown verb, did you mean errand echo\?\n/],
  ['errant echo x', /^dowel: errant echo: unknown verb, did you mean errand echo\?\n/],
  ['errant', /^dowel: errant: unknown verb, did you mean errand\?\n/],
  ['frobnicate', /^dowel: frobnicate: unknown verb\n/],
  ['errand frobnicate', /^dowel: errand frobnicate: unknown verb; dowel errand --help has those that there are\n/],
  ['errand', /^errand: say what to do:\n {2}dowel errand echo WORD \[NUMBER\] \[REST\.\.\.\] +Says what it was told\n/],
];

function holds(value, wanted, what) {
  if (wanted instanceof RegExp) assert.match(value, wanted, what);
  else assert.equal(value, wanted, what);
}

for (const running of [true, false]) {
  describe(running ? 'with a server' : 'without a server', { timeout }, () => {
    let place;
    before(async () => (place = running ? await startWith({ plugins: { errand: '' } }) : stopped({ plugins: { errand: '' } })), { timeout });
    after(() => (running ? place.stop() : place.remove()), { timeout });

    for (const { line, input, code, stdout, stderr = '' } of cases) {
      test(`dowel ${Array.isArray(line) ? line.join(' ') : line}${input ? ` with ${input.length} bytes` : ''}`, async () => {
        const outcome = await run(place, line, { input });
        holds(outcome.stdout, stdout, outcome.stderr);
        holds(outcome.stderr.replace(/^\d{4}-.*\n/gm, ''), stderr); // without what is logged
        assert.equal(outcome.code, code);
      });
    }

    for (const [line, said] of slips) {
      test(`dowel ${line} says what is wrong`, async () => {
        const outcome = await run(place, line);
        assert.match(outcome.stderr, said);
        assert.deepEqual([outcome.code, outcome.stdout], [2, '']);
      });
    }

    test('a password is typed twice, and not seen', async () => {
      const outcome = await onTerminal(place, 'errand password', [['password: ', `${PASSWORD}\n`], ['again: ', `${PASSWORD}\n`]]);
      assert.equal(outcome.code, 0, outcome.shown);
      assert.match(outcome.shown, new RegExp(`taken \\(sha256: ${sha256(PASSWORD)}\\)`));
      assert.doesNotMatch(outcome.shown, /horse/);
    });

    test('two passwords that are not the same are none', async () => {
      const outcome = await onTerminal(place, 'errand password', [['password: ', `${PASSWORD}\n`], ['again: ', 'another\n']]);
      assert.equal(outcome.code, 1, outcome.shown);
      assert.match(outcome.shown, /the two are not the same; nothing was done/);
    });

    test('Ctrl-C instead of a password leaves the terminal as it was', async () => {
      const outcome = await onTerminal(place, 'errand password', [['password: ', '\u0003']]);
      assert.equal(outcome.code, 98, outcome.shown); // by the signal
      assert.doesNotMatch(outcome.shown, /taken/);
    });

    test('a question is answered at the terminal', async () => {
      const yes = await onTerminal(place, 'errand ask', [['Really? [y/N] ', 'y\n']]);
      assert.equal(yes.code, 0, yes.shown);
      assert.match(yes.shown, /done \(yes: true\)/);
      const no = await onTerminal(place, 'errand ask', [['Really? [y/N] ', '\n']]);
      assert.equal(no.code, 0, no.shown);
      assert.match(no.shown, /nothing was done\r\nleft alone \(yes: false\)/);
    });

    test('how far it is stands on the terminal, and Ctrl-C ends it', async () => {
      const outcome = await onTerminal(place, 'errand wait', [['3 of 600 tenths', '\u0003']]);
      assert.match(outcome.shown, /it was cancelled/);
      assert.equal(outcome.code, 1);
    });

    test('SIGINT cancels the call', async () => {
      const waiting = running && linesWith(place, { message: 'waiting' }).length;
      const child = spawn(binaryOf(), ['errand', 'wait', ...at(place)], { stdio: ['ignore', 'pipe', 'pipe'] });
      const ended = new Promise((resolved) => child.on('close', (code, signal) => resolved({ code, signal })));
      let stderr = '';
      child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
      if (running) await until('it waits', () => linesWith(place, { message: 'waiting' }).length > waiting);
      else await until('it is ready for signals', () => Number.parseInt(/^SigBlk:\s*(\w+)/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))[1].slice(-1), 16) & 2);
      child.kill('SIGINT');
      assert.deepEqual(await ended, { code: 1, signal: null });
      assert.match(stderr, /it was cancelled\n$/);
    });
  });
}

// ---- what a server adds ----

describe('in the server', { timeout }, () => {
  let server;
  before(async () => (server = await startWith({ plugins: { errand: '', good: '' } })), { timeout });
  after(() => server.stop(), { timeout });

  test('a password is in no list of processes and no log', async () => {
    const child = spawn(binaryOf(), ['errand', 'password', ...at(server)], { stdio: ['pipe', 'pipe', 'pipe'] });
    const ended = new Promise((resolved) => child.on('close', resolved));
    await until('it has begun', () => readFileSync(`/proc/${child.pid}/cmdline`, 'latin1').includes('errand'));
    child.stdin.end(`${PASSWORD}\n`);
    for (const file of ['cmdline', 'environ']) assert.doesNotMatch(readFileSync(`/proc/${child.pid}/${file}`, 'latin1'), /horse/);
    assert.equal(await ended, 0);
    await logged(server, { message: 'a command of the command line ran', command: 'errand password', code: 'ok' });
    assert.doesNotMatch(server.stderr, /horse/);
  });

  test('a program that goes cancels its command', async () => {
    const before = linesWith(server, { message: 'woken' }).length;
    const waiting = linesWith(server, { message: 'waiting' }).length;
    const child = spawn(binaryOf(), ['errand', 'wait', ...at(server)], { stdio: 'ignore' });
    await until('it waits', () => linesWith(server, { message: 'waiting' }).length > waiting);
    child.kill('SIGKILL');
    await until('it is cancelled', () => linesWith(server, { message: 'woken' }).length > before);
  });

  test('nobody else is heard', { skip: process.getuid() !== 0 && 'only root can be somebody else' }, async () => {
    const outcome = await run(server, 'errand who', { spawning: anybody });
    assert.notEqual(outcome.code, 0);
    assert.equal(outcome.stdout, '');
  });

  // Frames of whoever speaks the protocol as it should not be.
  const frame = (letter, text) => Buffer.concat([Buffer.from(letter), Buffer.from([0, 0, text.length >> 8, text.length & 255]), Buffer.from(text)]);
  const nonsense = {
    'an answer that nobody asked for': [frame('a', 'y'), frame('b', '')],
    'no request': [frame('b', '')],
    'a request that is no JSON': [frame('r', 'hello'), frame('b', '')],
    'arguments that are no texts': [frame('r', '{"arguments":[1,2]}'), frame('b', '')],
    'none': [frame('r', '{"arguments":[]}'), frame('b', '')],
    'a command that is not there': [frame('r', '{"arguments":["nobody","has","it"]}'), frame('b', '')],
    'an input that was not read': [frame('r', '{"arguments":["errand","password"],"input":0}'), frame('b', '')],
    'a password without one': [frame('r', '{"arguments":["errand","password"],"input":1}'), frame('b', '')],
    'a secret that is too long': [frame('r', '{"arguments":["errand","password"],"input":1}'), frame('s', 'x'.repeat(2000)), frame('b', '')],
    'a frame that is too long': [Buffer.from([0x72, 0x7f, 0xff, 0xff, 0xff])],
    'an argument that it does not take': [frame('r', '{"arguments":["errand","half","--force"],"input":0}'), frame('b', '')],
  };
  for (const [what, frames] of Object.entries(nonsense)) {
    test(`${what} is refused with a word`, async () => {
      const socket = connect(join(server.dataDir, 'dowel.sock'));
      const received = [];
      socket.on('error', () => {}); // what is refused is not read to its end
      socket.on('data', (piece) => received.push(piece));
      const closed = new Promise((resolved) => socket.on('close', resolved));
      socket.write('{"verb":"command"}\n');
      await until('it is let in', () => received.length > 0);
      for (const one of frames) socket.write(one);
      await closed;
      assert.match(Buffer.concat(received).toString('latin1'), /^R\0{4}x\0\0..[12]\n.{10,}/s);
    });
  }

  test('a reload waits for a command that runs', async () => {
    const child = run(server, 'errand brief');
    const waiting = linesWith(server, { message: 'waiting' }).length;
    await until('it waits', () => linesWith(server, { message: 'waiting' }).length > waiting);
    assert.equal((await run(server, 'reload')).code, 0);
    const outcome = await child;
    assert.equal(outcome.stderr, 'it was cancelled, as it did not end within 1s\n');
    assert.equal((await run(server, 'errand who')).code, 0);
  });

  const notUnderSanitizers = ['asan', 'tsan'].includes(preset) && 'they take the fault themselves';
  test('a crash is told, noted and charged, and the next command finds a server', { skip: notUnderSanitizers }, async () => {
    const outcome = await run(server, 'errand crash');
    assert.equal(outcome.code, 1);
    assert.match(outcome.stderr, /^the server ended while the command ran; what it did is not known\. .*crashes\n$/);
    await until('there is a note', () => notesOf(server).length === 1);
    assert.match(notesOf(server)[0], /owner: errand\nwhat: command errand crash/);
    assert.equal((await run(server, 'errand who')).code, 0); // it waits for the next generation
  });

  test('a server that stops cancels what runs', async () => {
    const other = await startWith({ plugins: { errand: '' }, core: 'drain_timeout: 1s\n' });
    const child = run(other, 'errand wait');
    await logged(other, { message: 'waiting' });
    await other.stop();
    const outcome = await child;
    assert.equal(outcome.code, 1);
    assert.match(outcome.stderr, /it was cancelled|the server ended while the command ran/);
  });
});

// ---- who has which ----

describe('plugins with verbs', { timeout }, () => {
  let place;
  before(() => (place = stopped({ plugins: { errand: '', clash4: '', clash5: '' } })));
  after(() => place.remove());

  test('a verb of the server or of another plugin is no plugin\'s', async () => {
    const [server, outcome] = [await startWith({ plugins: { errand: '', clash4: '', clash5: '' } }), {}];
    try {
      await logged(server, { plugin: 'clash4', why: /has the command "job list", and `dowel job` is the server's own/ });
      await logged(server, { plugin: 'clash5', why: /has the command "fetch more", and the plugin errand has "fetch"/ });
      Object.assign(outcome, await run(server, 'errand other'));
    } finally {
      await server.stop();
    }
    assert.equal(outcome.code, 1);
    assert.match(outcome.stderr, /^errand other: the plugin clash5, which has it, does not work: has the command "fetch more"/);
    assert.equal((await run(place, 'errand other')).stderr, outcome.stderr);
    assert.match((await run(place, 'job list')).stderr, /there is no database yet, so no jobs either/);
  });

  test('the help lists them', async () => {
    const all = await run(place, 'help');
    assert.match(all.stdout, /\nVerbs of plugins:\n[^]* {2}errand {7}echo, password, .* \(errand\)\n/);
    assert.match(all.stdout, / {2}fetch {8}Has one word alone \(errand\)\n/);
    const group = await run(place, 'help errand');
    assert.deepEqual(group.stdout, (await run(place, 'errand --help')).stdout);
    assert.match(group.stdout, /^ {2}dowel errand echo WORD [^]*More about one: dowel errand VERB --help\n$/);
    const one = await run(place, 'help errand echo');
    assert.equal(one.stdout, (await run(place, 'errand echo --help')).stdout);
    assert.match(one.stdout, /^Usage: dowel errand echo WORD \[NUMBER\] \[REST\.\.\.\] \[OPTION\.\.\.\]\n\nSays what it was told\.\n\nArguments:\n {2}WORD {18}what is said\n/);
    assert.match(one.stdout, /\n {2}--role ROLE {11}again and again \(repeatable\)\n/);
    assert.match(one.stdout, /\n {2}--kind KIND {11}how; one of: soft hard\n/);
  });

  test('so does the completion', async () => {
    const { stdout } = await run(place, 'completion bash');
    const script = `${stdout}\nCOMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _dowel; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const complete = (...words) => new Promise((resolved) => execFile('bash', ['-c', script, 'bash', ...words], (_, text) => resolved(text.split('\n'))));
    assert.ok((await complete('dowel', 'er')).includes('errand'));
    const echo = await complete('dowel', 'errand', 'e');
    assert.ok(echo.includes('echo'));
    assert.ok((await complete('dowel', 'errand', 'echo', '--ro')).includes('--role'));
    assert.doesNotMatch((await run(place, 'completion markdown')).stdout, /errand/);
  });

  test('`dowel plugin info` tells them', async () => {
    const { stdout } = await run(place, 'plugin info errand');
    assert.match(stdout, /^commands {4}errand echo: Says what it was told$/m);
  });

  test('a configuration that is wrong hides them, and is told', async () => {
    const off = stopped({ plugins: { errand: '' }, core: 'workers: many\n' });
    const outcome = await run(off, 'errand who');
    const unreadable = await run(off, 'help');
    off.remove();
    assert.equal(outcome.code, 2);
    assert.match(outcome.stderr, /^dowel: errand: unknown verb\nwhat plugins have cannot be told, as the configuration is wrong: dowel config check\n/);
    assert.equal(unreadable.code, 0);
    assert.doesNotMatch(unreadable.stdout, /Verbs of plugins/);
  });

  test('one that cannot be looked into is named', async () => {
    const off = stopped({ plugins: { missing: '' } });
    const outcome = await run(off, 'missing who');
    off.remove();
    assert.equal(outcome.code, 2);
    assert.match(outcome.stderr, /^dowel: missing: unknown verb\nwhat the plugin missing has cannot be told: there is no missing\.so in /);
  });

  test('one that is not enabled says so', async () => {
    const off = stopped({ plugins: { errand: '' } });
    writeFileSync(join(off.configDir, 'errand.yaml'), 'enabled: false\n');
    const outcome = await run(off, 'errand who');
    off.remove();
    assert.equal(outcome.code, 1);
    assert.equal(outcome.stderr, 'errand who: the plugin errand, which has it, is not enabled: dowel plugin enable errand\n');
  });
});

describe('without a server', { timeout }, () => {
  test('there must be a data directory, and it must be ours', async () => {
    const place = stopped({ plugins: { errand: '' } });
    rmSync(place.dataDir, { recursive: true });
    const none = await run(place, 'errand who');
    assert.equal(none.code, 1);
    assert.match(none.stderr, /the data directory is not there; name it with --data, or make it: dowel init --data /);
    place.remove();
  });

  test('one command at a time has the data directory, and the next waits', async () => {
    const place = stopped({ plugins: { errand: '' } });
    const outcomes = await Promise.all(Array.from({ length: 4 }, () => run(place, 'errand brief')));
    for (const { code, stderr } of outcomes) assert.deepEqual([code, stderr], [1, 'it was cancelled, as it did not end within 1s\n']);
    place.remove();
  });

  test('a job is added, and runs when there is a server', async () => {
    const place = stopped({ plugins: { errand: '' } });
    assert.equal((await run(place, 'errand later')).stdout, 'added (jobs: 1)\n');
    assert.match((await run(place, 'job list')).stdout, /errand\.later {2}waiting/);
    const server = await startWith({ plugins: { errand: '' }, data: place.dataDir });
    try {
      await logged(server, { message: 'the job ran' });
    } finally {
      await server.stop();
    }
    place.remove();
  });

  test('a server that starts meanwhile is told who has it', async () => {
    const place = stopped({ plugins: { errand: '' } });
    const first = spawn(binaryOf(), ['errand', 'wait', ...at(place)], { stdio: 'ignore' });
    const ended = new Promise((resolved) => first.once('close', resolved));
    try {
      await until('it has begun', () => existsSync(join(place.dataDir, 'dowel.db')));
      const server = await run(place, 'serve --listen 127.0.0.1:0');
      assert.equal(server.code, 1);
      assert.match(server.stderr, /already runs on the data directory/);
    } finally {
      first.kill('SIGINT');
      await ended;
      place.remove();
    }
  });
});

// ---- the example ----

describe('notes', { timeout }, () => {
  test('are imported without a server and listed with one', async () => {
    const place = stopped({ plugins: { notes: '' }, folder: pluginFolder });
    const imported = await run(place, `notes import ann --tenant ${ACME}`, { input: 'Milk\ttwo bottles\nBread\n' });
    assert.deepEqual(imported, { code: 0, signal: null, stdout: 'imported (notes: 2, lines: 2)\n', stderr: '' });
    const offline = await run(place, `notes list --tenant ${ACME}`);
    assert.match(offline.stdout, /^ID +AUTHOR {2}TITLE {2}CHANGED AT\n\S+ {2}ann {5}Bread {2}\S+\n\S+ {2}ann {5}Milk {3}\S+\n$/);
    const server = await startWith({ plugins: { notes: '' }, folder: pluginFolder, data: place.dataDir });
    try {
      assert.deepEqual(await run(server, `notes list --tenant ${ACME}`), offline);
      const { items } = JSON.parse((await run(server, `notes list --tenant ${ACME} --limit 1 --output json`)).stdout);
      assert.deepEqual(items.map(({ title }) => title), ['Bread']);
      assert.equal((await run(server, `notes clear ann --yes --tenant ${ACME}`)).stdout, 'deleted (notes: 2)\n');
      assert.equal((await run(server, `notes list --tenant ${ACME}`)).stdout, 'none\n');
    } finally {
      await server.stop();
    }
    place.remove();
  });
});
