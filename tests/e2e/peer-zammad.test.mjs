// Presets: release
// Zammad's stand-in: who may ask, how it refuses, the examples of Zammad's documentation, faults, replay, its data, and how it is
// run by hand. Whoever tests a connector against it must not learn something about Zammad that is not so.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, beforeEach, describe, test } from 'node:test';

import { amountOf, fits, integerOf, textOf } from '../peers/zammad/decimal.mjs';
import { root } from './support/server.mjs';
import { NOW, Receiver, agentToken, ask, callsOf, rawType, reference, start, vectors } from './support/zammad.mjs';

const timeout = 60_000;

let zammad;
const fresh = async (options) => (zammad = await start(options));
const later = (ms = 1000) => zammad.clock.advance(ms);
const bookOn = (ticket, time_unit, more) => zammad.book({ ticket: ticket.id, time_unit, ...more });
const { get, post, put, del } = callsOf(() => zammad);

describe('amounts', { timeout }, () => {
  const cases = [
    [11, '11.0'], ['15', '15.0'], [7.5, '7.5'], ['0.25', '0.25'], ['-3', '-3.0'], ['1e2', '100.0'], ['.5', '0.5'], [0.1, '0.1'], ['  4.10 ', '4.1'],
    ['0.005', '0.01'], ['-0.005', '-0.01'], ['0.0049', '0.0'], [9999.99, '9999.99'], ['1_000', '1000.0'], [1e-7, '0.0'],
    ['1,5', '1.0'], ['abc', '0.0'], ['3 hours', '3.0'], ['-', '0.0'], // what Ruby makes of it
  ];
  for (const [given, shown] of cases) test(`${JSON.stringify(given)} is ${shown}`, () => assert.equal(textOf(amountOf(given)), shown));
  test('blank is blank', () => assert.deepEqual(['', '  ', null, undefined].map((one) => amountOf(one)), [undefined, undefined, undefined, undefined]));
  test('a thousand tenths are a hundred', () => assert.equal(textOf(Array(1000).fill(amountOf(0.1)).reduce((a, b) => a + b)), '100.0'));
  test('whole units are cut towards zero', () => assert.deepEqual(['2.75', '-2.75', '0.9'].map((one) => integerOf(amountOf(one))), [2, -2, 0]));
  test('six digits, two of them decimals', () => assert.deepEqual(['9999.99', '10000', '-10000'].map((one) => fits(amountOf(one))), [true, false, false]));
});

