// Presets: release asan
// docs/timesync.md: its commands work, in their order, on a server as a reader has it, with stand-ins for Zammad and Kimai; its
// tables say what the server says.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { startKimai } from '../peers/kimai.mjs';
import { startZammad } from '../peers/zammad.mjs';
import { request } from './support/client.mjs';
import { command, pluginFolder } from './support/plugins.mjs';
import { binaryOf, dowel, root, slowness, temporaryFolder, until } from './support/server.mjs';
import { addUser, ask, setUp, signIn, startAuth } from './support/signin.mjs';

const timeout = 180_000 * slowness;
const page = readFileSync(join(root, 'docs/timesync.md'), 'utf8');
const lines = [...page.matchAll(/^```sh\n(.*?)^```$/gms)].flatMap(([, text]) => text.trim().split('\n'));
const CASE = '0190a0a0-0000-7000-8000-0000000000c1';
const RUN = '0190a0a0-0000-7000-8000-0000000000b1';

describe('docs/timesync.md', { timeout }, () => {
  const folder = temporaryFolder();
  let server, zammad, kimai, token;

  const get = async (path) => {
    const answer = await ask(server, `/api/v1/timesync${path}`, { token });
    assert.equal(answer.status, 200, answer.text);
    return answer.json;
  };
  const settled = () => until('no run is under way', async () => {
    const { status, json } = await ask(server, '/api/v1/timesync/runs?limit=50', { token });
    return status === 404 || json.items.every(({ ended_at }) => ended_at); // 404: before the plugin is enabled
  }, { limit: 60_000 * slowness });

  before(async () => {
    zammad = await startZammad({ seed: 7 });
    kimai = await startKimai({ seed: 7 });
    for (const { id } of [...zammad.state.entries.values()]) zammad.remove(id);
    for (const name of ['Remote support', 'Travel']) zammad.control('POST', 'types', { name });
    for (const name of ['Support', 'Driving']) kimai.addActivity({ name });
    zammad.control('POST', 'agents', { login: 'bob@builder.example', email: 'bob@builder.example', firstname: 'Bob', lastname: 'Builder' });
    const [ann, eve] = zammad.state.agents.slice(1, 3);
    kimai.addUser({ username: 'ann', email: ann.email });
    const ticket = zammad.openTicket({ title: 'Router' }).id;
    for (const [agent, type] of [[ann.email, 'Remote support'], [ann.email, 'Travel'], [eve.email, 'Remote support'], ['bob@builder.example', 'Remote support']])
      zammad.book({ ticket, time_unit: '15', type, agent });
    server = await startAuth({ plugins: { zammad: '', kimai: '' } }); // timesync is enabled by the page's first command
    await setUp(server);
    token = (await signIn(server)).access_token;
    for (const [kind, name, peer] of [['zammad', 'Helpdesk', zammad], ['kimai', 'Billing', kimai]]) {
      const { code, stderr } = await dowel(['connection', 'add', kind, name, '--set', `base_url=${peer.url}`, '--allow-private', 'yes', '--secret', 'token',
        '--config', server.configDir, '--data', server.dataDir], { input: `${peer.token}\n` });
      assert.equal(code, 0, stderr);
    }
    symlinkSync(server.configDir, join(folder, 'conf.d'));
    symlinkSync(server.dataDir, join(folder, 'var'));
  }, { timeout });
  after(async () => {
    await server?.stop();
    await zammad?.stop();
    await kimai?.stop();
    rmSync(folder, { recursive: true, force: true });
  }, { timeout });

  const run = (line) => new Promise((resolve) => {
    const env = { PATH: `${dirname(binaryOf())}:${process.env.PATH}`, TOKEN: token };
    execFile('sh', ['-c', line.replaceAll('http://127.0.0.1:8000', server.url)], { cwd: folder, env, timeout: 60_000 * slowness }, (error, stdout, stderr) => resolve({ code: error ? error.code : 0, stdout, stderr }));
  });

  test('its commands work, in their order', async () => {
    assert.ok(lines.length >= 25, lines.join('\n'));
    for (const line of lines) {
      await settled();
      let here = line;
      if (line.includes(CASE)) here = line.replace(CASE, (await get('/cases?state=open')).items.at(-1).id);
      if (line.includes(RUN)) here = line.replace(RUN, (await get('/runs?is_plan=false&sort=created_at')).items.find(({ created }) => created > 0).id);
      const { code, stdout, stderr } = await run(here);
      assert.equal(code, 0, `${here}: ${stdout}${stderr}`);
      assert.notEqual(stdout + stderr, '', here);
    }
    await settled();
    assert.equal(kimai.sheets().filter(({ exported }) => exported).length, 0);
  });

  const rows = (text) => text.trim().split('\n').map((line) => line.trim());
  const tableOf = (head) => {
    const at = page.indexOf(`${head}\n| ---`);
    assert.ok(at >= 0, `there is no table ${head}`);
    return rows(page.slice(at, page.indexOf('\n\n', at))).slice(2);
  };
  const words = { text: 'a text', decimal: 'a decimal above zero', boolean: '`true`, `false`', integer: 'a whole number', duration: 'a duration: `15m`, `2h`, `90d`', day: 'a day: `2026-01-31`', texts: 'texts' };
  const plain = (value) => (Array.isArray(value) ? value.join(', ') : String(value)).replaceAll('\n', '\\n');

  test('has each rule with its default', async () => {
    const { items } = await get('/rules');
    const wanted = items.map(({ name, type, default: value, one_of, help }) =>
      `| \`${name}\` | ${one_of ? one_of.map((one) => `\`${one}\``).join(', ') : words[type]} | ${plain(value) === '' ? 'empty' : `\`${plain(value)}\``} | ${help} |`);
    assert.deepEqual(tableOf('| rule | may be | default | is for |'), wanted);
  });

  test('has each reason with what can be done', async () => {
    const { items } = await get('/reasons');
    const wanted = items.filter(({ actions }) => actions.length > 0).map(({ reason, text, actions }) => `| \`${reason}\` | ${text} | ${actions.map((one) => `\`${one}\``).join(', ')} |`);
    const told = tableOf('| reason | means | actions | and what to do about it |').map((line) => line.replace(/ [^|]+ \|$/, ''));
    assert.deepEqual(told, wanted);
    const actions = new Set(items.flatMap((one) => one.actions));
    assert.deepEqual(tableOf('| action | does |').map((line) => /`(\w+)`/.exec(line)[1]).sort(), [...actions].sort());
  });

  test('has each operation', async () => {
    const { paths } = (await request(server.url, { path: '/openapi.json' })).json();
    const found = Object.entries(paths).filter(([path]) => path.startsWith('/api/v1/timesync/')).flatMap(([path, item]) =>
      ['get', 'post', 'patch', 'delete'].filter((method) => item[method]).map((method) => `| \`${method.toUpperCase()} ${path.slice('/api/v1/timesync'.length)}\` | ${item[method].summary} |`));
    assert.deepEqual(tableOf('| operation | |').sort(), found.sort());
  });

  test('has each verb', async () => {
    const { stdout } = await command(server, 'timesync', '--help');
    const verbs = [...stdout.matchAll(/^ +dowel timesync ([\w-]+)/gm)].map(([, verb]) => verb);
    const told = tableOf('| verb | |').flatMap((line) => [...line.split('|')[1].matchAll(/`(?:dowel timesync )?([\w-]+)`/g)].map(([, verb]) => verb));
    assert.ok(verbs.length > 10, stdout);
    assert.deepEqual(told.sort(), verbs.sort());
  });

  test('the role biller appears in a tenant that was there before the plugin', async () => {
    await addUser(server, token, { email: 'rob@example.org', roles: ['biller'] });
    const rob = (await signIn(server, { email: 'rob@example.org' })).access_token;
    assert.equal((await ask(server, '/api/v1/timesync/cases', { token: rob })).status, 200);
    assert.equal((await ask(server, '/api/v1/timesync/syncs', { token: rob, json: { name: 'x', source: RUN, target: RUN } })).status, 403);
  });
});

describe('conf.d/timesync.yaml', { timeout }, () => {
  test('has every item with its default', async () => {
    const { code, stdout, stderr } = await dowel(['config', 'reference', 'timesync', '--config', join(root, 'conf.d')], { env: { DOWEL_CORE__PLUGIN_DIRS: pluginFolder } });
    assert.equal(code, 0, stderr);
    const items = [...stdout.matchAll(/^#### `(\w+)`\n\n(.*?)\n\n- Type: .*?\n- Default: (.*?)$/gms)].map(([, name, , value]) => `${name}: ${value.replaceAll('`', '')}`);
    const file = readFileSync(join(root, 'conf.d/timesync.yaml'), 'utf8');
    assert.deepEqual([...file.matchAll(/^#(\w+: .*)$/gm)].map(([, line]) => line), items);
  });
});
