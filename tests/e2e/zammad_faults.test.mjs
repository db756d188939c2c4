// Presets: release asan
// The connector for Zammad, whatever moves, breaks or lies meanwhile: a list that is not whole never says that it is.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, beforeEach, describe, test } from 'node:test';

import { vectors } from './support/zammad.mjs';
import { MINUTE, agentOf, agentToken, asked, connect, entries, idsOf, kept, people, read, since, startPeer, timeout, zammad } from './support/zammad_desk.mjs';

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
    for (const [status, told] of [[403, 403], [404, 502]]) {
      zammad.faults.add({ kind: 'status', status, path: '/api/v1/time_accountings', body: '<html>no</html>', headers: { 'Content-Type': 'text/html' } });
      const answer = await read(await connect());
      assert.equal(answer.status, told, answer.text());
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
