// Presets: release asan
// The connector for Zammad as an admin meets it: the test of a connection, what can be pointed at, webhooks, docs/zammad.md.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';

import { startKimai } from '../peers/kimai.mjs';
import { badgesYaml, tenants } from './support/badges.mjs';
import { command, pluginFolder, readyz, startWith } from './support/plugins.mjs';
import { binaryOf, root, slowness, temporaryFolder, until } from './support/server.mjs';
import { agentOf, agentToken, ask, asked, connect, entries, kept, people, query, server, startPeer, timeout, told, zammad } from './support/zammad_desk.mjs';

// ---- check ----

describe('a test of the connection', { timeout }, () => {
  beforeEach(() => startPeer({ data: 'month', now: undefined }), { timeout });

  const tested = (settings = {}) => told('POST', '/connections/test', { kind: 'zammad', name: 'x', allow_private: true, settings: { base_url: zammad.url, token: zammad.token, ...settings } });
  const states = ({ checks }) => Object.fromEntries(checks.map(({ name, state }) => [name, state]));

  test('says that all is well', async () => {
    const { works, errors, checks } = await tested();
    assert.deepEqual(errors, []);
    assert.ok(works);
    assert.deepEqual(states({ checks }), { user: 'good', version: 'good', list: 'good', tickets: 'good', activities: 'good' });
    assert.equal(checks.find(({ name }) => name === 'version').values.version, '6.5.0');
  });

  test('says what an agent will miss', async () => {
    const { works, checks } = await tested({ token: agentToken() });
    assert.ok(works);
    assert.deepEqual(states({ checks }), { user: 'good', version: 'good', list: 'warning', tickets: 'good', activities: 'warning' });
  });

  const user = agentOf;
  const cases = {
    'an unknown token': [() => ({ token: 'nobody' }), '#/settings/token', /does not know this access token/],
    'a token that is over': [() => ({ token: zammad.control('POST', 'tokens', { user: user().id, permission: ['ticket.agent'], expires_at: '2020-01-01' }).token }), '#/settings/token', /has expired/],
    'a token that may nothing': [() => ({ token: zammad.control('POST', 'tokens', { user: user().id, permission: [] }).token }), '#/settings/token', /ticket\.agent/],
    'an agent for the global list': [() => ({ token: agentToken(), strategy: 'global' }), '#/settings/token', /admin\.time_accounting/],
    'tokens switched off': [() => (zammad.control('POST', 'settings', { api_token_access: false }), {}), '#/settings/token', /takes no access tokens/],
    'passwords switched off': [() => (zammad.control('POST', 'settings', { api_password_access: false }), { token: '', user: 'x', password: 'y' }), '#/settings/password', /takes no passwords/],
    'a wrong password': [() => ({ token: '', user: user().login, password: 'wrong' }), '#/settings/password', /second factor/],
    'maintenance': [() => (zammad.control('POST', 'settings', { maintenance_mode: true }), { token: agentToken() }), '#/settings/base_url', /maintenance mode/],
    'on behalf of nobody': [() => ({ on_behalf: 'nobody@example.org' }), '#/settings/on_behalf', /does not know the user/],
    'on behalf without the right': [() => ({ token: agentToken(), on_behalf: zammad.state.agents[1].login }), '#/settings/on_behalf', /admin\.user/],
    'a page': [() => (zammad.faults.add({ kind: 'html' }), {}), '#/settings/base_url', /a page for people/],
    'a redirect': [() => (zammad.faults.add({ kind: 'redirect' }), {}), '#/settings/base_url', /leads elsewhere/],
    'a wrong path': [() => ({ base_url: `${zammad.url}/nothing` }), '#/settings/base_url', /no such thing/],
    'an old version': [() => { zammad.state.features.nestedAccountings = zammad.state.features.globalAccountings = false; return {}; }, '#/settings/base_url', /came with 6\.1/],
    'nobody there': [() => ({ base_url: 'http://127.0.0.1:9' }), '#/settings/base_url', /./],
  };
  for (const [name, [prepare, pointer, says]] of Object.entries(cases)) {
    test(`says what is wrong: ${name}`, async () => {
      const { works, errors } = await tested(prepare());
      assert.equal(works, false);
      assert.deepEqual(errors.map((error) => error.pointer), [pointer], JSON.stringify(errors));
      assert.match(errors[0].detail, says);
    });
  }

  test('says that another program is no Zammad', async () => {
    const kimai = await startKimai({ seed: 7 });
    try {
      const { works, errors } = await tested({ base_url: kimai.url });
      assert.equal(works, false);
      assert.deepEqual(errors.map(({ pointer }) => pointer), ['#/settings/base_url']);
      assert.match(errors[0].detail, /not in Zammad's words|no such thing/);
    } finally {
      await kimai.stop();
    }
  });

  test('knows when a clock is wrong', async () => {
    for (const [skewMs, says] of [[86_400_000, /ahead/], [-86_400_000, /behind/]]) {
      zammad.faults.clear();
      zammad.faults.add({ kind: 'wrong_clock', skewMs });
      const { works, checks } = await tested();
      assert.ok(works);
      const line = checks.find(({ name }) => name === 'clock');
      assert.equal(line.state, 'warning');
      assert.match(line.text, says);
      assert.ok(Math.abs(line.values.seconds - 86_400) < 60);
    }
  });

  test('says it in German', async () => {
    const answer = await ask('POST', '/connections/test', { kind: 'zammad', name: 'x', allow_private: true, settings: { base_url: zammad.url, token: 'nobody' } }, { 'Accept-Language': 'de' });
    assert.match(answer.json().errors[0].detail, /Zugangstoken/);
  });
});

// ---- what can be pointed at ----

describe('what can be pointed at', { timeout }, () => {
  before(() => startPeer({ data: 'month' }), { timeout });

  const things = async ({ id }, listing, values = {}) => {
    const all = [];
    for (let cursor; cursor !== null;) {
      const { items, next } = await told('GET', `/connections/${id}/things/${listing}?${query({ limit: 200, ...values, ...(cursor && { cursor }) })}`);
      all.push(...items);
      cursor = next;
    }
    return all;
  };

  test('users, organisations, groups, tickets, types, tags', async () => {
    const connection = await connect();
    const users = await things(connection, 'user', { inactive: true });
    assert.equal(users.length, zammad.state.users.size - 1); // the system is nobody
    const { id, email } = zammad.state.agents[0];
    assert.equal(users.find((one) => one.id === String(id)).email, email);
    assert.equal((await things(connection, 'organization', { inactive: true })).length, zammad.state.organizations.size);
    assert.equal((await things(connection, 'group', { inactive: true })).length, zammad.state.groups.size);
    assert.equal((await things(connection, 'ticket', { inactive: true })).length, zammad.state.tickets.size);
    const types = await things(connection, 'activity', { inactive: true });
    assert.deepEqual(types.map(({ name }) => name).sort(), [...zammad.state.types.values()].map(({ name }) => name).sort());
    assert.equal((await things(connection, 'tag')).length, zammad.state.tags.size);
  });

  test('what somebody types is searched for', async () => {
    const connection = await connect();
    const agent = zammad.state.agents[0];
    const paths = await asked(async () => {
      const found = await things(connection, 'user', { term: agent.lastname });
      assert.ok(found.some(({ id }) => id === String(agent.id)), JSON.stringify(found));
    });
    assert.ok(paths.every((one) => one === 'GET /api/v1/users/search'), paths.join('\n'));
    const firm = [...zammad.state.organizations.values()].find(({ name }) => /[&-]/.test(name));
    if (firm) assert.ok((await things(connection, 'organization', { term: firm.name })).some(({ name }) => name === firm.name));
    const ticket = [...zammad.state.tickets.values()].at(-1);
    assert.ok((await things(connection, 'ticket', { term: ticket.number, inactive: true })).some(({ number }) => number === ticket.number));
  });

  test('a closed ticket is one of them, a merged one is over', async () => {
    const [closed, merged] = [zammad.openTicket({ title: 'closed' }), zammad.openTicket({ title: 'merged' })];
    zammad.changeTicket(closed.id, { state: 'closed' });
    zammad.merge(merged.id, closed.id);
    const found = new Map((await things(await connect(), 'ticket', { inactive: true })).map((one) => [one.id, one.inactive]));
    assert.equal(found.get(String(closed.id)), false);
    assert.equal(found.get(String(merged.id)), true);
  });

  test('without the permission it is an error that says which', async () => {
    const answer = await ask('GET', `/connections/${(await connect({ token: agentToken() })).id}/things/activity`);
    assert.ok(answer.status >= 400, answer.text());
    assert.match(answer.json().detail, /permission/);
  });
});

// ---- webhooks ----

describe('webhooks', { timeout }, () => {
  before(() => startPeer({ data: 'month' }), { timeout });

  const heard = async () => (await told('GET', '/clerk/changed')).tickets;

  test('tell which ticket changed; those of others tell nothing', async () => {
    const made = await connect();
    const endpoint = `${server.url}${made.webhook.path}`;
    zammad.webhooks.subscribe({ endpoint, signature_token: made.webhook_secret });
    const ticket = zammad.state.entries.get(kept()[0]).ticket_id;
    const before = (await heard()).length;
    zammad.book({ ticket, time_unit: '2.75' });
    await zammad.webhooks.idle();
    assert.deepEqual(zammad.webhooks.counts(), { delivered: 1 });
    const now = await until('the hint is heard', async () => {
      const all = await heard();
      return all.length > before && all;
    });
    assert.equal(now.at(-1), String(ticket));
    const [hook] = [...zammad.webhooks.webhooks.values()];
    hook.signature_token = 'wrong';
    zammad.book({ ticket, time_unit: '1' });
    await zammad.webhooks.idle();
    assert.equal(zammad.webhooks.counts().delivered, 1, JSON.stringify(zammad.webhooks.counts()));
    assert.equal((await heard()).length, now.length);
  });

  test('may have a body of the admin, and come twice', async () => {
    const made = await connect();
    zammad.control('DELETE', 'webhooks');
    zammad.webhooks.subscribe({ endpoint: `${server.url}${made.webhook.path}`, signature_token: made.webhook_secret, custom_payload: '{"ticket_id":"#{ticket.id}"}' });
    const ticket = zammad.state.entries.get(kept()[0]).ticket_id;
    const before = (await heard()).length;
    zammad.webhooks.repeat(1);
    zammad.book({ ticket, time_unit: '0.5' });
    await zammad.webhooks.idle();
    const now = await until('the hint is heard', async () => {
      const all = await heard();
      return all.length > before && all;
    });
    assert.equal(now.at(-1), String(ticket));
    assert.equal(now.length, before + 1, 'the second time it is the same delivery');
  });
});

// ---- what a reader types ----

describe('docs/zammad.md', { timeout }, () => {
  const page = readFileSync(join(root, 'docs/zammad.md'), 'utf8');
  const lines = [...page.matchAll(/^```sh\n(.*?)^```$/gms)].flatMap(([, text]) => text.trim().split('\n'));
  const here = temporaryFolder();
  let own;
  before(async () => {
    await startPeer({ data: 'month' });
    own = await startWith({ plugins: { badges: badgesYaml(people) }, folder: pluginFolder });
    symlinkSync(own.configDir, join(here, 'conf.d'));
    symlinkSync(own.dataDir, join(here, 'var'));
    writeFileSync(join(here, 'token.txt'), `${zammad.token}\n`);
  }, { timeout });
  after(async () => {
    await own?.stop();
    rmSync(here, { recursive: true, force: true });
  }, { timeout });

  // The stand-in is on this machine, and nobody signs in who would have one tenant.
  const typed = (line) => line.replace('https://desk.example.org', zammad.url)
    .replace(/^(dowel connection add .*?)( <.*)?$/, (_, verb, input = '') => `${verb} --allow-private yes${input}`)
    .replace(/^(dowel connection (?!kinds).*?)( <.*)?$/, (_, verb, input = '') => `${verb} --tenant ${tenants.a}${input}`);
  const run = (line) => new Promise((resolve) => {
    const env = { PATH: `${dirname(binaryOf())}:${process.env.PATH}` };
    execFile('sh', ['-c', line], { cwd: here, env, timeout: 20_000 * slowness }, (error, stdout, stderr) => resolve({ code: error ? error.code : 0, stdout, stderr }));
  });

  test('its commands work, in their order', async () => {
    assert.ok(lines.length >= 8, lines.join('\n'));
    for (const line of lines) {
      const { code, stdout, stderr } = await run(typed(line));
      assert.equal(code, 0, `${line}: ${stdout}${stderr}`);
      if (line.startsWith('dowel connection add')) assert.match(stdout, /\/api\/v1\/hooks\/zammad\//);
      if (line.includes('activity')) for (const { name } of zammad.state.types.values()) assert.ok(stdout.includes(name), stdout);
    }
  });

  test('has each setting', async () => {
    const { stdout } = await run('dowel connection kinds zammad --output json');
    const kind = JSON.parse(stdout);
    const names = (kind.fields ?? kind.settings).map(({ name }) => name);
    assert.ok(names.length >= 8, stdout);
    for (const name of names) assert.ok(page.includes(`\`${name}\``), name);
  });

  test('conf.d/zammad.yaml enables the plugin, and nothing is wrong in it', async () => {
    const text = readFileSync(join(root, 'conf.d/zammad.yaml'), 'utf8');
    assert.match(text, /^enabled: true$/m);
    const one = await startWith({ plugins: { zammad: text.replace(/^enabled: true$/m, '') }, folder: pluginFolder });
    try {
      assert.match(await readyz(one), /^ok$/m);
      assert.equal((await command(one, 'connection', 'kinds', 'zammad')).code, 0);
    } finally {
      await one.stop();
    }
  });
});
