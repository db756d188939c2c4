// The connector for Zammad against its stand-in, through a real server: what is booked arrives whole, by whichever way it has to be
// read, whatever moves, breaks or lies meanwhile; and a list that is not whole never says that it is.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';

import { startZammad } from '../peers/zammad.mjs';
import { badges, badgesYaml, bearer } from './support/badges.mjs';
import { request } from './support/client.mjs';
import { pluginFolder, startWith } from './support/plugins.mjs';
import { preset, root, slowness, until } from './support/server.mjs';

const timeout = 120_000 * slowness;
const folder = `${pluginFolder}, ${join(root, 'build', preset, 'clerk')}`;
const NOW = Date.parse('2026-11-20T12:00:00Z');

const people = badges({ root: 'a *' });

let server;
let zammad;
let n = 0;

async function ask(method, path, body, headers = {}) {
  const answer = await request(server.url, {
    method, path: `/api/v1${path}`, timeout: 60_000 * slowness,
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
const agentToken = (permission = ['ticket.agent']) => zammad.control('POST', 'tokens', { user: zammad.state.agents[0].id, permission }).token;

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
  zammad = await startZammad({ seed: 7, now: NOW, ...options });
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

  test('a name is asked for once', async () => {
    const paths = await asked(async () => entries(await connect({ strategy: 'global' })));
    assert.equal(new Set(paths.filter((one) => /users\/\d+$/.test(one))).size, paths.filter((one) => /users\/\d+$/.test(one)).length);
    const singles = paths.filter((one) => /tickets\/\d+$/.test(one)).length;
    assert.equal(singles, 0, 'a search has a hundred tickets at once');
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

  test('that may not be read is an error, and so is a list without it', async () => {
    const agent = zammad.state.agents[0];
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

  test('each is given once, and again only when it changed', async () => {
    zammad.fill({ tickets: 20, entries: 200, days: 30 });
    between(/^\/api\/v1\/time_accountings$/, (count) => {
      if (count === 5) zammad.remove(kept()[3]);
    });
    const list = await entries(await connect({ strategy: 'global', per_page: 9 }), { bare: true });
    assert.equal(new Set(list.map(({ id }) => id)).size, list.length);
  });
});
