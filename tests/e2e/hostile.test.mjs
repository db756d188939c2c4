// Presets: release asan
// Alone: it measures how long a server is away, and what others feel.
// Plugins that misbehave (tests/hostile): the server survives each, says which one and what it did, and the requests to
// another plugin go on.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';

import { request } from './support/client.mjs';
import { Load } from './support/load.mjs';
import { logged, notesOf, readyz, startWith } from './support/plugins.mjs';
import { childrenOf, preset, slowness, sleep, until } from './support/server.mjs';

const timeout = 120_000 * Math.min(slowness, 2);
const CLIENTS = 4;
const GOOD = '/api/v1/good?name=neighbour';

// Each of these ends in a sanitizer's report and an exit of its own, so that there is nothing of ours to look at.
const notUnderAsan = preset === 'asan' && 'AddressSanitizer and UBSan take the fault themselves';

const get = (server, path, options) => request(server.url, { path: `/api/v1/${path}`, limit: 15_000 * slowness, ...options });
// [status, the JSON of the answer]
const ask = (server, path) => get(server, path).then((response) => [response.status, response.json()]);
const good = async (server) => (await request(server.url, { path: GOOD, limit: 2000 }).catch(() => ({}))).status === 200;

let server;
let load;

async function start(options) {
  server = await startWith(options);
  load = new Load(server.url, { clients: CLIENTS, path: GOOD });
  await until('the load has begun', () => load.served > CLIENTS);
}

// Nothing that a handler does wrong may be felt by another plugin's clients.
async function stopUnharmed() {
  await load.stop();
  assert.deepEqual(load.lost, []);
  assert.deepEqual([...load.statuses.keys()], [200]);
  await server.stop();
}

async function stopAnyhow() {
  await load?.stop();
  await server?.stop();
  server = load = undefined;
}

const misuse = (plugin, what) => ({ message: 'a plugin broke the contract', plugin, what });