describe('documented examples', { timeout, skip: !existsSync(reference) && `${reference} is not there` }, () => {
  const examples = (name) => JSON.parse(readFileSync(join(reference, `${name}.json`), 'utf8'));

  // Where an answer lacks a key of the example, or has another kind of value there. null says nothing about the kind.
  function differences(example, answer, path = '') {
    if (example === null || answer === null) return [];
    const kind = (value) => (Array.isArray(value) ? 'array' : typeof value);
    if (kind(example) !== kind(answer)) return [`${path}: ${kind(answer)} for ${kind(example)}`];
    if (Array.isArray(example)) return example.length > 0 && answer.length > 0 ? differences(example[0], answer[0], `${path}[]`) : [];
    if (kind(example) !== 'object' || ['preferences', 'group_ids'].some((name) => path.endsWith(name))) return [];
    return Object.entries(example).flatMap(([name, value]) => (name in answer ? differences(value, answer[name], `${path}.${name}`) : [`${path}.${name} is missing`]));
  }

  // What to ask for an example's request; the requests bodies of the documentation are sent as they stand, where they can be.
  const place = { 'ticket id': 1, 'article id': 1, 'timeaccounting id': 1, 'tag id': 1, id: 3 };
  const fill = (path) => path.replaceAll(/\{([^}]+)\}/g, (_, name) => place[name]);
  const BODIES = {
    'POST /api/v1/tickets': { title: 'Help me!', group: 'Users', customer: 'customer@example.com', article: { body: 'I am a message!' } },
    'PUT /api/v1/tickets/{ticket id}': { title: 'No help for you', group: 'Users', state: 'open', priority: '3 high', article: { body: 'Here is why', internal: true } },
    'POST /api/v1/organizations': { name: 'Sample Corp.', members: ['customer@example.com'], vip: true, domain: 'example.com' },
    'PUT /api/v1/organizations/{id}': { note: 'This was a triumph' },
    'POST /api/v1/users': { firstname: 'Jane', lastname: 'Doe', email: 'jdoe@example.com', login: 'jdoe', organization: 'Lindgren IT', roles: ['Agent', 'Customer'] },
    'PUT /api/v1/users/{id}': { phone: '+49 30 55 57 160 00', department: 'Sales', address: 'Marienstr. 18\n10117 Berlin' },
    'POST /api/v1/tags/add': { item: 'complaint', object: 'Ticket', o_id: 1 },
    'DELETE /api/v1/tags/remove': { item: 'complaint', object: 'Ticket', o_id: 1 },
    'POST /api/v1/tag_list': { name: 'tag 5' },
    'PUT /api/v1/tag_list/{tag id}': { name: 'order' },
  };
  const UNKNOWN = ['/api/v1/data_privacy_tasks']; // no part of the stand-in
  const ID = { 'DELETE /api/v1/organizations/{id}': 'lonely', 'DELETE /api/v1/users/{id}': 'lonely' };

  for (const name of ['doc-time-accounting', 'doc-tickets', 'doc-articles', 'doc-tags', 'doc-users', 'doc-organizations']) {
    describe(name, { timeout }, () => {
      const all = existsSync(reference) ? examples(name) : [];
      const answers = all.filter(({ status }) => status !== null);
      test('has answers', () => assert.ok(answers.length > 0));
      for (const [i, { section, request, status, json }] of answers.entries()) {
        const [method, path] = request;
        if (UNKNOWN.includes(path)) continue;
        test(`${section}: ${method} ${path}, ${i}`, async () => {
          await fresh();
          zammad.state.addUser({ login: 'customer@example.com', firstname: 'A', lastname: 'Customer', organization_id: 2 });
          const ticket = zammad.openTicket({ title: 'Order', article: { body: 'hello', type: 'email' }, tags: 'complaint' });
          zammad.control('POST', 'tickets/1/articles', { body: 'worked', time_unit: '15', accounted_time_type_id: 3, attachments: [{ filename: 'portal.txt', data: 'VGhlIGNha2U=', 'mime-type': 'text/plain' }] });
          const lonely = { users: zammad.control('POST', 'users', { login: 'lonely@example.com' }).id, organizations: zammad.control('POST', 'organizations', { name: 'Lonely' }).id };
          // A request's example stands right before its answer; where it can be sent as it is, it is.
          const said = all[all.findIndex((one) => one.json === json) - 1];
          const key = `${method} ${path}`;
          const example = said?.status === null && said.request[1] === path ? said.json : undefined;
          const body = BODIES[key] ?? (example && { ...example, ...(example.ticket_id && { ticket_id: ticket.id }) });
          const target = ID[key] ? path.replace('{id}', lonely[path.split('/')[3]]) : fill(path);
          const answer = await ask(zammad, method, target, { body });
          assert.equal(answer.status, status, answer.text);
          assert.deepEqual(differences(json, answer.json), []);
        });
      }
    });
  }

  test('webhook-default-payload', async () => {
    await fresh();
    const receiver = await Receiver.start();
    try {
      zammad.webhooks.subscribe({ endpoint: receiver.url('/') });
      const ticket = zammad.openTicket({ title: 'Webhook-Test', owner: zammad.state.agents[1].login, article: { body: 'a', type: 'phone', sender: 'Customer', attachments: [{ filename: 'image1.jpeg', data: '/9j/', 'mime-type': 'image/jpeg' }] } });
      await zammad.webhooks.idle();
      const [{ json }] = receiver.got;
      assert.deepEqual(differences(examples('webhook-default-payload')[0].json, json).filter((text) => !/karma_user_ids|\.origin_by /.test(text)), []);
      assert.equal(json.article.attachments[0].url, `https://zammad.example.com/api/v1/ticket_attachment/${ticket.id}/${json.article.id}/${json.article.attachments[0].id}`);
    } finally {
      await receiver.stop();
    }
  });
});

