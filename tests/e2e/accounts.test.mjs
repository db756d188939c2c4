// Users, roles and tenants on real servers: the first start, two at once; what a role opens and closes; other tenants' ids; what wrong
// passwords cost; the command line with a server and without one; docs/auth.md.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { engines } from './support/database.mjs';
import { command, logged, pluginFolder, startWith } from './support/plugins.mjs';
import { binaryOf, dowel, root, slowness, temporaryFolder, until } from './support/server.mjs';
import { addUser, ask, me, PASSWORD, setUp, signIn, startAuth } from './support/signin.mjs';

const timeout = 120_000 * slowness;
const SOON = 3000 * slowness; // within a second, and what a busy machine takes besides
const NOBODY = '0190a0a0-0000-7000-8000-00000000000f';
const secret_key = 'secret_key: cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=\n';

const change = async (server, token, path, json) => {
  const now = await ask(server, path, { token });
  assert.equal(now.status, 200, now.text);
  return ask(server, path, { token, method: 'PATCH', json, headers: { 'If-Match': now.headers.get('etag') } });
};

// Nothing but the request's id tells two refusals apart.
const refusal = ({ status, json }) => ({ status, ...json, instance: undefined });

for (const engine of engines) {
  describe(`the first start, on ${engine.name}`, { timeout, skip: engine.skip }, () => {
    let server, database;
    before(async () => {
      database = await engine.make();
      server = await startAuth({ database });
    }, { timeout });
    after(async () => {
      await server?.stop();
      await database?.drop();
    }, { timeout });

    test('of many setups at once one succeeds', async () => {
      const links = [];
      for (let i = 0; i < 4; i++) {
        const { code, stdout, stderr } = await command(server, 'setup-link', '--output', 'json');
        assert.equal(code, 0, stderr);
        links.push(JSON.parse(stdout).token);
      }
      const tries = await Promise.all([...links, ...links].map((token, i) =>
        ask(server, '/api/v1/auth/setup', { json: { token, email: `user${i}@example.org`, password: PASSWORD, tenant: `T${i}` } })));
      assert.deepEqual(tries.map((one) => one.status).sort(), [201, ...Array(7).fill(409)], tries.map((one) => one.text).join('\n'));
      const made = tries.find((one) => one.status === 201).json;
      const { access_token } = await signIn(server, { email: made.email });
      const users = await ask(server, '/api/v1/users', { token: access_token });
      assert.deepEqual(users.json.items.map((one) => one.email), [made.email]);
      assert.equal((await ask(server, '/api/v1/tenants', { token: access_token })).json.items.length, 1);
    });

    test('and no link is logged when somebody has an account', async () => {
      const before = server.stderr.length;
      await command(server, 'reload');
      await until('the next generation', () => (server.stderr.slice(before).match(/reloaded|generation/) ? true : undefined));
      assert.ok(!server.stderr.slice(before).includes('setup?token='));
    });
  });

  describe(`open registration, on ${engine.name}`, { timeout, skip: engine.skip }, () => {
    test('of many who register at once one is administrator', async (t) => {
      const database = await engine.make();
      const server = await startAuth({ database, auth: 'registration: open\n' });
      t.after(async () => {
        await server.stop();
        await database.drop();
      });
      const tries = await Promise.all(Array.from({ length: 8 }, (_, i) =>
        ask(server, '/api/v1/auth/register', { json: { email: `user${i}@example.org`, password: PASSWORD } })));
      assert.deepEqual(tries.map((one) => one.status), Array(8).fill(201), tries.map((one) => one.text).join('\n'));
      const counts = { admin: 0, member: 0 };
      for (const { json } of tries) {
        const { access_token } = await signIn(server, { email: json.email });
        const { permissions } = (await me(server, access_token)).json;
        counts[permissions.includes('users.manage') ? 'admin' : 'member']++;
      }
      assert.deepEqual(counts, { admin: 1, member: 7 });
      const again = await ask(server, '/api/v1/auth/register', { json: { email: 'USER1@Example.ORG', password: PASSWORD } });
      assert.equal(again.status, 409, again.text);
    });
  });

  describe(`accounts, on ${engine.name}`, { timeout, skip: engine.skip }, () => {
    let server, database, ann, admin;
    before(async () => {
      database = await engine.make();
      server = await startAuth({ database, plugins: { notes: '' } });
      ann = await setUp(server);
      admin = (await signIn(server)).access_token;
    }, { timeout });
    after(async () => {
      await server?.stop();
      await database?.drop();
    }, { timeout });

    test('a role opens what it gives, within a second of being changed', async () => {
      const role = await ask(server, '/api/v1/roles', { token: admin, json: { name: 'reader', permissions: ['notes.read'] } });
      assert.equal(role.status, 201, role.text);
      const bob = await addUser(server, admin, { email: 'bob@example.org', roles: ['reader'] });
      const { access_token } = await signIn(server, { email: bob.email });
      const read = () => ask(server, '/api/v1/notes', { token: access_token });
      const write = () => ask(server, '/api/v1/notes', { token: access_token, json: { title: `${Math.random()}` } });
      assert.deepEqual([(await read()).status, (await write()).status], [200, 403]);

      const target = `/api/v1/roles/${role.json.id}`;
      assert.equal((await change(server, admin, target, { permissions: ['notes.*'] })).status, 200);
      await until('the role to open more', async () => ((await write()).status === 201 ? true : undefined), { limit: SOON });
      assert.equal((await change(server, admin, `/api/v1/members/${bob.id}`, { roles: [] })).status, 200);
      await until('the role to be gone', async () => ((await read()).status === 403 ? true : undefined), { limit: SOON });
      assert.equal((await ask(server, target, { token: admin, method: 'DELETE' })).status, 204);
    });

    test("what is meant for operators alone, no tenant's administrator has", async () => {
      const operators = ['auth.operate', 'webhooks.allow_private', 'connections.allow_private', 'core.metrics', 'core.health'];
      const has = async (token) => {
        const { permissions } = (await me(server, token)).json;
        return operators.filter((name) => permissions.includes(name));
      };
      assert.deepEqual((await has(admin)).sort(), [...operators].sort());
      const zoe = await addUser(server, admin, { email: 'zoe@example.org', roles: ['admin'] });
      const { access_token } = await signIn(server, { email: zoe.email });
      assert.deepEqual(await has(access_token), []);
      assert.equal((await ask(server, '/api/v1/webhooks', { token: access_token })).status, 200);
      const role = await ask(server, '/api/v1/roles', { token: admin, json: { name: 'sly', permissions: ['webhooks.allow_private'] } });
      assert.equal(role.status, 422, role.text);
    });

    test('what a plugin means for a role, the role has', async () => {
      const cat = await addUser(server, admin, { email: 'cat@example.org', roles: ['member'] });
      const { access_token } = await signIn(server, { email: cat.email });
      const { permissions } = (await me(server, access_token)).json;
      const declared = (await ask(server, '/api/v1/permissions', { token: admin })).json.items;
      const meant = declared.filter((one) => one.roles.includes('member')).map((one) => one.name);
      assert.deepEqual([...permissions].sort(), [...meant].sort());
      const all = (await me(server, admin)).json.permissions;
      assert.deepEqual([...all].sort(), declared.map((one) => one.name).sort(), 'an administrator who is operator has all');
    });

    test('an administrator who is no operator has all but what operators have', async () => {
      const dan = await addUser(server, admin, { email: 'dan@example.org', roles: ['admin'] });
      const { access_token } = await signIn(server, { email: dan.email });
      assert.ok(!(await me(server, access_token)).json.permissions.includes('auth.operate'));
      assert.equal((await ask(server, '/api/v1/tenants', { token: access_token })).status, 403);
      assert.equal((await ask(server, `/api/v1/users/${ann.user_id}/password`, { token: access_token, json: {} })).status, 403);
    });

    test('who is deactivated is out within a second', async () => {
      const eve = await addUser(server, admin, { email: 'eve@example.org' });
      const { access_token, refresh_token } = await signIn(server, { email: eve.email });
      assert.equal((await me(server, access_token)).status, 200);
      assert.equal((await change(server, admin, `/api/v1/users/${eve.id}`, { active: false })).status, 200);
      await until('the token to be worth nothing', async () => ((await me(server, access_token)).status === 401 ? true : undefined), { limit: SOON });
      const again = await ask(server, '/api/v1/auth/token', { form: { grant_type: 'refresh_token', refresh_token } });
      assert.equal(again.status, 400, again.text);
      assert.equal((await ask(server, '/api/v1/auth/login', { json: { email: eve.email, password: PASSWORD } })).status, 403);
      assert.equal((await ask(server, '/api/v1/auth/login', { json: { email: eve.email, password: 'wrong one' } })).status, 401);
    });

    test('a temporary password opens nothing until it is changed', async () => {
      const made = await ask(server, '/api/v1/users', { token: admin, json: { email: 'fay@example.org' } });
      assert.equal(made.status, 201, made.text);
      const { temporary_password } = made.json;
      assert.match(temporary_password, /^[a-z2-9]{4}(-[a-z2-9]{4}){3}$/);
      const login = (password) => ask(server, '/api/v1/auth/login', { json: { email: 'fay@example.org', password } });
      const refused = await login(temporary_password);
      assert.equal(refused.status, 403, refused.text);
      assert.match(refused.json.detail, /auth\/password/);
      const changed = await ask(server, '/api/v1/auth/password', { json: { email: 'fay@example.org', password: temporary_password, new_password: PASSWORD } });
      assert.equal(changed.status, 204, changed.text);
      assert.deepEqual([(await login(temporary_password)).status, (await login(PASSWORD)).status], [401, 200]);
      assert.ok(!server.stderr.includes(temporary_password));
    });

    test('another tenant\'s ids are as unknown as nobody\'s', async () => {
      const globex = await ask(server, '/api/v1/tenants', { token: admin, json: { name: 'Globex' } });
      assert.equal(globex.status, 201, globex.text);
      const there = (await ask(server, '/api/v1/auth/switch', { token: admin, json: { tenant: globex.json.id } })).json.access_token;
      const gil = await addUser(server, there, { email: 'gil@example.org', roles: ['admin'] });
      const foreign = (await signIn(server, { email: 'gil@example.org' })).access_token;
      const roles = (await ask(server, '/api/v1/roles', { token: admin })).json.items;
      const bob = (await ask(server, '/api/v1/users?q=bob', { token: admin })).json.items[0];
      const ids = { users: bob.id, members: bob.id, roles: roles[0].id };
      for (const [kind, id] of Object.entries(ids)) {
        for (const [method, json] of [['GET'], ['PATCH', kind === 'members' ? { active: false } : { name: 'x' }], ['DELETE']]) {
          const [theirs, nobodys] = await Promise.all([id, NOBODY].map((one) =>
            ask(server, `/api/v1/${kind}/${one}`, { token: foreign, method, json, headers: { 'If-Match': '"1"' } })));
          assert.equal(theirs.status, 404, `${method} ${kind}: ${theirs.text}`);
          assert.deepEqual(refusal(theirs), refusal(nobodys));
        }
      }
      const users = (await ask(server, '/api/v1/users', { token: foreign })).json.items;
      assert.deepEqual(users.map((one) => one.id).sort(), [ann.user_id, gil.id].sort(), 'Ann has made the tenant, so she belongs to it');
    });

    // Each would leave the other one; both at once would leave nobody.
    test('two administrators cannot take each other the role', async () => {
      const initech = await ask(server, '/api/v1/tenants', { token: admin, json: { name: 'Initech' } });
      const there = (await ask(server, '/api/v1/auth/switch', { token: admin, json: { tenant: initech.json.id } })).json.access_token;
      const people = [];
      for (const email of ['ivy@example.org', 'jim@example.org']) {
        const made = await addUser(server, there, { email, roles: ['admin'] });
        people.push({ id: made.id, token: (await signIn(server, { email })).access_token });
      }
      assert.equal((await change(server, people[0].token, `/api/v1/members/${ann.user_id}`, { roles: ['viewer'] })).status, 403, 'she is an operator');
      const left = await command(server, 'role', 'take', ann.email, 'admin', '--in', 'initech');
      assert.equal(left.code, 0, left.stderr);
      for (let round = 0; round < 8; round++) {
        const versions = await Promise.all(people.map(async ({ id, token }) => (await ask(server, `/api/v1/members/${id}`, { token })).headers.get('etag')));
        const tries = await Promise.all(people.map(({ token }, i) => ask(server, `/api/v1/members/${people[1 - i].id}`, {
          token, method: 'PATCH', json: { roles: [] }, headers: { 'If-Match': versions[1 - i] } })));
        const statuses = tries.map((one) => one.status);
        assert.equal(statuses.filter((one) => one === 200).length, 1, statuses.join(' '));
        const lost = people[1 - statuses.indexOf(200)].id;
        assert.equal((await change(server, people[statuses.indexOf(200)].token, `/api/v1/members/${lost}`, { roles: ['admin'] })).status, 200);
        await until('the role to be back', async () => ((await ask(server, '/api/v1/users', { token: people.find((one) => one.id === lost).token })).status === 200 ? true : undefined));
      }
    });

    test('dowel user, role and tenant talk to the running server', async () => {
      const told = async (...args) => {
        const { code, stdout, stderr } = await command(server, ...args, '--output', 'json');
        assert.equal(code, 0, `${args.join(' ')}: ${stderr}`);
        return JSON.parse(stdout);
      };
      const made = await dowel(['user', 'add', 'hal@example.org', '--in', 'acme', '--config', server.configDir, '--data', server.dataDir], { input: `${PASSWORD}\n` });
      assert.equal(made.code, 0, made.stderr);
      const { access_token } = await signIn(server, { email: 'hal@example.org' });
      assert.equal((await ask(server, '/api/v1/users', { token: access_token })).status, 403);
      await told('role', 'give', 'hal@example.org', 'admin', '--in', 'acme');
      await until('the role to count', async () => ((await ask(server, '/api/v1/users', { token: access_token })).status === 200 ? true : undefined), { limit: SOON });
      await told('user', 'deactivate', 'hal@example.org');
      await until('the token to be worth nothing', async () => ((await me(server, access_token)).status === 401 ? true : undefined), { limit: SOON });
      assert.equal((await told('user', 'list', '--inactive')).items.some((one) => one.email === 'hal@example.org'), true);
      const argument = await command(server, 'user', 'password', 'hal@example.org', PASSWORD);
      assert.equal(argument.code, 2, 'a password is no argument');
    });
  });

  describe(`wrong passwords, on ${engine.name}`, { timeout, skip: engine.skip }, () => {
    test('are counted by all servers together, and lock nobody out where he was before', async (t) => {
      const database = await engine.make();
      const plugins = { auth: 'argon2_memory: 8\nargon2_passes: 1\nlockout_free: 3\nlockout_first: 1m\n' };
      const core = `trusted_proxies: [127.0.0.1]\n${secret_key}${database.url ? `database_url: ${database.url}\n` : ''}`;
      const servers = [await startWith({ plugins, core, folder: pluginFolder })];
      t.after(async () => {
        await Promise.all(servers.map((one) => one.stop()));
        await database.drop();
      });
      await setUp(servers[0]);
      if (!engine.isSqlite) servers.push(await startWith({ plugins, core, folder: pluginFolder }));
      const login = (i, from, password) => ask(servers[i % servers.length], '/api/v1/auth/login', {
        json: { email: 'ann@example.org', password }, headers: { 'X-Forwarded-For': from } });
      const statuses = async (n, from) => {
        const found = [];
        for (let i = 0; i < n; i++) found.push((await login(i, `${from}.${i + 1}`, 'wrong one')).status);
        return found;
      };

      assert.equal((await login(0, '198.51.100.7', PASSWORD)).status, 200);
      assert.deepEqual(await statuses(6, '192.0.2'), [401, 401, 401, 401, 429, 429]);
      const stranger = await login(1, '203.0.113.9', PASSWORD);
      assert.equal(stranger.status, 429);
      assert.ok(Number(stranger.headers.get('retry-after')) > 30, stranger.headers.get('retry-after'));
      assert.equal((await login(1, '198.51.100.7', PASSWORD)).status, 200);
    });

    test('a hundred tries at once are a hundred tries', async (t) => {
      const database = await engine.make();
      const plugins = { auth: 'argon2_memory: 8\nargon2_passes: 1\nlockout_free: 3\nlockout_first: 1m\n' };
      const server = await startWith({ plugins, core: database.url ? `database_url: ${database.url}\n` : '', folder: pluginFolder });
      t.after(async () => {
        await server.stop();
        await database.drop();
      });
      await setUp(server);
      const tries = await Promise.all(Array.from({ length: 40 }, () => ask(server, '/api/v1/auth/login', { json: { email: 'ann@example.org', password: 'wrong one' } })));
      const counted = tries.filter((one) => one.status === 401).length;
      assert.equal(counted, 4, tries.map((one) => one.status).join(' '));
      assert.ok(tries.every((one) => [401, 429, 503].includes(one.status)), tries.map((one) => one.status).join(' '));
    });
  });
}