describe('a handler that', { timeout }, () => {
  before(() => start({ plugins: { good: '', twice: '', never: '', stray: '', leaky: '' } }), { timeout });
  after(stopUnharmed, { timeout });

  const told = (step, rc) => logged(server, { message: 'told', step, rc });
  const MISUSE = -16;
  const THREAD = -15;

  test('completes a token twice: the first counts', async () => {
    assert.deepEqual(await ask(server, 'twice/completion'), [200, { nth: 1 }]);
    await told('first completion', 0);
    await told('second completion', MISUSE);
    await told('third completion', MISUSE);
    await logged(server, misuse('twice', /completed a second time/));
  });

  test('replies twice: the first counts', async () => {
    assert.deepEqual(await ask(server, 'twice/reply'), [200, { nth: 1 }]);
    await told('second reply', MISUSE);
    await logged(server, { ...misuse('twice', /answered already/), callback: 'operation replyTwice' });
  });

  test('replies and detaches: the reply counts', async () => {
    assert.deepEqual((await get(server, 'twice/reply-and-detach')).json(), { nth: 1 });
    await told('detach after reply', MISUSE);
  });

  test('detaches and replies: the completion counts', async () => {
    assert.deepEqual((await get(server, 'twice/detach-and-reply')).json(), { nth: 1 });
    await told('reply after detach', THREAD); // the call is over for the handler
  });

  test('detaches twice: the first token counts', async () => {
    assert.deepEqual((await get(server, 'twice/detach')).json(), { nth: 1 });
    await told('second detach', THREAD);
  });

  test('detaches and returns an error: the completion counts', async () => {
    assert.deepEqual((await get(server, 'twice/detach-and-fail')).json(), { nth: 1 });
    await logged(server, { ...misuse('twice', /has detached .* returns 0, not DW_ECONFLICT/), callback: 'operation detachAndFail' });
  });

  test('returns success without a reply: 500', async () => {
    assert.equal((await get(server, 'twice/nothing')).status, 500);
    await logged(server, { ...misuse('twice', /returned 0 and has made no reply/), callback: 'operation replyNothing' });
  });

  test('returns a code that does not exist: 500', async () => {
    assert.equal((await get(server, 'twice/nonsense')).status, 500);
    await logged(server, { level: 'error', message: "a plugin's operation failed", plugin: 'twice', callback: 'operation returnNonsense', returned: -4711 });
  });

  for (const path of ['never/completion', 'never/thread']) {
    test(`never completes a token (${path}): 504 at its deadline, and it is counted`, async () => {
      const begun = performance.now();
      assert.equal((await get(server, path)).status, 504);
      assert.ok(performance.now() - begun < 3000 * slowness);
    });
  }

  test('loses tokens is named with its operations', async () => {
    for (const callback of ['operation neverComplete', 'operation completeNeverElsewhere']) {
      await logged(server, { message: 'a detached request was never answered', plugin: 'never', callback }, { limit: 30_000 });
    }
    const page = (await request(server.url, { path: '/metrics' })).text();
    assert.match(page, /^dowel_plugin_tokens_lost_total\{plugin="never"\} 2$/m);
  });

  test('lets another thread detach: refused, and its success without a reply is a 500', async () => {
    assert.equal((await get(server, 'never/elsewhere')).status, 500);
    await told('detach on another thread', THREAD);
  });

  test('uses a call and a request after their callback: nothing happens', async () => {
    assert.deepEqual((await get(server, 'stray/keep')).json(), { kept: true });
    for (let i = 0; i < 20; i++) {
      const results = (await get(server, 'stray/kept')).json();
      for (const [step, rc] of Object.entries(results)) assert.ok([rc].flat().every((one) => one === THREAD), `${step}: ${rc}`);
    }
    await logged(server, { message: /used a call where it must not/, plugin: 'stray', why: /has ended/ });
  });

  test('uses them on another thread while the handler runs: nothing happens', async () => {
    const [status, results] = await ask(server, 'stray/elsewhere');
    assert.equal(status, 200);
    for (const [step, rc] of Object.entries(results)) assert.ok([rc].flat().every((one) => one === THREAD), `${step}: ${rc}`);
    await logged(server, { message: /used a call where it must not/, plugin: 'stray' });
  });

  test('uses a token after its completion: refused', async () => {
    assert.deepEqual((await get(server, 'stray/token')).json(), { nth: 1 });
    await told('a token after all', MISUSE);
  });

  test('closes the call that it was given, and scopes that it did not begin: refused', async () => {
    assert.deepEqual((await get(server, 'stray/close')).json(), { closed: true });
    await logged(server, misuse('stray', /dw_scope_end/));
    await logged(server, misuse('stray', /dw_call_close/));
  });

  test('opens calls and forgets them: the server still stops', async () => assert.equal((await get(server, 'stray/open')).status, 200));

  test('keeps what it took from malloc: nobody else is touched', async () => {
    for (let i = 0; i < 3; i++) assert.equal((await get(server, 'leaky/malloc')).status, 200);
  });

  test('takes more than a call may: 503, and the memory is back', async () => {
    for (let i = 0; i < 5; i++) assert.equal((await get(server, 'leaky/limit')).status, 503);
    await logged(server, { plugin: 'leaky', callback: 'operation passLimit', why: /more memory than one call may/ });
    const page = (await request(server.url, { path: '/metrics' })).text();
    assert.match(page, /^dowel_plugin_call_memory_peak_bytes\{plugin="leaky"\} \d{8,}$/m);
  });

  test('defers 100,000 times: all of it is undone', async () => {
    assert.deepEqual((await get(server, 'leaky/deferred')).json(), { deferred: 100_000 });
    assert.deepEqual((await get(server, 'leaky/undone')).json(), { undone: 100_000 });
  });

  test('does all this has not made the server unready', async () => {
    assert.match(await readyz(server), /^ok$/m);
  });
});

describe('a handler that, in the database,', { timeout }, () => {
  const post = (path) => get(server, path, { method: 'POST' });
  const kept = async () => (await get(server, 'hoarder')).json().kept;

  before(() => start({ plugins: { good: '', hoarder: '' } }), { timeout });
  after(stopUnharmed, { timeout });

  test('forgets its commit: 500, and nothing is kept', async () => {
    assert.equal((await post('hoarder/forgotten')).status, 500);
    await logged(server, misuse('hoarder', /dw_tx_commit\(\) is missing/));
    assert.equal(await kept(), 0);
  });

  test('commits after a failed statement: refused, 500', async () => {
    assert.equal((await post('hoarder/stubborn')).status, 500);
    await logged(server, { plugin: 'hoarder', callback: 'operation goOn', code: 'DW_ETX' });
    assert.equal(await kept(), 0);
  });

  test('names what is not its own: refused, and each is a misuse', async () => {
    const { refused, asked } = (await get(server, 'hoarder/reach')).json();
    assert.equal(refused, asked);
    assert.ok(asked > 5);
    await logged(server, misuse('hoarder', /dowel_/));
  });

  test('opens more results than anybody reads: they are gone with the call', async () => {
    for (let i = 0; i < 5; i++) assert.deepEqual(await ask(server, 'hoarder/open'), [200, { opened: 300 }]);
  });

  test('keeps the writer to itself: reads go on, writes wait or are told to come again', async () => {
    const before = await kept();
    const held = post('hoarder/held');
    await logged(server, { plugin: 'hoarder', message: 'holds it' });
    const began = Date.now();
    assert.equal(await kept(), before);
    assert.ok(Date.now() - began < 1500 * slowness);
    const waited = await post('hoarder');
    assert.ok([201, 503].includes(waited.status), waited.text());
    assert.equal((await held).status, 201);
    assert.equal(await kept(), before + 1 + (waited.status === 201));
  });
});