describe('who asks', { timeout }, () => {
  beforeEach(() => fresh());
  const me = (headers) => get('users/me', { token: null, headers });

  test('an access token, in every way that Rails reads it', async () => {
    for (const form of [`Token token=${zammad.token}`, `Token token="${zammad.token}"`, `Token ${zammad.token}`, `Bearer ${zammad.token}`, `Bearer token=${zammad.token}`]) {
      const { status, json } = await me({ Authorization: form });
      assert.equal(status, 200, form);
      assert.equal(json.login, zammad.state.admin.login);
    }
  });
  test('no credentials: 403, not 401', async () => {
    const { status, json, headers } = await me({});
    assert.equal(status, 403);
    assert.deepEqual(json, { error: 'Authentication required', error_human: 'Authentication required' });
    assert.equal(headers.get('x-failure'), 'Authentication required');
  });
  test('a wrong token: 401', async () => {
    const { status, json, headers } = await me({ Authorization: 'Token token=nonsense' });
    assert.equal(status, 401);
    assert.equal(json.error, "Can't find User for Token");
    assert.equal(headers.get('x-failure'), "Can't find User for Token");
  });
  test('an expired token: from the first minute of its day, in the time zone of the system', async () => {
    const { token } = zammad.state.addToken({ user: zammad.state.admin, expires_at: '2026-11-21' });
    zammad.clock.set('2026-11-20T22:59:59Z');
    assert.equal((await get('users/me', { token })).status, 200);
    zammad.clock.set('2026-11-20T23:00:00Z'); // midnight in Berlin
    const { status, json } = await get('users/me', { token });
    assert.equal(status, 401);
    assert.equal(json.error, 'Not authorized (token expired)!');
  });
  test('an OAuth2 token is for Bearer, and expires at an instant', async () => {
    const { token } = zammad.state.addToken({ user: zammad.state.admin, oauth: true, expires_at: '2026-11-20T10:00:00Z' });
    assert.equal((await me({ Authorization: `Bearer ${token}` })).status, 200);
    assert.equal((await me({ Authorization: `Token token=${token}` })).status, 401);
    zammad.clock.set('2026-11-20T10:00:00Z');
    assert.equal((await me({ Authorization: `Bearer ${token}` })).json.error, 'OAuth2 token is expired!');
  });
  test('Basic', async () => {
    const basic = (login, password) => me({ Authorization: `Basic ${Buffer.from(`${login}:${password}`).toString('base64')}` });
    const [agent] = zammad.state.agents;
    assert.equal((await basic(agent.login, 'agent-password')).json.id, agent.id);
    const wrong = await basic(agent.login, 'other');
    assert.deepEqual([wrong.status, wrong.json.error], [401, 'Invalid BasicAuth credentials']);
    agent.two_factor = true;
    assert.equal((await basic(agent.login, 'agent-password')).status, 401);
    agent.two_factor = false;
    zammad.state.settings.api_password_access = false;
    const off = await basic(agent.login, 'agent-password');
    assert.deepEqual([off.status, off.json.error], [403, 'API password access disabled!']);
  });
  test('tokens switched off', async () => {
    zammad.state.settings.api_token_access = false;
    const { status, json } = await get('users/me');
    assert.deepEqual([status, json.error], [403, 'API token access disabled!']);
  });
  test('maintenance: only for administrators of it', async () => {
    const token = agentToken(zammad);
    zammad.state.settings.maintenance_mode = true;
    const { status, json, headers } = await get('users/me', { token });
    assert.deepEqual([status, json.error, headers.get('x-failure')], [403, 'Maintenance mode enabled!', 'Maintenance mode enabled!']);
    assert.equal((await get('users/me')).status, 200);
  });
  test('an inactive user', async () => {
    const token = agentToken(zammad);
    zammad.state.agents[1].active = false;
    assert.equal((await get('users/me', { token })).status, 401);
  });
  test('on behalf of somebody: From by id, login or e-mail address, with admin.user', async () => {
    const [, agent] = zammad.state.agents;
    for (const From of [String(agent.id), agent.login, agent.email]) assert.equal((await get('users/me', { headers: { From } })).json.id, agent.id);
    const ticket = zammad.openTicket();
    const { json } = await post(`tickets/${ticket.id}/time_accountings`, { time_unit: 5 }, { headers: { From: agent.email } });
    assert.equal(json.created_by_id, agent.id);
    const refused = await get('users/me', { token: agentToken(zammad), headers: { From: agent.login } });
    assert.equal(refused.status, 403);
    assert.match(refused.json.error, /no permission to use 'From'/);
    assert.equal((await get('users/me', { headers: { From: 'nobody@example.com' } })).status, 403);
  });
  test('a token carries less than its user', async () => {
    const token = zammad.state.addToken({ user: zammad.state.admin, permission: ['ticket.agent'] }).token;
    const { status, json } = await get('time_accounting/types', { token });
    assert.deepEqual([status, json.error], [403, 'Token authorization failed.']);
    assert.equal((await get('time_accounting/types', { token: zammad.state.addToken({ user: zammad.state.admin, permission: ['admin.time_accounting'] }).token })).status, 200);
  });
  test('makes a token of its own', async () => {
    const request = { name: 'mine', permission: ['ticket.agent'], expires_at: '2027-01-01' };
    assert.equal((await post('user_access_token', request)).status, 403); // its own token has no user_preferences
    const { token } = zammad.state.addToken({ user: zammad.state.admin, permission: ['user_preferences'] });
    const { status, json } = await post('user_access_token', request, { token });
    assert.equal(status, 200);
    assert.equal((await get('tickets', { token: json.token })).status, 200);
    const { tokens } = (await get('user_access_token', { token })).json;
    const mine = tokens.find(({ name }) => name === 'mine');
    assert.deepEqual(mine.preferences, { permission: ['ticket.agent'] });
    assert.deepEqual((await del(`user_access_token/${mine.id}`, { token })).json, {});
    assert.equal((await get('users/me', { token: json.token })).status, 401);
  });
});