describe('two servers that start at once on one database', { timeout, skip: engines[1].skip }, () => {
  test('each log a link; one of them is used', async (t) => {
    const database = await engines[1].make();
    const core = `${secret_key}database_url: ${database.url}\n`;
    const servers = await Promise.all([0, 1].map(() => startWith({ plugins: { auth: '' }, core, folder: pluginFolder })));
    t.after(async () => {
      await Promise.all(servers.map((one) => one.stop()));
      await database.drop();
    });
    const tries = await Promise.all(servers.map(async (server, i) => {
      const { path } = await logged(server, { path: /setup\?token=/ });
      return ask(server, '/api/v1/auth/setup', { json: { token: /token=([\w-]+)/.exec(path)[1], email: `user${i}@example.org`, password: PASSWORD } });
    }));
    assert.deepEqual(tries.map((one) => one.status).sort(), [201, 409], tries.map((one) => one.text).join('\n'));
  });
});

describe('conf.d/auth.yaml', { timeout }, () => {
  test('has every item with its default', async () => {
    const { code, stdout, stderr } = await dowel(['config', 'reference', 'auth', '--config', join(root, 'conf.d')], { env: { DOWEL_CORE__PLUGIN_DIRS: pluginFolder } });
    assert.equal(code, 0, stderr);
    const items = [...stdout.matchAll(/^#### `(\w+)`\n\n(.*?)\n\n- Type: .*?\n- Default: (.*?)$/gms)].map(([, name, help, value]) => [name, help, value === 'empty' ? '""' : value.replaceAll('`', '')]);
    assert.ok(items.length > 15, stdout);
    const file = readFileSync(join(root, 'conf.d/auth.yaml'), 'utf8');
    const written = [...file.matchAll(/((?:^# .*\n)+)#(\w+): (.*)$/gm)].map(([, help, name, value]) => [name, help.replace(/^# /gm, '').replace(/\s+/g, ' '), value]);
    assert.deepEqual(written.map(([name, , value]) => `${name}: ${value}`), items.map(([name, , value]) => `${name}: ${value}`));
    for (const [i, [name, help]] of written.entries()) assert.ok(help.startsWith(items[i][1].replace(/\s+/g, ' ')), `${name}: ${help}\n${items[i][1]}`);
  });
});

// The reader's commands, one after the other, on a server as `./dev run` makes it.
describe('docs/auth.md', { timeout }, () => {
  const page = readFileSync(join(root, 'docs/auth.md'), 'utf8');
  const blocks = [...page.matchAll(/^```(sh|console)\n(.*?)^```$/gms)];
  const lines = blocks.flatMap(([, kind, text]) => text.trim().split('\n').map((line) => (kind === 'sh' ? line : line.replace(/^\$ /, ''))));
  const folder = temporaryFolder();
  let server;
  before(async () => {
    server = await startWith({ plugins: { auth: '' }, folder: pluginFolder });
    symlinkSync(server.configDir, join(folder, 'conf.d'));
    symlinkSync(server.dataDir, join(folder, 'var'));
    writeFileSync(join(folder, 'password.txt'), 'tin can telephone\n');
  }, { timeout });
  after(async () => {
    await server?.stop();
    rmSync(folder, { recursive: true, force: true });
  }, { timeout });

  const run = (line) => new Promise((resolve) => {
    const env = { PATH: `${dirname(binaryOf())}:${process.env.PATH}` };
    execFile('sh', ['-c', line.replaceAll('http://127.0.0.1:8000', server.url)], { cwd: folder, env, timeout: 20_000 * slowness }, (error, stdout, stderr) => resolve({ code: error ? error.code : 0, stdout, stderr }));
  });

  test('its commands work, in their order', async () => {
    assert.ok(lines.length >= 20, lines.join('\n'));
    const { path } = await logged(server, { path: /setup\?token=/ });
    for (const line of lines) {
      const here = line.replace('"token": "..."', `"token": "${/token=([\w-]+)/.exec(path)[1]}"`);
      const { code, stdout, stderr } = await run(here);
      // Who has followed the page to there has made the first user already: the same with another address.
      if (line.startsWith('dowel user add ann@')) {
        assert.match(stderr, /registered already/);
        continue;
      }
      assert.equal(code, 0, `${line}: ${stdout}${stderr}`);
      if (line.startsWith('curl')) assert.match(stdout, /user_id/, line);
    }
  });

  test('its link is the one that is logged', () => assert.match(page, /nobody has an account here yet: who opens this link first makes the administrator's.*path=\"\/setup\?token=/s));
});
