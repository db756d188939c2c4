// Presets: release asan
// The connector for Zammad against its stand-in, through a real server: what is booked arrives whole, by whichever way it has to be
// read, whatever moves, breaks or lies meanwhile; and a list that is not whole never says that it is.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';

import { startKimai } from '../peers/kimai.mjs';
import { startZammad } from '../peers/zammad.mjs';
import { badges, badgesYaml, bearer, tenants } from './support/badges.mjs';
import { request } from './support/client.mjs';
import { command, pluginFolder, readyz, startWith } from './support/plugins.mjs';
import { binaryOf, preset, root, slowness, temporaryFolder, until } from './support/server.mjs';

const timeout = 120_000 * slowness;
const folder = `${pluginFolder}, ${join(root, 'build', preset, 'clerk')}`;
const vectors = process.env.DOWEL_VECTORS ?? join(root, '../shared/vectors');

const people = badges({ root: 'a *' });

let server;
let zammad;
let n = 0;

async function ask(method, path, body, headers = {}) {
  const answer = await request(server.url, {
    method, path: `/api/v1${path}`, limit: 300_000 * slowness,
    headers: { ...bearer(people.root), ...(body !== undefined && { 'Content-Type': 'application/json' }), ...headers },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return answer;
}

async function told(...args) {
  const answer = await ask(...args);
  assert.ok(answer.status < 300, `${args[0]} ${args[1]}: ${answer.status} ${answer.text()}`);
  return answer.body.length === 0 ? {} : answer.json();
}

const connect = (settings = {}, more = {}) => told('POST', '/connections', {
  kind: 'zammad', name: `zammad ${++n}`, allow_private: true, untested: true, ...more, settings: { base_url: zammad.url, token: zammad.token, ...settings },
});

const query = (values) => new URLSearchParams(Object.entries(values)).toString();
const read = ({ id }, values = {}) => ask('GET', `/clerk/${id}/entries?${query(values)}`);
const entries = async (connection, values) => {
  const answer = await read(connection, values);
  assert.equal(answer.status, 200, answer.text());
  return answer.json().entries;
};
const idsOf = (list) => list.map(({ id }) => Number(id)).sort((a, b) => a - b);
const kept = () => [...zammad.state.entries.keys()].sort((a, b) => a - b);
const asked = async (act) => {
  const mark = zammad.log.mark;
  await act();
  return zammad.log.since(mark).map(({ method, path }) => `${method} ${path}`);
};
const agentOf = () => zammad.state.agents.find(({ role_ids }) => !role_ids.includes(1));
const agentToken = (permission = ['ticket.agent']) => zammad.control('POST', 'tokens', { user: agentOf().id, permission }).token;

before(async () => {
  const core = 'rate_limit: off\nroute_limits: false\ncheck_replies: true\n';
  server = await startWith({ plugins: { badges: badgesYaml(people), zammad: '', clerk: '' }, folder, core });
}, { timeout });

after(async () => {
  await server?.stop();
  await zammad?.stop();
}, { timeout });

async function startPeer(options = {}) {
  await zammad?.stop();
  zammad = await startZammad({ seed: 7, now: Date.now(), ...options }); // its clock stands, and would soon be taken for one that is behind
}

describe('what is booked', { timeout }, () => {
  beforeEach(() => startPeer(), { timeout });

  test('arrives with all that is known', async () => {
    const entry = zammad.book({ ticket: zammad.openTicket({ title: 'Printer "<é>" \u202e', customer: zammad.state.users.get(5)?.login }).id, time_unit: '7.25' });
    const ticket = zammad.control('GET', `tickets/${entry.ticket_id}`);
    const [found] = await entries(await connect());
    const agent = zammad.state.users.get(entry.created_by_id);
    assert.equal(found.id, String(entry.id));
    assert.equal(found.ticket, String(ticket.id));
    assert.equal(found.ticket_number, ticket.number);
    assert.equal(found.ticket_title, 'Printer "<é>" \u202e');
    assert.equal(found.agent_email, agent.email);
    assert.equal(found.amount, '7.25');
    assert.equal(found.url, `${zammad.url}/#ticket/zoom/${ticket.id}`);
    assert.equal(Date.parse(found.created), Date.parse(entry.created_at));
    assert.equal(Date.parse(found.changed), Date.parse(entry.updated_at));
    if (ticket.organization_id) {
      assert.equal(found.customer, String(ticket.organization_id));
      assert.equal(found.customer_name, ticket.organization);
    } else {
      assert.equal(found.customer, `user-${ticket.customer_id}`);
    }
  });
});

// ---- both ways of reading ----

const sorted = (list) => [...list].sort((a, b) => Number(a.id) - Number(b.id));
const since = (ms) => ({ since: new Date(ms).toISOString() });
const MINUTE = 60_000;

describe('read at once, or ticket by ticket', { timeout }, () => {
  before(() => startPeer({ data: 'month' }), { timeout });

  test('a month is the same, and whole', async () => {
    const atOnce = sorted(await entries(await connect({ strategy: 'global' })));
    const byTicket = sorted(await entries(await connect({ strategy: 'tickets' })));
    assert.deepEqual(idsOf(atOnce), kept());
    assert.deepEqual(byTicket, atOnce);
    for (const { id, amount, agent_email, customer, ticket_number } of atOnce) {
      const row = zammad.control('GET', `entries/${id}`);
      assert.equal(amount, row.time_unit);
      assert.ok(agent_email && customer && ticket_number, id);
    }
  });

  test('small pages are the same as large ones', async () => {
    for (const per_page of [1, 7, kept().length, 1000]) {
      assert.deepEqual(idsOf(await entries(await connect({ strategy: 'global', per_page }), { bare: true })), kept(), String(per_page));
    }
  });

  test('a token that may not read all is found out once', async () => {
    const connection = await connect({ token: agentToken() });
    const first = await asked(async () => assert.deepEqual(idsOf(await entries(connection)), kept()));
    const second = await asked(async () => assert.deepEqual(idsOf(await entries(connection)), kept()));
    assert.equal(first.filter((one) => one === 'GET /api/v1/time_accountings').length, 1);
    assert.ok(!second.includes('GET /api/v1/time_accountings'));
  });

  test('numbers alone cost one request a page', async () => {
    const connection = await connect({ strategy: 'global' });
    const paths = await asked(() => entries(connection, { bare: true }));
    assert.ok(paths.every((one) => one === 'GET /api/v1/time_accountings'), paths.join('\n'));
    assert.ok(paths.length <= 4, paths.join('\n'));
  });

  test('ten lists at once are whole, each', async () => {
    const connection = await connect({ per_page: 20 });
    const lists = await Promise.all(Array.from({ length: 10 }, (_, i) => entries(connection, i % 2 ? { bare: true } : {})));
    for (const list of lists) assert.deepEqual(idsOf(list), kept());
  });

  test('a name is asked for once', async () => {
    const paths = await asked(async () => entries(await connect({ strategy: 'global' })));
    assert.equal(new Set(paths.filter((one) => /users\/\d+$/.test(one))).size, paths.filter((one) => /users\/\d+$/.test(one)).length);
    const singles = paths.filter((one) => /tickets\/\d+$/.test(one)).length;
    assert.equal(singles, 0, 'a search has a hundred tickets at once');
  });
});

describe('names behind the numbers', { timeout }, () => {
  beforeEach(() => startPeer(), { timeout });

  // So many tickets, each of a customer of their own who belongs to no organisation, with something booked on each.
  function fillLonely(count) {
    return Array.from({ length: count }, (_, i) => {
      const customer = zammad.control('POST', 'users', { login: `lonely${i}@example.org`, email: `lonely${i}@example.org`, firstname: 'Lone', lastname: `Ly ${i}` });
      const ticket = zammad.openTicket({ title: `Lonely ${i}`, customer: customer.login });
      return { customer, ticket, entry: zammad.book({ ticket: ticket.id, time_unit: '5' }) };
    });
  }

  test('many people are read at once', async () => {
    const all = fillLonely(150);
    let found;
    const paths = await asked(async () => {
      found = new Map((await entries(await connect())).map((one) => [one.id, one]));
    });
    for (const { customer, entry } of all) {
      assert.equal(found.get(String(entry.id)).customer, `user-${customer.id}`);
      assert.equal(found.get(String(entry.id)).customer_name, `${customer.firstname} ${customer.lastname}`);
    }
    assert.ok(paths.length < 20, paths.join('\n'));
    assert.ok(paths.includes('GET /api/v1/users'));
  });

  test('tickets that may not be seen are soon believed to be so', async () => {
    const all = fillLonely(200);
    zammad.state.admin.group_ids = {};
    let found;
    const paths = await asked(async () => {
      found = await entries(await connect({ strategy: 'global' }));
    });
    assert.deepEqual(idsOf(found), kept());
    assert.ok(all.length > 0 && found.every(({ ticket_number, customer, url }) => ticket_number === null && customer === null && url));
    assert.ok(paths.length < 40, paths.join('\n'));
  });
});

describe('what changed', { timeout }, () => {
  beforeEach(() => startPeer({ data: 'month' }), { timeout });

  const changedIds = async (connection, ms) => idsOf(await entries(connection, { ...since(ms), bare: true }));

  for (const strategy of ['global', 'tickets']) {
    test(`is found by its time: ${strategy}`, async () => {
      const connection = await connect({ strategy });
      const [, second, third] = kept();
      zammad.clock.advance(60 * MINUTE);
      zammad.edit(second, { time_unit: '99.25' });
      const booked = zammad.book({ ticket: zammad.state.entries.get(third).ticket_id, time_unit: '0.25' });
      const found = await changedIds(connection, zammad.clock.now() - MINUTE);
      for (const id of [second, booked.id]) assert.ok(found.includes(id), `${id} among ${found}`);
      assert.ok(found.length < kept().length / 2, `${found.length} of ${kept().length}`);
      if (strategy === 'global') assert.deepEqual(found, [second, booked.id].sort((a, b) => a - b));
    });
  }

  test('also an edit that leaves the sum as it was, where all can be read', async () => {
    const [one] = kept();
    const ticket = zammad.state.entries.get(one).ticket_id;
    const other = zammad.book({ ticket, time_unit: '3' }).id;
    zammad.clock.advance(60 * MINUTE);
    zammad.edit(other, { time_unit: '4' });
    zammad.clock.advance(60 * MINUTE);
    zammad.edit(one, { type: zammad.state.entries.get(one).type_id === 1 ? 2 : 1 });
    assert.deepEqual(await changedIds(await connect({ strategy: 'global' }), zammad.clock.now() - MINUTE), [one]);
  });

  test('nothing new is one request', async () => {
    const connection = await connect({ strategy: 'global' });
    zammad.clock.advance(600 * MINUTE);
    const paths = await asked(async () => assert.deepEqual(await entries(connection, since(zammad.clock.now() - MINUTE)), []));
    assert.equal(paths.length, 1, paths.join('\n'));
  });

  test('is found without Elasticsearch, and when its index is behind', async () => {
    for (const settings of [{ elasticsearch: false }, { elasticsearch: true, search_delay_ms: 600_000 }]) {
      zammad.control('POST', 'settings', settings);
      zammad.clock.advance(60 * MINUTE);
      const booked = zammad.book({ ticket: zammad.state.entries.get(kept()[0]).ticket_id, time_unit: '1.5' });
      const found = await changedIds(await connect({ strategy: 'tickets' }), zammad.clock.now() - MINUTE);
      assert.ok(found.includes(booked.id), JSON.stringify(settings));
      assert.ok(found.length < kept().length / 2);
    }
  });

  test('and where search understands no conditions', async () => {
    zammad.faults.add({ kind: 'status', status: 422, method: 'POST', path: '/api/v1/tickets/search' });
    zammad.clock.advance(60 * MINUTE);
    const booked = zammad.book({ ticket: zammad.state.entries.get(kept()[0]).ticket_id, time_unit: '1.5' });
    const connection = await connect({ strategy: 'tickets' });
    assert.ok((await changedIds(connection, zammad.clock.now() - MINUTE)).includes(booked.id));
    assert.deepEqual(sorted(await entries(connection)).length, kept().length);
  });
});

// ---- one ticket ----

describe('one ticket', { timeout }, () => {
  beforeEach(() => startPeer({ data: 'month' }), { timeout });

  const busy = () => [...zammad.state.tickets.values()].find(({ id }) => zammad.state.entriesOf(id).length > 1);
  const ofTicket = (id) => zammad.state.entriesOf(id).map((row) => row.id).sort((a, b) => a - b);

  for (const token of ['admin', 'agent']) {
    const by = () => connect(token === 'agent' ? { token: agentToken() } : {});

    test(`has what is booked on it: ${token}`, async () => {
      const { id } = busy();
      assert.deepEqual(idsOf(await entries(await by(), { ticket: id })), ofTicket(id));
    });

    test(`has nothing when it is gone: ${token}`, async () => {
      const { id } = busy();
      zammad.removeTicket(id);
      assert.deepEqual(await entries(await by(), { ticket: id }), []);
    });

    test(`says where it was merged into: ${token}`, async () => {
      const { id } = busy();
      const target = zammad.openTicket({ title: 'stays' });
      const before = ofTicket(id);
      zammad.merge(id, target.id);
      const found = await entries(await by(), { ticket: id });
      assert.deepEqual(idsOf(found), before);
      for (const one of found) assert.equal(one.merged_into, String(target.id));
      assert.deepEqual(await entries(await by(), { ticket: target.id }), []);
    });
  }

  test('has its rows elsewhere where Zammad moves them with the merge', async () => {
    zammad.control('POST', 'features', { mergedEntries: 'move' });
    const { id } = busy();
    const target = zammad.openTicket({ title: 'stays' });
    const before = ofTicket(id);
    zammad.merge(id, target.id);
    const connection = await connect();
    assert.deepEqual(await entries(connection, { ticket: id }), []);
    const found = await entries(connection, { ticket: target.id });
    assert.deepEqual(idsOf(found), before);
    for (const one of found) assert.equal(one.merged_into, null);
  });

  test('is two requests for a hint, as soon as this Zammad and its people are known', async () => {
    const connection = await connect();
    await entries(connection);
    const { id } = busy();
    for (const row of zammad.state.entriesOf(id)) row.created_by_id = zammad.state.entriesOf(id)[0].created_by_id;
    const paths = await asked(() => entries(connection, { ticket: id }));
    assert.deepEqual(paths.map((one) => one.replace(/\/\d+/, '/N')).sort(), ['GET /api/v1/tickets/N', 'GET /api/v1/tickets/N/time_accountings']);
  });

  test('that may not be read is an error, and so is a list without it', async () => {
    const agent = agentOf();
    const { id, group_id } = busy();
    agent.group_ids = { ...agent.group_ids, [group_id]: ['read'] };
    const connection = await connect({ token: agentToken(), strategy: 'tickets' });
    const one = await read(connection, { ticket: id });
    assert.equal(one.status, 403, one.text());
    assert.match(one.json().detail, /right to change/);
    const all = await read(connection);
    assert.equal(all.status, 403, all.text());
    assert.match(all.json().detail, /not all tickets could be read/);
  });
});

describe('what would make all look deleted', { timeout }, () => {
  beforeEach(() => startPeer({ data: 'month' }), { timeout });

  test('an agent without a group, for whom there is no list of all', async () => {
    agentOf().group_ids = {};
    const answer = await read(await connect({ token: agentToken() }));
    assert.equal(answer.status, 403, answer.text());
    assert.match(answer.json().detail, /no ticket can be seen/);
  });

  test('a permission that is taken away', async () => {
    const agent = agentOf();
    const row = zammad.control('POST', 'tokens', { user: zammad.state.admin.id, permission: ['admin.time_accounting', 'ticket.agent'] });
    const connection = await connect({ token: row.token });
    assert.deepEqual(idsOf(await entries(connection)), kept());
    zammad.state.tokens.get(row.token).permission = ['ticket.agent'];
    zammad.state.tokens.get(row.token).user_id = agent.id;
    agent.group_ids = { 1: ['full'] };
    const answer = await read(connection);
    assert.equal(answer.status, 403, answer.text());
  });

  test("a proxy's page", async () => {
    for (const status of [403, 404]) {
      zammad.faults.add({ kind: 'status', status, path: '/api/v1/time_accountings', body: '<html>no</html>', headers: { 'Content-Type': 'text/html' } });
      const answer = await read(await connect());
      assert.equal(answer.status, status, answer.text());
      zammad.faults.clear();
    }
  });
});

// ---- rows that move while they are read ----

// act(n, request) happens before the n-th request for a path that matches.
function between(pattern, act) {
  const answer = zammad.answer.bind(zammad);
  let count = 0;
  zammad.answer = (request) => {
    if (pattern.test(request.path)) act(++count, request);
    return answer(request);
  };
}

describe('rows that move while they are read', { timeout }, () => {
  beforeEach(() => startPeer(), { timeout });

  for (let seed = 1; seed <= 12; seed++) {
    test(`none that stays is missed: seed ${seed}`, async () => {
      zammad.fill({ tickets: 20, entries: 200, days: 30 });
      const random = zammad.random.fork ? zammad.random.fork(`moves ${seed}`) : zammad.random;
      const there = new Set(kept());
      between(/^\/api\/v1\/time_accountings$/, () => {
        for (let i = random.integer(0, 4); i > 0; i--) {
          const ids = kept();
          const id = random.pick(ids);
          if (random.integer(0, 2) === 0) zammad.book({ ticket: zammad.state.entries.get(id).ticket_id, time_unit: '1' });
          else {
            zammad.remove(id);
            there.delete(id);
          }
        }
      });
      const found = new Set(idsOf(await entries(await connect({ strategy: 'global', per_page: 9 }), { bare: true })));
      assert.deepEqual([...there].filter((id) => !found.has(id)), []);
    });

    test(`nor one that changed before it was read: seed ${seed}`, async () => {
      zammad.fill({ tickets: 20, entries: 200, days: 1 });
      const random = zammad.random.fork ? zammad.random.fork(`edits ${seed}`) : zammad.random;
      const wanted = new Set(kept());
      const ms = zammad.clock.now() - 3 * 24 * 60 * MINUTE;
      let moves = 30;
      between(/^\/api\/v1\/time_accountings$/, () => {
        for (let i = random.integer(0, 3); i > 0 && moves > 0; i--, moves--) {
          zammad.clock.advance(1000);
          const id = random.pick(kept());
          if (random.integer(0, 1) === 0) zammad.edit(id, { time_unit: String(random.integer(1, 900) / 4) });
          else {
            zammad.remove(id);
            wanted.delete(id);
          }
        }
      });
      const list = await entries(await connect({ strategy: 'global', per_page: 9 }), { ...since(ms), bare: true });
      const found = new Set(idsOf(list));
      assert.deepEqual([...wanted].filter((id) => !found.has(id)), []);
    });

    test(`nor a ticket: seed ${seed}`, async () => {
      zammad.fill({ tickets: 350, entries: 400, days: 30 });
      const random = zammad.random.fork ? zammad.random.fork(`tickets ${seed}`) : zammad.random;
      const there = new Set(kept());
      let moves = 12;
      between(/^\/api\/v1\/tickets$/, () => {
        for (let i = random.integer(0, 3); i > 0 && moves > 0; i--, moves--) {
          const ticket = random.pick([...zammad.state.tickets.keys()]);
          for (const { id } of zammad.state.entriesOf(ticket)) there.delete(id);
          zammad.removeTicket(ticket);
        }
      });
      const found = new Set(idsOf(await entries(await connect({ strategy: 'tickets' }), { bare: true })));
      assert.deepEqual([...there].filter((id) => !found.has(id)), []);
    });
  }

  test('nor one of many that changed at the same time', async () => {
    zammad.fill({ tickets: 20, entries: 200, days: 30 });
    zammad.clock.advance(60 * MINUTE);
    const ids = kept();
    for (const id of ids) zammad.edit(id, { time_unit: '12.5' });
    zammad.control('POST', 'settings', { ties: 'unstable' });
    const found = await entries(await connect({ strategy: 'global', per_page: 9 }), { ...since(zammad.clock.now() - MINUTE), bare: true });
    assert.deepEqual(idsOf(found), ids);
  });

  test('each is given once, and again only when it changed', async () => {
    zammad.fill({ tickets: 20, entries: 200, days: 30 });
    between(/^\/api\/v1\/time_accountings$/, (count) => {
      if (count === 5) zammad.remove(kept()[3]);
    });
    const list = await entries(await connect({ strategy: 'global', per_page: 9 }), { bare: true });
    assert.equal(new Set(list.map(({ id }) => id)).size, list.length);
  });
});

// ---- versions ----

describe('versions', { timeout }, () => {
  for (const version of ['6.2', '6.3', '6.5', '7.0']) {
    test(`${version} gives all`, async () => {
      await startPeer({ data: 'month', version });
      assert.deepEqual(idsOf(await entries(await connect())), kept());
      zammad.clock.advance(60 * MINUTE);
      const booked = zammad.book({ ticket: zammad.state.entries.get(1).ticket_id, time_unit: '1' });
      assert.ok(idsOf(await entries(await connect(), since(zammad.clock.now() - MINUTE))).includes(booked.id));
    });
  }

  test('6.0 cannot, and no ticket looks as if nothing were booked on it', async () => {
    await startPeer({ data: 'month', version: '6.0' });
    const connection = await connect();
    const { ticket_id } = zammad.state.entries.get(1);
    for (const values of [{}, { ticket: ticket_id }, since(zammad.clock.now() - 60 * MINUTE)]) {
      const answer = await read(connection, values);
      assert.equal(answer.status, 502, answer.text());
      assert.match(answer.json().detail, /before 6\.1 cannot/);
    }
  });

  test('without expanded searches: numbers and their assets', async () => {
    await startPeer({ data: 'month', features: { searchShape: 'tickets' } });
    const answer = zammad.answer.bind(zammad);
    zammad.answer = (request) => answer({ ...request, body: request.path.endsWith('/tickets/search') ? request.body.replace('"expand":true', '"expand":false') : request.body });
    const found = await entries(await connect());
    assert.deepEqual(idsOf(found), kept());
    assert.ok(found.every(({ ticket_number }) => ticket_number));
  });
});

// ---- what breaks ----

describe('what breaks', { timeout }, () => {
  before(() => startPeer({ data: 'month' }), { timeout });
  beforeEach(() => zammad.faults.clear());

  const cases = [
    ['html', {}, 502, /a page for people/],
    ['half_text', {}, 502, /no JSON, or was cut off/],
    ['half_length', {}, 504, /./],
    ['huge', {}, 502, /./],
    ['redirect', {}, 502, /leads elsewhere.*127\.0\.0\.1:9/],
    ['status', { status: 401 }, 401, /does not know this access token/],
    ['status', { status: 422 }, 502, /does not understand/],
    ['status', { status: 500 }, 502, /Error ID/],
    ['status', { status: 502 }, 502, /could not answer.*502/],
    ['cut_before', {}, 504, /./],
  ];
  for (const strategy of ['global', 'tickets']) {
    for (const [kind, more, status, says] of cases) {
      test(`${kind} ${more.status ?? ''}: no list, and a reason; then all is well again: ${strategy}`, async () => {
        const connection = await connect({ strategy, per_page: 50 });
        let wrong;
        let whole;
        zammad.faults.add({ kind, path: strategy === 'global' ? '/api/v1/time_accountings' : 're:/tickets/[0-9]+/time_accountings', ...more });
        wrong = await read(connection, { bare: true });
        zammad.faults.clear();
        whole = await entries(connection, { bare: true });
        assert.deepEqual(idsOf(whole), kept());
        assert.equal(wrong.status, status, wrong.text());
        assert.match(wrong.json().detail, says);
      });
    }
  }

  test('who asks for a pause is given it', async () => {
    const connection = await connect({ strategy: 'global' });
    zammad.faults.add({ kind: 'status', status: 429, retryAfter: 3600 });
    const answer = await read(connection);
    assert.equal(answer.status, 429, answer.text());
    zammad.faults.clear();
    const paths = await asked(async () => assert.equal((await read(connection)).status, 429));
    assert.deepEqual(paths, []);
  });

  test('whatever breaks by chance: all, or an error', async () => {
    let broken = 0;
    for (let seed = 1; seed <= 30; seed++) {
      zammad.faults.clear();
      const connection = await connect({ strategy: seed % 2 ? 'global' : 'tickets', per_page: 20 });
      zammad.faults.random({ rate: seed % 2 ? 0.1 : 0.004, seed, kinds: ['html', 'half_text', 'half_length', 'huge', 'redirect', { kind: 'status', status: 403 }, { kind: 'status', status: 404 }, { kind: 'status', status: 500 }, 'cut_after'] });
      const answer = await read(connection, seed % 3 ? {} : since(zammad.clock.now() - 20 * 24 * 60 * MINUTE));
      if (answer.status !== 200) broken++;
      else if (seed % 3) assert.deepEqual(idsOf(answer.json().entries), kept(), `seed ${seed}`);
    }
    assert.ok(broken > 3 && broken < 30, `${broken} of 30 broke`);
  });

  test('a clock that is a day behind loses nothing', async () => {
    for (const strategy of ['global', 'tickets']) {
      await startPeer({ data: 'month', now: Date.now() - 86_400_000 });
      const connection = await connect({ strategy });
      await entries(connection, since(Date.now()));
      const booked = zammad.book({ ticket: zammad.state.entries.get(1).ticket_id, time_unit: '1' });
      assert.ok(idsOf(await entries(connection, since(Date.now() - MINUTE))).includes(booked.id), strategy);
    }
  });

  test('a clock that is a day ahead loses nothing', async () => {
    zammad.faults.add({ kind: 'wrong_clock' });
    assert.deepEqual(idsOf(await entries(await connect())), kept());
  });

  test('decimals with commas come as they are', async () => {
    zammad.control('POST', 'settings', { decimal_separator: ',' });
    const found = await entries(await connect());
    zammad.control('POST', 'settings', { decimal_separator: '.' });
    assert.ok(found.every(({ amount }) => /^-?\d+,\d+$/.test(amount)), JSON.stringify(found[0]));
  });

  test('naughty strings come as they are', async () => {
    const texts = JSON.parse(readFileSync(join(vectors, 'naughty-strings/blns.json'), 'utf8')).filter((text) => text !== '' && !text.includes('\0'));
    const tickets = zammad.naughty(texts);
    const found = new Map((await entries(await connect())).map((one) => [Number(one.ticket), one]));
    for (const [i, id] of tickets.entries()) {
      const one = found.get(id);
      assert.equal(one.ticket_title, zammad.state.tickets.get(id).title);
      assert.equal(one.customer_name, texts[i]);
    }
  });
});

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

// ---- load ----

describe('much', { timeout: timeout * 3 }, () => {
  const TICKETS = Number(process.env.DOWEL_ZAMMAD_TICKETS ?? 2_000);
  before(() => startPeer({}), { timeout });

  test('is read with few requests', { timeout: timeout * 3 }, async () => {
    zammad.fill({ tickets: TICKETS, entries: TICKETS * 5, days: 365 });
    const connection = await connect();
    const begun = Date.now();
    let paths = await asked(async () => assert.equal((await told('GET', `/clerk/${connection.id}/entries?count=true`)).n, TICKETS * 5));
    const first = { requests: paths.length, ms: Date.now() - begun };
    assert.ok(paths.filter((one) => /tickets\/\d+$/.test(one)).length === 0);
    assert.ok(paths.length < TICKETS / 10 + 100, `${paths.length} requests`);
    paths = await asked(async () => assert.equal((await told('GET', `/clerk/${connection.id}/entries?count=true&bare=true`)).n, TICKETS * 5));
    const bare = { requests: paths.length };
    assert.ok(paths.length < TICKETS * 5 / 500 + 12, `${paths.length} requests`);
    console.error(`# ${TICKETS * 5} entries on ${TICKETS} tickets: ${JSON.stringify({ first, bare })}`); // by hand: DOWEL_ZAMMAD_TICKETS=20000
  });

  test('ticket by ticket: one request for each, and a few', { timeout: timeout * 3 }, async () => {
    const connection = await connect({ strategy: 'tickets' });
    const paths = await asked(async () => assert.equal((await told('GET', `/clerk/${connection.id}/entries?count=true`)).n, TICKETS * 5));
    const lists = paths.filter((one) => one.endsWith('/time_accountings')).length;
    assert.ok(lists < TICKETS * 1.1 + 100, `${lists} lists`);
    assert.ok(paths.length - lists < TICKETS / 25 + 100, `${paths.length - lists} others`);
    console.error(`# ticket by ticket: ${paths.length} requests`);
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