describe('how it says no', { timeout }, () => {
  beforeEach(() => fresh());
  test('JSON only where it is asked for', async () => {
    const kinds = [['application/json', 'json'], ['*/*', 'json'], ['application/json; charset=utf-8', 'json'], [undefined, 'html'], ['text/html', 'html'],
      ['application/json, text/plain, */*', 'html']]; // the last as a browser's script sends it
    for (const [accept, kind] of kinds) {
      const type = await rawType(zammad, '/api/v1/tickets/999', accept);
      assert.ok(type.includes(kind), `${accept}: ${type}`);
    }
    const page = await get('tickets/999', { accept: 'text/html' });
    assert.equal(page.status, 404);
    assert.match(page.text, /^<!DOCTYPE html>/);
  });
  test('missing things name their model', async () => {
    assert.equal((await get('tickets/999')).json.error, "Couldn't find Ticket with 'id'=999");
    assert.equal((await get('users/999')).json.error, "Couldn't find User with 'id'=999");
    assert.equal((await get('nothing/here')).status, 404);
    assert.equal((await put('tickets', {})).status, 404);
  });
  test('what is not for outsiders hides behind an id', async () => {
    const path = 'tickets/search?query=*&sort_by=nonsense';
    assert.equal((await get(path)).json.error, "Found invalid column 'nonsense' for sorting.");
    const other = await get(path, { token: agentToken(zammad) });
    assert.equal(other.status, 500);
    assert.match(other.json.error, /^Error ID [\w-]{8}: Please contact your administrator\.$/);
  });
  test('half a JSON is a bad request, and so is what is not UTF-8', async () => {
    assert.equal((await post('tickets', '{"title":')).status, 400);
    assert.equal((await post('tickets', Buffer.from('{"title":"\xff"}', 'latin1'))).status, 400);
  });
});

// ---- what goes wrong ----

