// What must hold for every operation (contract_kept.test.mjs) of accounts and sign-in: tried with people who really sign in,
// in two tenants, from /openapi.json alone.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';

import { request } from './support/client.mjs';
import { operationsOf, walk } from './support/contract.mjs';
import { engines } from './support/database.mjs';
import { slowness } from './support/server.mjs';
import { addUser, ask, PASSWORD, setUp, signIn, startAuth } from './support/signin.mjs';

const timeout = 240_000 * slowness;
const cores = ['audit', 'connections', 'events', 'inbox', 'server', 'webhooks']; // not the plugin's
const isOurs = ({ operation }) => !cores.includes(operation.tags[0]);
const isOperators = ({ operation }) => operation['x-permission'] === 'auth.operate';
// What belongs to somebody, not only to a tenant.
const isPersonal = ({ path }) => ['/api/v1/auth/sessions/{id}', '/api/v1/auth/keys/{id}'].includes(path);

for (const engine of engines) {
  describe(`accounts and sign-in hold to their contract, on ${engine.name}`, { timeout, skip: engine.skip }, () => {
    let server, database, document;
    let n = 0;
    const people = {}; // access tokens: operator, admin and member are in the first tenant, foreigner is the other's administrator

    const told = async (path, token, json) => {
      const answer = await ask(server, `/api/v1${path}`, { token, json });
      assert.ok(answer.status < 300, `${path}: ${answer.status} ${answer.text}`);
      return answer.json;
    };
    const tokenOf = async (email, more) => (await signIn(server, { email, ...more })).access_token;
    const add = async (by, email, roles) => {
      await addUser(server, by, { email, roles });
      return tokenOf(email);
    };

    before(async () => {
      database = await engine.make();
      server = await startAuth({ database });
      await setUp(server);
      people.operator = await tokenOf('ann@example.org');
      people.admin = await add(people.operator, 'ada@example.org', ['admin']);
      people.member = await add(people.operator, 'bob@example.org', ['member']);
      const other = await told('/tenants', people.operator, { name: 'Globex' });
      const elsewhere = await tokenOf('ann@example.org', { tenant: other.slug });
      people.foreigner = await add(elsewhere, 'fay@example.org', ['admin']);
      document = (await request(server.url, { path: '/openapi.json' })).json();
    }, { timeout });
    after(async () => {
      try {
        await server?.stop();
      } finally {
        await database?.drop();
      }
    }, { timeout });

    const user = async () => ({ id: (await told('/users', people.admin, { email: `user${++n}@example.org` })).id });
    const role = async () => ({ id: (await told('/roles', people.admin, { name: `role${++n}` })).id });
    const tenant = async () => ({ id: (await told('/tenants', people.operator, { name: `Tenant ${++n}` })).id });
    const client = async () => ({ id: (await told('/auth/clients', people.operator, { name: `client ${++n}`, redirect_uris: ['http://127.0.0.1/'] })).id });
    const key = async () => ({ id: (await told('/auth/keys', people.admin, { name: `key ${++n}` })).id });
    const session = async () => {
      const token = await tokenOf('ada@example.org');
      return { id: (await told('/auth/sessions', token)).items.find((one) => one.is_current).id };
    };
    const make = {
      '/api/v1/users/{id}': user, '/api/v1/users/{id}/password': user, '/api/v1/members/{id}': user, '/api/v1/roles/{id}': role,
      '/api/v1/tenants/{id}': tenant, '/api/v1/auth/clients/{id}': client, '/api/v1/auth/keys/{id}': key, '/api/v1/auth/sessions/{id}': session,
    };
    const from = (more) => ({ url: server.url, document, make, ...more });

    test('there are operations of each kind', () => {
      const found = operationsOf(document).filter(isOurs);
      assert.deepEqual([...new Set(found.map(({ operation }) => operation.tags[0]))].sort(), ['keys', 'members', 'oauth', 'roles', 'setup', 'sign-in', 'tenants', 'users']);
      assert.ok(found.some(isOperators) && found.filter(isPersonal).length === 2);
    });

    test("what is a tenant's, or everybody's", async (t) => {
      await walk(from({
        people: { one: people.admin, foreigner: people.foreigner, nobody: people.member },
        only: (one) => isOurs(one) && !isOperators(one),
      }), (name, run) => t.test(name, run));
    });

    test("what is the operators': a tenant's administrator is nobody there", async (t) => {
      const open = { '/api/v1/tenants/{id}': 'operators see all tenants', '/api/v1/auth/clients/{id}': "programs are the server's" };
      await walk(from({ people: { one: people.operator, nobody: people.admin }, only: (one) => isOurs(one) && isOperators(one), open }), (name, run) => t.test(name, run));
    });

    // What answers twice: about what is another tenant's, and about what nobody has, which it names so.
    const both = async (theirs, nobodys, send) => {
      const [known, unknown] = [await send(theirs), await send(nobodys)];
      const plain = ({ status, text }, name) => ({ status, text: text.replaceAll(name, 'NAME').replace(/"instance":"[^"]*"/, '') });
      assert.deepEqual(plain(known, theirs), plain(unknown, nobodys));
      return known;
    };

    test("another tenant's in a query or in content is as what nobody has", async () => {
      const { tenant: globex, user: fay } = await signIn(server, { email: 'fay@example.org' });
      await told('/roles', people.foreigner, { name: 'painter' });
      await told('/auth/keys', people.foreigner, { name: 'of fay' });
      for (const list of ['sessions', 'keys']) {
        const get = (token) => (id) => ask(server, `/api/v1/auth/${list}?user_id=${id}`, { token });
        assert.deepEqual((await both(fay.id, randomUUID(), get(people.admin))).json.items, []);
        assert.equal((await both(fay.id, randomUUID(), get(people.member))).status, 403);
      }
      const painters = await both('painter', 'plumber', (role) => ask(server, `/api/v1/users?role=${role}`, { token: people.admin }));
      assert.deepEqual(painters.json.items, []);
      const post = (path, json) => ask(server, `/api/v1${path}`, { token: people.admin, json });
      const given = await both('painter', 'plumber', (role) => post('/users', { email: 'new@example.org', roles: [role] }));
      assert.deepEqual([given.status, given.json.errors[0].pointer], [422, '#/roles/0']);
      for (const [theirs, nobodys] of [[globex.id, randomUUID()], [globex.slug, 'no-tenant']]) {
        assert.ok((await both(theirs, nobodys, (tenant) => post('/auth/switch', { tenant }))).status >= 400);
        assert.ok((await both(theirs, nobodys, (tenant) => post('/auth/login', { email: 'ada@example.org', password: PASSWORD, tenant }))).status >= 400);
      }
    });

    test("what is somebody's own is to another member as what nobody has", async (t) => {
      await walk(from({ people: { one: people.admin, foreigner: people.member, nobody: people.member }, only: isPersonal }), (name, run) => t.test(name, run));
    });
  });
}