describe('a handler that ends the process', { timeout }, () => {
  afterEach(stopAnyhow, { timeout });

  // [path, what the note says of the cause, the operation or other work that is charged, why not under asan]
  const crashes = [
    ['read', /signal: 11 \(SIGSEGV\).*nothing is mapped there/, 'operation readNowhere', notUnderAsan],
    ['divide', /signal: 8 \(SIGFPE\).*integer division by zero/, 'operation divide', notUnderAsan],
    ['abort', /signal: 6 \(SIGABRT\)/, 'operation callAbort', false],
    ['exit', /exit\(\) was called/, 'operation callExit', false],
    ['overflow', /signal: 11 \(SIGSEGV\).*the stack has overflowed/, 'operation overflow', notUnderAsan],
    ['overflow-elsewhere', /signal: 11 \(SIGSEGV\).*the stack has overflowed/, 'digging', notUnderAsan],
  ];

  for (const [path, cause, what, skip] of crashes) {
    test(`${path}: service is back within a second, and the plugin is named`, { skip }, async () => {
      await start({ plugins: { good: '', crash: '' } });
      const old = server.serverPid;
      const victim = get(server, `crash/${path}`).then(() => assert.fail('it was answered'), (error) => error);
      await until('the process has gone', () => !childrenOf(server.pid).includes(old), { every: 2 });
      const gone = performance.now();
      await until('the neighbour answers', () => good(server), { every: 2 });
      const away = performance.now() - gone;
      await victim;
      await sleep(200);
      await load.stop();
      assert.ok(load.lost.length <= CLIENTS, `${load.lost.length} lost of ${CLIENTS} in flight: ${load.lost[0]?.why}`);
      assert.deepEqual([...load.statuses.keys()], [200]);
      assert.ok(away < 1000 * slowness, `away for ${Math.round(away)} ms`);

      const [note, ...more] = notesOf(server);
      assert.equal(more.length, 0);
      assert.match(note, cause);
      assert.match(note, /^owner: crash$/m);
      assert.ok(note.includes(`what: ${what},`), note);
      assert.match(note, /^charged to: crash$/m);
      if (path !== 'exit') assert.match(note, /crash\.so/);
      await logged(server, { level: 'error', owner: 'crash', what });
    });
  }

  test('by SIGKILL leaves a note of the supervisor', async () => {
    await start({ plugins: { good: '', crash: '' } });
    await load.stop(); // nobody is charged when somebody else's work was running, too
    const old = server.serverPid;
    await assert.rejects(get(server, 'crash/kill'));
    await until('another process', () => server.serverPid && server.serverPid !== old);
    await until('the neighbour answers', () => good(server));
    const [note] = notesOf(server);
    assert.match(note, /signal 9/);
    assert.match(note, /charged to: crash/);
    assert.match(note, /crash, operation killItself/);
  });

  test('on a thread that nobody knows is charged to nobody', { skip: notUnderAsan }, async () => {
    await start({ plugins: { good: '', crash: '' } });
    await assert.rejects(get(server, 'crash/read-elsewhere'));
    await until('the neighbour answers', () => good(server));
    const [note] = notesOf(server);
    assert.match(note, /^owner: none/m);
    assert.match(note, /charged to: nobody/);
  });
});

describe('a file that misbehaves when it is loaded', { timeout }, () => {
  after(stopAnyhow, { timeout });

  test('is declined: the probe has the harm, not the server', { skip: notUnderAsan }, async () => {
    const plugins = { good: '', crashload_crash: '', crashload_leave: '', crashload_loop: '' };
    server = await startWith({ plugins, core: 'probe_timeout: 3s\n' });
    await until('the neighbour answers', () => good(server));
    for (const [name, why] of [['crash', /signal 11|SIGSEGV/], ['leave', /exit/], ['loop', /second/]]) {
      await logged(server, { plugin: `crashload_${name}`, why });
      assert.match(await readyz(server), new RegExp(`^\\[!\\] plugin crashload_${name}: `, 'm'));
    }
    assert.equal(notesOf(server).length, 0);
  });
});