describe('faults', { timeout }, () => {
  let ticket;
  beforeEach(async () => {
    await fresh();
    ticket = zammad.openTicket();
  });
  const path = () => `tickets/${ticket.id}/time_accountings`;
  const rows = () => zammad.state.entriesOf(ticket.id).length;
  const fault = (settings) => zammad.faults.add({ times: 1, ...settings });

  test('cut before and after it acted', async () => {
    fault({ kind: 'cut_before', method: 'POST' });
    await assert.rejects(post(path(), { time_unit: 1 }));
    assert.equal(rows(), 0);
    fault({ kind: 'cut_after', method: 'POST' });
    await assert.rejects(post(path(), { time_unit: 1 }));
    assert.equal(rows(), 1);
  });
  test('acts late', async () => {
    fault({ kind: 'cut_late', lateMs: 60_000 });
    await assert.rejects(post(path(), { time_unit: 1 }));
    later(59_999);
    assert.equal(rows(), 0);
    later(1);
    assert.equal(rows(), 1);
  });
  test('401, 403, 422 and 500 in its own words, 429 and 503 in those of a proxy', async () => {
    for (const status of [401, 403, 422, 500]) {
      fault({ kind: 'status', status });
      const answer = await get('users/me');
      assert.equal(answer.status, status);
      assert.equal(typeof answer.json.error, 'string');
      assert.equal(answer.headers.has('x-failure'), status < 404);
    }
    fault({ kind: 'status', status: 429, retryAfter: 7 });
    const limited = await get('users/me');
    assert.deepEqual([limited.status, limited.headers.get('retry-after'), limited.json], [429, '7', undefined]);
    fault({ kind: 'status', status: 503 });
    assert.match((await get('users/me')).text, /nginx/);
  });
  test('HTML, half a JSON, half a body, ten megabytes, a redirect, byte by byte, slowly', async () => {
    fault({ kind: 'html' });
    assert.match((await get('users/me')).text, /<html>/);
    fault({ kind: 'half_text' });
    await assert.rejects(get('users/me'), SyntaxError);
    fault({ kind: 'half_length' });
    await assert.rejects(get('users/me'));
    fault({ kind: 'huge' });
    assert.equal((await get('users/me')).text.length, 10 * 1024 * 1024);
    fault({ kind: 'redirect' });
    assert.equal((await get('users/me')).status, 302);
    fault({ kind: 'slow', bytes: 100, everyMs: 1 });
    assert.equal((await get('users/me')).json.id, zammad.state.admin.id);
    fault({ kind: 'delay', ms: 30 });
    assert.equal((await get('users/me')).status, 200);
    fault({ kind: 'refuse' });
    await assert.rejects(rawType(zammad, '/api/v1/users/me')); // on a connection of its own
    assert.match(await rawType(zammad, '/api/v1/users/me', '*/*'), /json/);
  });
  test('chance chooses, as often as it is told', async () => {
    await fresh({ faults: { rate: 1, kinds: [{ kind: 'status', status: 403 }] } });
    assert.equal((await get('users/me')).json.error, 'Not authorized');
    zammad.faults.clear();
    assert.equal((await get('users/me')).status, 200);
    await zammad.resetAll();
    assert.equal((await get('users/me')).status, 403);
  });
  test('a clock that is wrong by a day', async () => {
    fault({ kind: 'wrong_clock' });
    const { json, headers } = await post(path(), { time_unit: 1 });
    assert.equal(json.created_at, '2026-11-21T09:00:00.000Z');
    assert.equal(headers.get('date'), 'Sat, 21 Nov 2026 09:00:00 GMT');
    assert.equal((await post(path(), { time_unit: 1 })).json.created_at, NOW);
  });
  test('all naughty strings come back as they went in', { skip: !existsSync(join(vectors, 'naughty-strings')) && 'no vectors' }, async () => {
    const texts = JSON.parse(readFileSync(join(vectors, 'naughty-strings/blns.json'), 'utf8'));
    const ids = zammad.naughty(texts);
    assert.ok(ids.length > 400);
    for (let i = 0; i < ids.length; i += 10) {
      const { title, organization } = (await get(`tickets/${ids[i]}?expand=true`)).json;
      assert.deepEqual([title, organization], [[...texts[i]].join('').slice(0, 250) || '-', texts[i]]);
    }
  });
  test('gone, and back with all it knew', async () => {
    bookOn(ticket, '1');
    await zammad.down();
    await assert.rejects(get('users/me'));
    await zammad.up();
    assert.equal((await get(path())).json.length, 1);
  });
});

describe('replay', { timeout }, () => {
  // The same calls to two stand-ins: everything that chance decides is the same.
  async function history(seed) {
    const peer = await start({ seed, data: 'month' });
    peer.faults.random({ rate: 0.3 });
    const seen = [];
    for (let i = 0; i < 30; i++) {
      const { status, text } = await ask(peer, 'POST', `tickets/${1 + (i % 5)}/time_accountings`, { body: { time_unit: i + 1 } }).catch((error) => ({ status: 0, text: error.name }));
      seen.push([status, text]);
    }
    return { seen, token: peer.token, tickets: [...peer.state.tickets.values()].map(({ title, updated_at }) => [title, updated_at]), entries: peer.control('GET', 'state').entries };
  }
  test('a seed decides all', async () => {
    const [one, two, other] = [await history(5), await history(5), await history(6)];
    assert.deepEqual(one, two);
    assert.ok(one.seen.some(([status]) => status === 0));
    assert.notDeepEqual(one.entries, other.entries);
  });
  test('reset is the beginning again', async () => {
    await fresh({ data: 'month' });
    const before = zammad.control('GET', 'state');
    zammad.book({ ticket: 1, time_unit: '3' });
    zammad.state.settings.elasticsearch = false;
    await zammad.control('POST', 'reset');
    assert.deepEqual(zammad.control('GET', 'state'), before);
  });
});

describe('a month', { timeout }, () => {
  for (const seed of [1, 2, 3, 4, 5]) {
    test(`of seed ${seed} has what a real one has`, async () => {
      await fresh({ data: 'month', seed, now: '2026-11-27T12:00:00Z' });
      const { tickets, entries, users, types } = zammad.state;
      const rows = [...entries.values()].sort((a, b) => a.id - b.id);
      const titles = [...tickets.values()].map(({ title }) => title);
      assert.ok(tickets.size > 50 && rows.length > 80, `${tickets.size} tickets, ${rows.length} entries`);
      assert.ok(titles.some((title) => /[äöüß]/i.test(title)) && titles.some((title) => title.includes('☕')) && titles.some((title) => /printer|backup|vpn/i.test(title)));
      assert.ok(rows.some(({ time_unit }) => time_unit === 0n) && rows.some(({ time_unit }) => time_unit < 0n) && rows.some(({ type_id }) => type_id === null));
      assert.ok(rows.some(({ updated_at, created_at }) => updated_at > created_at));
      assert.equal([...tickets.values()].filter(({ state_id }) => state_id === 5).length, 1);
      const known = new Set(zammad.state.cast.agents.map(({ email }) => email));
      const agents = new Set(rows.map(({ created_by_id }) => users.get(created_by_id).email));
      assert.ok([...agents].some((email) => known.has(email)) && [...agents].filter((email) => !known.has(email)).length === 2);
      assert.deepEqual([...types.values()].slice(0, 6).map(({ name }) => name), zammad.state.cast.activityTypes.map(({ name }) => name));
      const times = rows.map(({ created_at }) => created_at);
      assert.deepEqual([...times].sort((a, b) => a - b), times); // ids grow with time
      assert.ok(times.at(-1) < zammad.clock.now() && times[0] > zammad.clock.now() - 40 * 86_400_000);
      for (const ticket of tickets.values()) {
        const sum = zammad.state.entriesOf(ticket.id).reduce((all, { time_unit }) => all + time_unit, 0n);
        assert.equal(ticket.time_unit ?? 0n, sum);
      }
    });
  }
});