describe('a descriptor', { timeout }, () => {
  // What is wrong, and what the admin reads about it.
  const liars = {
    empty: /descriptor has 0 bytes, which cannot be/,
    short: /descriptor has 40 bytes, at least \d+ are needed/,
    major: /was built for plugin ABI 9, this server has 0/,
    minor: /needs plugin ABI 0\.99, this server has 0\.2/,
    no_stride: /operation elements have 0 bytes/,
    small_stride: /operation elements have 8 bytes/,
    odd_stride: /operation elements have 17 bytes/,
    wide_stride: /operation elements have 65520 bytes/,
    no_sizes: /not made by DOWEL_PLUGIN\(\)/,
    few_sizes: /table of sizes has 2 bytes/,
    no_host: /not made by DOWEL_PLUGIN\(\)/,
    no_descriptor: /returned no descriptor/,
    no_name: /name is not of the form .* it has none/,
    other_name: /good/,
    path: /name is not of the form .*: \.\.\/liar_path/,
    no_texts: /version is not of the form/,
    no_handler: /the operation getLiar has no handler/,
    wild_operations: /signal 11|SIGSEGV|crash/,
    greedy: /wants \d+ bytes of state/,
    far_item: /the item number lies outside of the 8 bytes of its settings/,
    strange_item: /the item number has type 4711/,
    no_conf: /the item number lies outside of the 0 bytes of its settings/,
    long_asset: /assets have more than 256 MiB/,
    small_command: /command elements have 8 bytes/,
    no_argument_stride: /argument elements have 0 bytes; .*; in the command "liar tell"/,
    wild_commands: /signal 11|SIGSEGV|crash/,
    strange_flags: /the command "liar tell" has the input 0 and the flags 4096/,
    small_connector: /connector elements have 8 bytes/,
    no_listing_stride: /listing elements have 0 bytes; .*; in the connector liar/,
    wild_connectors: /signal 11|SIGSEGV|crash/,
    short_role: /the time_source of the connector liar has 8 bytes, which cannot be/,
    no_address: /the connector liar has its address in the item number, which is no text with .pattern = "url"/,
    wrong_fallback: /the fallback of the item number: must be a whole number, found a text; in the connector liar/,
  };

  if (notUnderAsan) for (const wild of ['wild_operations', 'wild_commands', 'wild_connectors']) delete liars[wild]; // the probe's own process reports it

  before(() => start({ plugins: { good: '', liar_honestly: '', ...Object.fromEntries(Object.keys(liars).map((name) => [`liar_${name}`, ''])) } }), { timeout });
  after(stopUnharmed, { timeout });

  for (const [name, why] of Object.entries(liars)) {
    test(`that lies (${name}) is declined`, async () => {
      await logged(server, { plugin: `liar_${name}`, why });
      assert.match(await readyz(server), new RegExp(`^\\[!\\] plugin liar_${name}: `, 'm'));
    });
  }

  test('that is made by hand and honest is loaded', async () => {
    assert.deepEqual((await get(server, 'liar')).json(), { text: 'honestly' });
  });
});

describe('two plugins', { timeout }, () => {
  afterEach(stopAnyhow, { timeout });

  test('with one route, one service, or one kind of connection: the later one is declined', async () => {
    await start({ plugins: { good: '', clash1: '', clash2: '', clash3: '', clash6: '' } });
    assert.deepEqual((await get(server, 'clash')).json(), { whose: 'clash1' });
    assert.equal((await get(server, 'clash3')).status, 404);
    await logged(server, { plugin: 'clash2', why: /GET \/api\/v1\/clash.*clash1/ });
    await logged(server, { plugin: 'clash3', why: /clash1\.serve\/1/ });
    await logged(server, { plugin: 'clash6', why: /its connector clash is one of plugin clash1 already/ });
    assert.match(await readyz(server), /^\[!\] plugin clash2: /m);
    assert.match(await readyz(server), /^\[!\] plugin clash3: /m);
  });

  // [what the plugin's own functions are for itself, whether they answer in the place of the library's]
  for (const [name, own, found] of [['symbols', 3, false], ['symbols_shown', 2, true]]) {
    test(`with functions of one name (${name}): the server calls its own`, async () => {
      await start({ plugins: { good: '', [name]: '' } });
      assert.deepEqual(await ask(server, 'symbols'), [200, { before: 0, own, found }]);
      const headers = { 'content-type': 'application/json' };
      const posted = await request(server.url, { method: 'POST', path: '/api/v1/good', headers, body: '{"number": 7}' });
      assert.deepEqual(posted.json(), { number: 7 });
      assert.equal((await get(server, 'symbols')).json().before, own, 'nobody but the plugin has called them');
    });
  }
});