describe('steering', { timeout }, () => {
  beforeEach(() => fresh());
  const steer = (method, verb, body) => zammad.control(method, verb, body);

  test('at another instant, by another agent, with attributes of one’s own', () => {
    const agent = steer('POST', 'agents', { login: 'new@example.com', firstname: 'Neu', lastname: 'Kollegin' });
    const ticket = zammad.openTicket({ at: '2026-11-01T08:00:00Z', agent: agent.login, attributes: { contract: 'gold' } });
    assert.deepEqual([ticket.created_at, ticket.created_by, ticket.contract], ['2026-11-01T08:00:00.000Z', 'new@example.com', 'gold']);
    const entry = zammad.book({ ticket: ticket.id, time_unit: '1', at: '2026-11-02T08:00:00Z', agent: agent.id });
    assert.deepEqual([entry.created_at, entry.created_by_id], ['2026-11-02T08:00:00.000Z', agent.id]);
    assert.equal(zammad.edit(entry.id, { time_unit: '2' }).updated_at, NOW);
    assert.equal(zammad.changeTicket(ticket.id, { attributes: { contract: null } }).contract, null);
  });
  test('people, firms and types come, change and go', async () => {
    const firm = steer('POST', 'organizations', { name: 'Neue Firma' });
    const customer = steer('POST', 'users', { login: 'chef@neue.example', organization: 'Neue Firma' });
    const ticket = zammad.openTicket({ organization: 'Neue Firma', customer: customer.login });
    assert.equal(ticket.organization, 'Neue Firma');
    steer('POST', 'organizations/Neue Firma', { name: 'Alte Firma' });
    assert.equal((await get(`organizations/${firm.id}`)).json.name, 'Alte Firma');
    steer('POST', 'users/chef@neue.example', { email: 'other@neue.example' });
    assert.equal((await get(`users/${customer.id}`)).json.email, 'other@neue.example');
    steer('POST', 'types/Travel', { active: false });
    assert.equal((await get('time_accounting/types')).json.find(({ name }) => name === 'Travel').active, false);
    steer('DELETE', 'organizations/Alte Firma');
    assert.equal((await get(`organizations/${firm.id}`)).status, 404);
    assert.throws(() => steer('POST', 'book', { ticket: 99, time_unit: '1' }), /there is no ticket 99/);
    assert.throws(() => steer('POST', 'book', { ticket: 1, time_unit: '1', type: 'Knitting' }), /there is no Knitting among the types/);
  });
  test('a token is taken away, and another given', async () => {
    const { token } = steer('POST', 'tokens', { permission: ['admin'] });
    steer('DELETE', `tokens/${zammad.token}`);
    assert.equal((await get('users/me')).status, 401);
    assert.equal((await get('users/me', { token })).status, 200);
  });
});

describe('a hundred thousand entries', { timeout }, () => {
  test('are paged without sorting them again and again', async () => {
    await fresh();
    zammad.fill({ tickets: 20_000, entries: 100_000 });
    const seen = new Set();
    let last = Infinity;
    const begun = Date.now();
    for (let page = 1; ; page++) {
      const { json } = await get(`time_accountings?sort_by=updated_at&order_by=desc&per_page=1000&page=${page}`);
      if (json.length === 0) break;
      for (const { id, updated_at } of json) {
        assert.ok(Date.parse(updated_at) <= last);
        last = Date.parse(updated_at);
        seen.add(id);
      }
    }
    assert.equal(seen.size, 100_000);
    for (let i = 1; i <= 500; i++) zammad.edit(i * 7, { time_unit: '3.75' });
    const { json } = await get('time_accountings?sort_by=updated_at&order_by=desc&per_page=1');
    assert.equal(json[0].updated_at, new Date(zammad.clock.now()).toISOString());
    const took = Date.now() - begun;
    assert.ok(took < 20_000, `${took} ms`);
  });
});

// ---- from outside ----

describe('by hand', { timeout }, () => {
  const file = join(root, 'tests/peers/zammad.mjs');
  const children = [];
  after(() => children.forEach((child) => child.kill('SIGKILL')));

  function run(...args) {
    const child = spawn(process.execPath, [file, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    children.push(child);
    const said = { out: '', error: '' };
    child.stdout.setEncoding('utf8').on('data', (text) => (said.out += text));
    child.stderr.setEncoding('utf8').on('data', (text) => (said.error += text));
    const ended = new Promise((resolved) => child.on('close', (code) => resolved({ code, ...said })));
    const line = new Promise((resolved) => child.stdout.on('data', () => said.out.includes('\n') && resolved(said.out)));
    return { child, ended, line };
  }

  test('one line with its address and token; ends on SIGTERM', async () => {
    const { child, line, ended } = run('--port', '0', '--seed', '9', '--data', 'month', '--now', NOW);
    const found = /^zammad stand-in: (http:\S+) {2}token: (\S+) {2}control: (http:\S+)\n$/.exec(await line);
    assert.ok(found, await line);
    const [, url, token, control] = found;
    const peer = { url, token };
    assert.equal((await ask(peer, 'GET', 'users/me')).status, 200);

    // Everything can be steered from another process.
    const steer = async (method, verb, body) => {
      const response = await fetch(`${control}/${verb}`, { method, body: body && JSON.stringify(body) });
      const json = await response.json();
      assert.equal(response.status, 200, JSON.stringify(json));
      return json;
    };
    const { does } = await steer('GET', '');
    for (const verb of ['POST book', 'POST tickets/:id/merge', 'POST settings', 'POST tokens', 'POST faults', 'POST clock', 'GET requests', 'GET counts', 'POST reset']) assert.ok(does.includes(verb), verb);
    await steer('POST', 'settings', { time_accounting: false });
    const { agents, counts } = await steer('GET', 'state');
    const { token: narrow } = await steer('POST', 'tokens', { user: agents[1].login, permission: ['ticket.agent'] });
    assert.equal((await ask(peer, 'POST', 'tickets/1/time_accountings', { token: narrow, body: { time_unit: 1 } })).status, 403);
    const ticket = await steer('POST', 'tickets', { title: 'From outside' });
    const entry = await steer('POST', 'book', { ticket: `#${ticket.number}`, agent: agents[1].login, time_unit: '7.5', type: 'Travel' });
    assert.deepEqual([entry.time_unit, entry.created_by_id], ['7.5', agents[1].id]);
    assert.equal((await steer('POST', `entries/${entry.id}`, { time_unit: '8' })).time_unit, '8.0');
    await steer('DELETE', `entries/${entry.id}`);
    assert.equal((await steer('GET', 'state')).counts.entries, counts.entries);
    await steer('POST', 'clock', { advance: 60_000 });
    assert.equal((await steer('GET', 'clock')).now, '2026-11-20T09:01:00.000Z');
    assert.ok((await steer('GET', 'counts')).total >= 2);
    assert.equal((await steer('POST', 'deliveries/idle', {})).waiting, undefined);
    const wrong = await fetch(`${control}/settings`, { method: 'POST', body: '{"colour":"red"}' });
    assert.equal(wrong.status, 400);
    assert.match((await wrong.json()).error, /there is no setting "colour"/);

    child.kill('SIGTERM');
    assert.deepEqual(await ended, { code: 0, out: found[0], error: '' });
  });
  test('what tests/peers/README.md says to type', async () => {
    const page = readFileSync(join(root, 'tests/peers/README.md'), 'utf8');
    const blocks = [...page.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, text]) => text.trim().split('\n'));
    const first = blocks.findIndex(([line]) => line.startsWith('node tests/peers/zammad.mjs'));
    const { child, line } = run('--port', '0', ...blocks[first][0].split(' ').slice(4));
    const [, url, token] = /: (http:\S+) {2}token: (\S+)/.exec(await line);
    assert.equal(blocks[first + 1].length, 6);
    for (const typed of blocks[first + 1]) {
      const shell = spawn('sh', ['-c', typed.replace('http://127.0.0.1:8002', url)], { env: { ...process.env, TOKEN: token } });
      const pieces = [];
      shell.stdout.on('data', (piece) => pieces.push(piece));
      const code = await new Promise((ended) => shell.on('close', ended));
      assert.equal(code, 0, typed);
      assert.ok(!JSON.stringify(JSON.parse(Buffer.concat(pieces).toString())).includes('"error"'), `${typed}: ${Buffer.concat(pieces)}`);
    }
    child.kill('SIGTERM');
  });
  test('--help, and what it does not know', async () => {
    const help = await run('--help').ended;
    assert.equal(help.code, 0);
    for (const option of ['--port', '--seed', '--data', '--now', '--faults', '--release', '--help']) assert.ok(help.out.includes(option), option);
    const wrong = await run('--colour').ended;
    assert.equal(wrong.code, 2);
  });
});
