// Presets: release
// Zammad's stand-in behaves as Zammad does: statuses, shapes, rules and traps, webhooks and what goes wrong with them. Whoever
// tests a connector against it must not learn something about Zammad that is not so.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { after, afterEach, beforeEach, describe, test } from 'node:test';

import { startZammad } from '../peers/zammad.mjs';
import { amountOf, fits, integerOf, textOf } from '../peers/zammad/decimal.mjs';
import { signatureOf } from '../peers/zammad/webhooks.mjs';
import { root } from './support/server.mjs';

const timeout = 60_000;
const NOW = '2026-11-20T09:00:00.000Z';
const vectors = process.env.DOWEL_VECTORS ?? join(root, '../shared/vectors');
const reference = join(vectors, '../reference/zammad');

// ---- a stand-in and how it is asked ----

let zammad;
let running = [];

async function start(options = {}) {
  const one = await startZammad({ now: NOW, seed: 7, ...options });
  running.push(one);
  return one;
}

afterEach(async () => {
  for (const one of running.splice(0)) await one.stop();
});

// { status, headers, text, json }; token: undefined takes the administrator's, null none.
async function ask(method, path, { body, token, headers = {}, accept = 'application/json', peer = zammad } = {}) {
  const authorization = token === null ? {} : { Authorization: `Token token=${token ?? peer.token}` };
  const content = body === undefined ? {} : { 'Content-Type': 'application/json' };
  const sent = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
  const response = await fetch(`${peer.url}${path.startsWith('/') ? path : `/api/v1/${path}`}`, {
    method, headers: { ...(accept && { Accept: accept }), ...authorization, ...content, ...headers }, body: sent, redirect: 'manual',
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, json: response.headers.get('content-type')?.includes('json') ? JSON.parse(text) : undefined };
}

// The Content-Type of an answer, asked on a connection of its own and without an Accept unless given; fetch() can do neither.
function rawType(path, accept) {
  return new Promise((resolved, failed) => {
    const headers = { Authorization: `Token token=${zammad.token}`, ...(accept && { Accept: accept }) };
    httpRequest(`${zammad.url}${path}`, { headers, agent: false }, (res) => resolved((res.resume(), res.headers['content-type']))).on('error', failed).end();
  });
}

const get = (path, options) => ask('GET', path, options);
const post = (path, body, options) => ask('POST', path, { body, ...options });
const put = (path, body, options) => ask('PUT', path, { body, ...options });
const del = (path, options) => ask('DELETE', path, options);

const agentToken = (permission = ['ticket.agent'], who = 1) => zammad.state.addToken({ user: zammad.state.agents[who], permission }).token;
const later = (ms = 1000) => zammad.clock.advance(ms);
const bookOn = (ticket, time_unit, more) => zammad.book({ ticket: ticket.id, time_unit, ...more });
const fresh = async (options) => (zammad = await start(options));

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
          const answer = await ask(method, target, { body });
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
      assert.deepEqual(differences(examples('webhook-default-payload')[0].json, json).filter((text) => !/karma_user_ids|\.address|\.phone|\.origin_by/.test(text)), []);
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
    const token = agentToken();
    zammad.state.settings.maintenance_mode = true;
    const { status, json, headers } = await get('users/me', { token });
    assert.deepEqual([status, json.error, headers.get('x-failure')], [403, 'Maintenance mode enabled!', 'Maintenance mode enabled!']);
    assert.equal((await get('users/me')).status, 200);
  });
  test('an inactive user', async () => {
    const token = agentToken();
    zammad.state.agents[1].active = false;
    assert.equal((await get('users/me', { token })).status, 401);
  });
  test('on behalf of somebody: From by id, login or e-mail address, with admin.user', async () => {
    const [, agent] = zammad.state.agents;
    for (const From of [String(agent.id), agent.login, agent.email]) assert.equal((await get('users/me', { headers: { From } })).json.id, agent.id);
    const ticket = zammad.openTicket();
    const { json } = await post(`tickets/${ticket.id}/time_accountings`, { time_unit: 5 }, { headers: { From: agent.email } });
    assert.equal(json.created_by_id, agent.id);
    const refused = await get('users/me', { token: agentToken(), headers: { From: agent.login } });
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
      const type = await rawType('/api/v1/tickets/999', accept);
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
    const other = await get(path, { token: agentToken() });
    assert.equal(other.status, 500);
    assert.match(other.json.error, /^Error ID [\w-]{8}: Please contact your administrator\.$/);
  });
  test('half a JSON is a bad request', async () => assert.equal((await post('tickets', '{"title":')).status, 400));
});

describe('time accountings', { timeout }, () => {
  let ticket;
  beforeEach(async () => {
    await fresh();
    ticket = zammad.openTicket({ title: 'Printer', article: { body: 'no paper' } });
    later();
  });
  const path = () => `tickets/${ticket.id}/time_accountings`;
  const sum = () => zammad.control('GET', `tickets/${ticket.id}`).time_unit;

  test('a row, and the sum of the ticket', async () => {
    const { status, json } = await post(path(), { time_unit: 11, type_id: 3, nonsense: true, ticket_articke_id: 1 });
    assert.equal(status, 201);
    const at = new Date(zammad.clock.now()).toISOString();
    const row = { id: 1, ticket_id: ticket.id, ticket_article_id: null, time_unit: '11.0', type_id: 3, created_by_id: zammad.state.admin.id, created_at: at, updated_at: at };
    assert.deepEqual(json, row);
    assert.deepEqual((await get(`${path()}/1`)).json, row);
    assert.deepEqual((await get(path())).json, [row]);
    assert.deepEqual((await get('time_accountings')).json, [row]);
    assert.equal(sum(), '11.0');
  });
  test('names and assets', async () => {
    bookOn(ticket, '5', { type: 'Consulting' });
    const expanded = (await get(`${path()}/1?expand=true`)).json;
    assert.deepEqual([expanded.type, expanded.created_by], ['Consulting', zammad.state.agents[0].login]);
    const full = (await get('time_accountings?full=true')).json;
    assert.deepEqual([full.record_ids, full.total_count], [[1], 1]);
    assert.equal(full.assets.TicketTimeAccounting[1].time_unit, '5.0');
    const one = (await post(`${path()}?full=true`, { time_unit: '1' })).json;
    assert.deepEqual(Object.keys(one), ['id', 'assets']);
    assert.equal((await post(path(), { time_unit: '1', type: 'Travel' })).json.type_id, 5);
    assert.equal((await post(path(), { time_unit: '1', type: 'Knitting' })).status, 422);
  });
  test('changes are partial; an equal sum leaves the ticket alone', async () => {
    const [a, b] = [bookOn(ticket, '10'), bookOn(ticket, '20')];
    const stamp = () => zammad.control('GET', `tickets/${ticket.id}`).updated_at;
    later();
    const before = stamp();
    const type = await put(`time_accountings/${a.id}`, { type_id: 4 });
    assert.deepEqual([type.status, type.json.type_id, type.json.time_unit], [200, 4, '10.0']);
    assert.notEqual(type.json.updated_at, a.updated_at);
    assert.equal(stamp(), before);
    assert.equal((await put(`${path()}/${b.id}`, { time_unit: '25.5' })).json.time_unit, '25.5');
    assert.notEqual(stamp(), before);
    assert.equal(sum(), '35.5');
    later();
    const again = (await put(`${path()}/${b.id}`, { time_unit: 25.5 })).json; // nothing is another: not even its own time
    assert.notEqual(again.updated_at, new Date(zammad.clock.now()).toISOString());
  });
  test('deleting', async () => {
    const { id } = bookOn(ticket, '10');
    const { status, json } = await del(`${path()}/${id}`);
    assert.deepEqual([status, json], [200, {}]);
    assert.equal(sum(), '0.0');
    assert.equal((await get(`${path()}/${id}`)).status, 404);
    const again = await del(`${path()}/${id}`); // its check for references fails first
    assert.equal(again.status, 422);
    const other = zammad.openTicket();
    assert.equal((await del(`tickets/${other.id}/time_accountings/${bookOn(ticket, '1').id}`)).status, 404);
  });
  test('zero on a ticket without a sum changes nothing', () => {
    bookOn(ticket, '0');
    assert.equal(sum(), null);
  });
  test('negative, and rounded to two places', () => {
    bookOn(ticket, '-7.5');
    bookOn(ticket, '0.333');
    assert.equal(sum(), '-7.17');
  });
  test('what is refused', async () => {
    const refused = async (body, text, where = path()) => {
      const { status, json } = await post(where, body);
      assert.equal(status, 422, JSON.stringify(body));
      if (text) assert.equal(json.error_human, text);
    };
    await refused({}, "Time unit can't be blank");
    await refused({ time_unit: '' }, "Time unit can't be blank");
    await refused({ time_unit: '10000' });
    await refused({ time_unit: '5' }, 'Ticket must exist', 'time_accountings');
    await refused({ time_unit: '5' }, 'Ticket must exist', 'tickets/999/time_accountings');
    await refused({ time_unit: '5', type_id: 999 });
    bookOn(ticket, '9000');
    await refused({ time_unit: '1000' }); // the ticket's own sum has no more room
    assert.equal(sum(), '9000.0');
  });
  test('one row an article, and the article is of the ticket', async () => {
    const article = zammad.control('POST', `tickets/${ticket.id}/articles`, { body: 'done' });
    assert.equal((await post(path(), { time_unit: 1, ticket_article_id: article.id })).status, 201);
    const twice = await post(path(), { time_unit: 1, ticket_article_id: article.id });
    assert.deepEqual([twice.status, twice.json.error], [422, 'Ticket article has already been taken']);
    const other = zammad.openTicket();
    const free = zammad.control('POST', `tickets/${ticket.id}/articles`, { body: 'more' });
    const foreign = await post(`tickets/${other.id}/time_accountings`, { time_unit: 1, ticket_article_id: free.id });
    assert.equal(foreign.status, 422);
    assert.match(foreign.json.error, /This article is not part of the ticket\./);
  });
  test('who may', async () => {
    const token = agentToken();
    const booked = await post(path(), { time_unit: 4 }, { token });
    assert.equal(booked.status, 201);
    assert.equal((await get(path(), { token })).json.length, 1);
    assert.equal((await get(`${path()}/${booked.json.id}`, { token })).status, 200);
    for (const call of [put(`${path()}/${booked.json.id}`, { time_unit: 5 }, { token }), del(`${path()}/${booked.json.id}`, { token }),
      get('time_accountings', { token }), get('time_accounting/types', { token }), get('time_accounting/log/by_activity/2026/11', { token })]) {
      assert.equal((await call).status, 403);
    }
    zammad.state.agents[1].group_ids = { 2: ['full'] };
    assert.equal((await get(path(), { token })).status, 403);
    assert.equal((await post(path(), { time_unit: 4 }, { token })).status, 403);
    assert.equal((await get('tickets/999/time_accountings', { token })).status, 404);
    assert.deepEqual((await get('tickets/999/time_accountings')).json, []); // an administrator's list does not look for the ticket
    const customer = [...zammad.state.users.values()].find(({ role_ids }) => role_ids.includes(3));
    assert.equal((await get(path(), { token: zammad.state.addToken({ user: customer, permission: ['ticket.customer'] }).token })).status, 403);
  });
  test('switched off: agents cannot, administrators can', async () => {
    zammad.state.settings.time_accounting = false;
    const { status, json } = await post(path(), { time_unit: 4 }, { token: agentToken() });
    assert.deepEqual([status, json.error], [403, 'Time Accounting is not enabled']);
    assert.equal((await post(path(), { time_unit: 4 })).status, 201);
  });
  test('order and pages', async () => {
    for (let i = 1; i <= 7; i++) {
      bookOn(ticket, String(i));
      later();
    }
    zammad.edit(2, { time_unit: '9' });
    const ids = async (query, where = 'time_accountings') => (await get(`${where}?${query}`)).json.map(({ id }) => id);
    for (const where of ['time_accountings', path()]) {
      assert.deepEqual(await ids('', where), [1, 2, 3, 4, 5, 6, 7]);
      assert.deepEqual(await ids('sort_by=updated_at&order_by=desc&per_page=3', where), [2, 7, 6]);
      assert.deepEqual(await ids('sort_by=updated_at&order_by=desc&per_page=3&page=3', where), [1]);
      assert.deepEqual(await ids('sort_by=updated_at&per_page=3', where), [1, 3, 4]);
      assert.deepEqual(await ids('sort_by=time_unit,id&order_by=desc,asc&limit=2', where), [2, 7]);
      assert.deepEqual(await ids('page=9&per_page=3', where), []);
      assert.deepEqual(await ids('per_page=0', where), []);
    }
    assert.equal((await get('time_accountings?page=0')).status, 422);
    assert.deepEqual(await ids(`ticket_id=${ticket.id}&per_page=1`), [1]);
    assert.equal((await get('time_accountings?sort_by=hours')).status, 500);
  });
  test('500 unless asked, never more than 1000', async () => {
    zammad.fill({ tickets: 10, entries: 1200 });
    assert.equal((await get('time_accountings')).json.length, 500);
    assert.equal((await get('time_accountings?per_page=5000')).json.length, 1000);
    assert.equal((await get('time_accountings?per_page=5000&page=2')).json.length, 200);
  });
  test('rows that sort equal may change places between pages', async () => {
    for (let i = 0; i < 20; i++) bookOn(ticket, '1'); // all in one millisecond
    const pages = async () => {
      const one = (n) => get(`time_accountings?sort_by=updated_at&order_by=desc&per_page=5&page=${n}`);
      return (await Promise.all([1, 2, 3, 4].map(one))).flatMap(({ json }) => json.map(({ id }) => id));
    };
    assert.equal(new Set(await pages()).size, 20);
    zammad.state.settings.ties = 'unstable';
    assert.ok(new Set(await pages()).size < 20);
  });
  test('a comma where a point belongs', async () => {
    bookOn(ticket, '1.5');
    zammad.state.settings.decimal_separator = ',';
    assert.equal((await get('time_accountings/1')).json.time_unit, '1,5');
    assert.equal((await post(path(), { time_unit: '2,5' })).json.time_unit, '2,0'); // and what comes in with one is cut there
  });
  test('an article carries time', async () => {
    const { status, json } = await post('ticket_articles', { ticket_id: ticket.id, body: 'Called', type: 'phone', time_unit: '15', accounted_time_type_id: 2 });
    assert.deepEqual([status, json.time_unit], [201, '15.0']);
    const [row] = (await get(path())).json;
    assert.deepEqual([row.ticket_article_id, row.type_id, row.time_unit], [json.id, 2, '15.0']);
    assert.equal((await del(`ticket_articles/${json.id}`)).status, 200);
    assert.deepEqual((await get(path())).json, []);
    const opened = await post('tickets', { title: 'New', group: 'Users', customer_id: 10, article: { body: 'x', time_unit: 2.75 } });
    assert.equal((await get(`tickets/${opened.json.id}`)).json.time_unit, '2.75');
  });
  test('an entry that is moved leaves the old sum behind', () => {
    const { id } = bookOn(ticket, '10');
    const other = zammad.openTicket();
    zammad.edit(id, { ticket: other.id });
    assert.equal(sum(), '10.0');
    assert.equal(zammad.control('GET', `tickets/${other.id}`).time_unit, '10.0');
    assert.deepEqual(zammad.state.entriesOf(ticket.id), []);
  });
  test('the ids of a ticket come from a cache that an equal sum does not renew', async () => {
    bookOn(ticket, '5');
    const ids = async () => (await get(`tickets/${ticket.id}?expand=true`)).json.ticket_time_accounting_ids;
    assert.deepEqual(await ids(), [1]);
    later();
    bookOn(ticket, '0');
    assert.deepEqual(await ids(), [1]);
    bookOn(ticket, '1');
    assert.deepEqual(await ids(), [1, 2, 3]);
  });
});

describe('types', { timeout }, () => {
  beforeEach(() => fresh());
  test('list, create, change; no deleting, no showing', async () => {
    assert.deepEqual((await get('time_accounting/types')).json.map(({ name }) => name), zammad.state.cast.activityTypes.map(({ name }) => name));
    const made = await post('time_accounting/types', { name: 'Night shift' });
    assert.deepEqual([made.status, made.json.name, made.json.active, made.json.note], [201, 'Night shift', true, null]);
    assert.equal((await put(`time_accounting/types/${made.json.id}`, { active: false })).json.active, false);
    assert.equal((await post('time_accounting/types', { name: 'Night shift' })).status, 422);
    assert.equal((await del(`time_accounting/types/${made.json.id}`)).status, 404);
    assert.equal((await get(`time_accounting/types/${made.json.id}`)).status, 404);
  });
});

describe('lists of a month', { timeout }, () => {
  beforeEach(() => fresh());
  const log = async (kind, month = '2026/11', query = '') => (await get(`time_accounting/log/${kind}/${month}${query}`)).json;

  test('bounds are midnight in the time zone of the system', async () => {
    const ticket = zammad.openTicket();
    for (const at of ['2026-10-31T22:59:59.999Z', '2026-10-31T23:00:00Z', '2026-11-30T22:59:59.999Z', '2026-11-30T23:00:00Z']) {
      zammad.clock.set(at);
      bookOn(ticket, '1');
    }
    assert.deepEqual((await log('by_activity')).map(({ created_at }) => created_at), ['2026-10-31T23:00:00.000Z', '2026-11-30T22:59:59.999Z']);
    zammad.state.settings.timezone_default = 'America/New_York';
    assert.equal((await log('by_activity')).length, 2);
    assert.equal((await log('by_activity', '2026/10')).length, 2);
    assert.equal((await get('time_accounting/log/by_activity/2026/13')).status, 422);
  });
  test('by activity: names, "-" for what is missing, no id of the row', async () => {
    const nobody = zammad.state.addUser({ login: 'free@example.com', firstname: 'Free', lastname: 'Lance' });
    const ticket = zammad.openTicket({ customer_id: nobody.id });
    bookOn(ticket, '1');
    bookOn(ticket, '2', { type: 'Travel' });
    const rows = await log('by_activity');
    assert.deepEqual(Object.keys(rows[0]), ['ticket', 'time_unit', 'type', 'customer', 'organization', 'agent', 'created_at']);
    assert.deepEqual([rows[0].type, rows[0].organization, rows[0].customer, rows[0].time_unit], ['-', '-', 'Free Lance', '1.0']);
    assert.equal(rows[1].type, 'Travel');
    assert.deepEqual((await log('by_activity', '2026/11', '?limit=1')).map(({ time_unit }) => time_unit), ['2.0']);
    zammad.state.settings.time_accounting_types = false;
    assert.equal('type' in (await log('by_activity'))[0], false);
  });
  test('by ticket, customer and organisation: sums', async () => {
    const [a, b] = [zammad.openTicket(), zammad.openTicket()];
    bookOn(a, '1.5');
    bookOn(a, '2', { agent: zammad.state.agents[1].login });
    bookOn(b, '4');
    assert.deepEqual((await log('by_ticket')).map(({ time_unit, agent }) => [time_unit, agent]), [['3.5', zammad.state.cast.agents[0].name], ['4.0', zammad.state.cast.agents[0].name]]);
    const [customer] = await log('by_customer');
    assert.deepEqual([customer.time_unit, customer.customer.id], ['7.5', a.customer_id]);
    const [firm] = await log('by_organization');
    assert.deepEqual([firm.time_unit, firm.organization.id], ['7.5', a.organization_id]);
  });
  test('as a sheet', async () => {
    const { headers } = await get('time_accounting/log/by_activity/2026/11?download=true');
    assert.match(headers.get('content-type'), /spreadsheetml/);
  });
});

describe('tickets', { timeout }, () => {
  beforeEach(() => fresh());
  test('a list is by id, a hundred at most, and ends in an empty page', async () => {
    zammad.fill({ tickets: 150, entries: 0 });
    const [first, second, third] = await Promise.all([1, 2, 3].map((page) => get(`tickets?per_page=500&page=${page}`)));
    assert.deepEqual([first, second, third].map(({ json }) => json.length), [100, 50, 0]);
    assert.deepEqual(first.json.slice(0, 3).map(({ id }) => id), [1, 2, 3]);
    assert.equal([...first.headers.keys()].some((name) => /link|total|count/.test(name)), false);
  });
  test('names with expand, records with full', async () => {
    const { id } = zammad.openTicket({ title: 'Ünïcode ☕ title', group: 'Service Desk::Field' });
    const { json } = await get(`tickets/${id}?expand=true`);
    assert.deepEqual([json.title, json.group, json.state, json.priority, json.owner], ['Ünïcode ☕ title', 'Service Desk::Field', 'new', '2 normal', '-']);
    assert.equal(json.ticket_time_accounting.length, 0);
    zammad.book({ ticket: id, time_unit: '1' });
    assert.equal('ticket_time_accounting' in (await get(`tickets/${id}?expand=true`)).json, false);
    const full = (await get(`tickets/${id}?full=true`)).json;
    assert.equal(full.assets.Ticket[id].number, '22001');
    assert.ok(full.assets.User && full.assets.Organization && full.assets.Group);
  });
  test('< > & are escaped, so nobody can write the same bytes by accident', async () => {
    const { id } = zammad.openTicket({ title: '<b>&</b>' });
    const { text, json } = await get(`tickets/${id}`);
    assert.ok(text.includes('\\u003cb\\u003e\\u0026\\u003c/b\\u003e'));
    assert.equal(json.title, '<b>&</b>');
  });
  test('who sees what', async () => {
    const ticket = zammad.openTicket({ group: 'Service Desk' });
    zammad.book({ ticket: ticket.id, time_unit: '5' });
    const stranger = zammad.state.addUser({ login: 'x@example.com' });
    const customer = zammad.state.users.get(ticket.customer_id);
    const asked = (user) => get(`tickets/${ticket.id}`, { token: zammad.state.addToken({ user, permission: ['ticket.customer'] }).token });
    assert.equal((await asked(stranger)).status, 403);
    assert.equal('time_unit' in (await asked(customer)).json, false);
    zammad.state.agents[1].group_ids = { 1: ['full'] };
    assert.equal((await get(`tickets/${ticket.id}`, { token: agentToken() })).status, 403);
    assert.equal((await get('tickets', { token: agentToken() })).json.length, 0);
  });
  test('a title has 250 characters', () => assert.equal(zammad.openTicket({ title: 'x'.repeat(300) }).title.length, 250));
  test('moved to another customer, its organisation follows and its entries stay', () => {
    const ticket = zammad.openTicket();
    zammad.book({ ticket: ticket.id, time_unit: '5' });
    const [, other] = [...zammad.state.organizations.values()].filter(({ id }) => id !== ticket.organization_id && id > 1);
    const customer = [...zammad.state.users.values()].find(({ organization_id, role_ids }) => organization_id === other.id && role_ids.includes(3));
    const moved = zammad.changeTicket(ticket.id, { customer_id: customer.id });
    assert.deepEqual([moved.organization_id, moved.time_unit], [other.id, '5.0']);
  });
  test('deleting takes all with it, and needs an administrator', async () => {
    const ticket = zammad.openTicket({ article: { body: 'x', time_unit: 3 } });
    assert.equal((await del(`tickets/${ticket.id}`, { token: agentToken() })).status, 403);
    assert.equal((await del(`tickets/${ticket.id}`)).status, 200);
    assert.equal((await get(`tickets/${ticket.id}`)).status, 404);
    assert.deepEqual((await get('time_accountings')).json, []);
  });
  test('tags', async () => {
    const { id } = zammad.openTicket({ tags: 'a, b' });
    const tag = (item) => ({ item, object: 'Ticket', o_id: id });
    assert.deepEqual([(await post('tags/add', tag('c'))).json, (await ask('DELETE', 'tags/remove', { body: tag('a') })).json], [true, true]);
    assert.deepEqual((await get(`tags?object=Ticket&o_id=${id}`)).json, { tags: ['b', 'c'] });
    assert.deepEqual((await get('tag_list')).json.find(({ name }) => name === 'c').count, 1);
  });
  test('history says who changed the sum, and when', async () => {
    const { id } = zammad.openTicket();
    zammad.book({ ticket: id, time_unit: '5' });
    const { history } = (await get(`ticket_history/${id}`)).json;
    const change = history.find(({ attribute }) => attribute === 'time_unit');
    assert.deepEqual([change.value_from, change.value_to, change.created_by_id, change.type], ['', '5.0', zammad.state.agents[0].id, 'updated']);
  });
});

describe('merging', { timeout }, () => {
  let source;
  let target;
  const prepare = async (options) => {
    await fresh(options);
    source = zammad.openTicket({ title: 'twin', article: { body: 'a', time_unit: 15 } });
    target = zammad.openTicket({ title: 'original', article: { body: 'b', time_unit: 30 } });
    later();
  };
  const merged = () => put(`ticket_merge/${source.id}/${target.number}`);

  test('articles go, entries stay, and an entry’s article is elsewhere', async () => {
    await prepare();
    const { status, json } = await merged();
    assert.deepEqual([status, json.result, json.source_ticket.state_id, json.source_ticket.owner_id], [200, 'success', 5, 1]);
    const [row] = (await get(`tickets/${source.id}/time_accountings`)).json;
    assert.equal((await get(`ticket_articles/${row.ticket_article_id}`)).json.ticket_id, target.id);
    assert.equal((await get(`tickets/${target.id}`)).json.time_unit, '30.0');
    assert.equal((await put(`time_accountings/${row.id}`, { time_unit: 20 })).status, 200); // it can still be saved
    assert.deepEqual((await get(`ticket_articles/by_ticket/${source.id}`)).json.map(({ body }) => body), ['merged']);
  });
  test('or entries go as well, where that is switched on', async () => {
    await prepare({ features: { mergedEntries: 'move' } });
    await merged();
    const rows = (await get(`tickets/${target.id}/time_accountings`)).json;
    assert.deepEqual(rows.map(({ id, time_unit }) => [id, time_unit]), [[1, '15.0'], [2, '30.0']]);
    assert.equal((await get(`tickets/${target.id}`)).json.time_unit, '45.0');
    assert.equal((await get(`tickets/${source.id}`)).json.time_unit, '0.0');
  });
  test('what is refused', async () => {
    await prepare();
    assert.equal((await put(`ticket_merge/${source.id}/99999`)).json.result, 'failed'); // with a 200
    assert.equal((await put(`ticket_merge/${source.id}/${source.number}`)).status, 422);
    await merged();
    assert.equal((await put(`ticket_merge/${target.id}/${source.number}`)).status, 422);
  });
});

describe('search', { timeout }, () => {
  beforeEach(async () => {
    await fresh();
    for (const title of ['Printer', 'Vpn', 'Backup failed']) {
      zammad.openTicket({ title, article: { body: `about ${title}` } });
      later(60_000);
    }
  });
  const titles = async (query, more = '') => (await get(`tickets/search?query=${encodeURIComponent(query)}&expand=true${more}`)).json.map(({ title }) => title);

  test('the language of Elasticsearch', async () => {
    assert.deepEqual(await titles('updated_at:>2026-11-20T09:00:00Z'), ['Backup failed', 'Vpn']);
    assert.deepEqual(await titles('updated_at:>=2026-11-20T09\\:00\\:00Z'), ['Backup failed', 'Vpn', 'Printer']);
    assert.deepEqual(await titles('updated_at:[2026-11-20T09:00:30Z TO 2026-11-20T09:01:30Z]'), ['Vpn']);
    assert.deepEqual(await titles('updated_at:["2026-11-20T09:00:00Z" TO *} AND NOT title:Vpn'), ['Backup failed', 'Printer']);
    assert.deepEqual(await titles('updated_at:[2026-11-20 TO 2026-11-20]'), ['Backup failed', 'Vpn', 'Printer']);
    assert.deepEqual(await titles('updated_at:>now-90s'), ['Backup failed']);
    assert.deepEqual(await titles('(printer OR vpn) state.name:new'), ['Vpn', 'Printer']);
    assert.deepEqual(await titles('title:back*'), ['Backup failed']);
    assert.deepEqual(await titles('number:22002'), ['Vpn']);
    assert.deepEqual(await titles('"about Printer"'), ['Printer']);
    assert.equal((await get('tickets/search?query=%28broken')).status, 422);
  });
  test('without it, a plain LIKE', async () => {
    zammad.state.settings.elasticsearch = false;
    assert.deepEqual(await titles('updated_at:>2026-11-20T09:00:00Z'), []);
    assert.deepEqual(await titles('PRINT'), ['Printer']);
    assert.deepEqual(await titles('about'), ['Backup failed', 'Vpn', 'Printer']);
  });
  test('conditions', async () => {
    const found = async (condition) => (await post('tickets/search?expand=true', { condition })).json.map(({ title }) => title);
    assert.deepEqual(await found({ 'ticket.updated_at': { operator: 'after (absolute)', value: '2026-11-20T09:00:30Z' } }), ['Backup failed', 'Vpn']);
    assert.deepEqual(await found({ 'ticket.title': { operator: 'contains', value: 'p' }, 'ticket.state_id': { operator: 'is', value: ['1'] } }), ['Backup failed', 'Vpn', 'Printer']);
    assert.deepEqual(await found({ operator: 'OR', conditions: [{ name: 'ticket.title', operator: 'is', value: 'Vpn' }, { name: 'ticket.number', operator: 'is', value: '22001' }] }), ['Vpn', 'Printer']);
    assert.equal((await post('tickets/search', { condition: { 'ticket.title': { operator: 'smells like', value: 'x' } } })).status, 422);
  });
  test('shapes of newer and older versions; expand is the same in all', async () => {
    const plain = (await get('tickets/search?query=*')).json;
    assert.ok(Array.isArray(plain) && plain[0].title && !plain[0].group);
    assert.deepEqual((await get('tickets/search?query=*&only_total_count=true')).json, { total_count: 3 });
    const counted = (await get('tickets/search?query=*&with_total_count=true&per_page=1')).json;
    assert.deepEqual([counted.records.length, counted.total_count], [1, 3]);
    assert.deepEqual((await get('tickets/search?query=*&full=true')).json.record_ids, [3, 2, 1]);
    zammad.state.features.searchShape = 'tickets';
    const old = (await get('tickets/search?query=*')).json;
    assert.deepEqual([old.tickets, old.tickets_count, Object.keys(old)], [[3, 2, 1], 3, ['tickets', 'tickets_count', 'assets']]);
    assert.equal((await titles('*')).length, 3);
  });
  test('50 unless asked, 200 at most, in the order asked', async () => {
    zammad.fill({ tickets: 300, entries: 0 });
    assert.equal((await titles('*')).length, 50);
    assert.equal((await titles('*', '&per_page=1000')).length, 200);
    assert.equal((await titles('*', '&per_page=1000&page=2')).length, 103);
    assert.deepEqual(await titles('*', '&per_page=1000&page=3'), []);
    assert.deepEqual(await titles('*', '&sort_by=number&order_by=asc&limit=2'), ['Printer', 'Vpn']);
  });
  test('the index runs behind', async () => {
    zammad.state.settings.search_delay_ms = 5000;
    later(10_000);
    zammad.book({ ticket: 1, time_unit: '5' });
    const since = `updated_at:>${new Date(zammad.clock.now() - 1000).toISOString()}`;
    assert.deepEqual(await titles(since), []);
    later(5000);
    assert.deepEqual(await titles(since), ['Printer']);
  });
  test('people and firms', async () => {
    const [agent] = zammad.state.agents;
    assert.deepEqual((await get(`users/search?query=${agent.firstname}`)).json.map(({ id }) => id), [agent.id]);
    assert.deepEqual((await get(`users/search?query=email:${agent.email}`)).json.map(({ id }) => id), [agent.id]);
    assert.equal((await get('users/search?query=*&limit=2')).json.length, 2);
    assert.deepEqual((await get('organizations/search?query=Lindgren&expand=true')).json.map(({ name }) => name), ['Lindgren IT']);
    assert.equal((await get('users/1')).json.login, '-');
    assert.deepEqual((await get(`users/${agent.id}?expand=true`)).json.roles, ['Admin', 'Agent']);
    assert.equal((await get('groups/3')).json.name, 'Service Desk::Field');
    const [customer] = [...zammad.state.users.values()].filter(({ role_ids }) => role_ids.includes(3));
    const { token } = zammad.state.addToken({ user: customer, permission: ['ticket.customer'] });
    assert.equal((await get('users/search?query=*', { token })).status, 403);
    const mate = [...zammad.state.users.values()].find((user) => user !== customer && user.organization_id === customer.organization_id);
    assert.equal('email' in (await get(`users/${mate.id}`, { token })).json, false);
  });
});

describe('older and newer versions', { timeout }, () => {
  const versionOf = async (version) => {
    await fresh({ version });
    return (await get('version')).json;
  };
  test('says which it is', async () => assert.deepEqual(await versionOf('6.5.0'), { version: '6.5.0' }));
  test('6.2 lists time of a ticket only, and asks the selector', async () => {
    await versionOf('6.2.0');
    const ticket = zammad.openTicket();
    assert.equal((await get('time_accountings')).status, 404);
    assert.equal((await get(`tickets/${ticket.id}/time_accountings`)).status, 200);
    zammad.state.settings.time_accounting_selector = { state: ['open'] };
    const { status, json } = await post(`tickets/${ticket.id}/time_accountings`, { time_unit: 1 }, { token: agentToken() });
    assert.deepEqual([status, json.error], [403, 'Ticket does not match Time Accounting Selector']);
    assert.deepEqual(Object.keys((await get('tickets/search?query=*')).json), ['tickets', 'tickets_count', 'assets']);
  });
  test('6.0 has nothing of both', async () => {
    await versionOf('6.0.0');
    assert.equal((await get(`tickets/${zammad.openTicket().id}/time_accountings`)).status, 404);
  });
});

// ---- webhooks ----

class Receiver {
  got = []; // { path, method, headers, raw, bytes, json }
  answers = {}; // by path: a status, or { status, headers, body, hang }

  static async start() {
    const receiver = new Receiver();
    receiver.server = createServer((req, res) => receiver.#take(req, res));
    await new Promise((listening) => receiver.server.listen(0, '127.0.0.1', listening));
    return receiver;
  }

  #take(req, res) {
    const pieces = [];
    req.on('data', (piece) => pieces.push(piece));
    req.on('end', () => {
      const bytes = Buffer.concat(pieces);
      this.got.push({ path: req.url, method: req.method, headers: req.headers, raw: req.rawHeaders, bytes, json: JSON.parse(bytes.toString('utf8') || 'null') });
      const answer = this.answers[req.url] ?? 200;
      const { status, headers = {}, body = '', hang = false } = typeof answer === 'number' ? { status: answer } : answer;
      if (!hang) res.writeHead(status, headers).end(body);
    });
  }

  url(path) {
    return `http://127.0.0.1:${this.server.address().port}${path}`;
  }

  stop() {
    this.server.closeAllConnections();
    return new Promise((closed) => this.server.close(closed));
  }
}

test('X-Hub-Signature, by the reference’s own figure', () => {
  assert.equal(signatureOf('s3cr3t-t0k3n', '{}'), 'sha1=62dbed0e846073c1068278eca5ee448de020d291');
});

test('X-Hub-Signature, by the vectors', { skip: !existsSync(join(vectors, 'zammad-webhook')) && 'no vectors' }, () => {
  const { cases } = JSON.parse(readFileSync(join(vectors, 'zammad-webhook/vectors.json'), 'utf8'));
  assert.ok(cases.length > 0);
  for (const { token, body, header } of cases) assert.equal(signatureOf(token, body), header);
});

describe('webhooks', { timeout }, () => {
  let receiver;
  let ticket;
  beforeEach(async () => {
    await fresh();
    receiver = await Receiver.start();
    ticket = zammad.openTicket({ title: 'Überfall <auf> & Co. ☕' });
    later();
  });
  afterEach(() => receiver.stop());

  const listen = (more = {}, path = '/hook') => zammad.webhooks.subscribe({ endpoint: receiver.url(path), ...more });
  const delivered = () => zammad.webhooks.idle();
  const states = () => zammad.webhooks.jobs.map(({ state }) => state);

  test('headers, with a token and without', async () => {
    listen({ trigger: 'Zeit gebucht – Büro ☕', signature_token: 's3cr3t-t0k3n' });
    bookOn(ticket, '15');
    await delivered();
    const [{ headers, raw, bytes, method }] = receiver.got;
    assert.equal(method, 'POST');
    assert.equal(headers['content-type'], 'application/json; charset=utf-8');
    assert.equal(headers['user-agent'], 'Zammad User Agent');
    assert.match(headers['x-zammad-delivery'], /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    // The name goes out as the bytes it is made of.
    assert.equal(Buffer.from(raw[raw.indexOf('X-Zammad-Trigger') + 1], 'latin1').toString('utf8'), 'Zeit gebucht – Büro ☕');
    assert.equal(headers['x-hub-signature'], `sha1=${createHmac('sha1', 's3cr3t-t0k3n').update(bytes).digest('hex')}`);
    assert.ok(bytes.includes('\\u003cauf\\u003e \\u0026 Co.'));
    assert.notEqual(JSON.stringify(JSON.parse(bytes)), bytes.toString()); // written again it is another text
    assert.equal('authorization' in headers, false);

    zammad.webhooks.webhooks.clear();
    zammad.webhooks.triggers.clear();
    listen({ basic_auth_username: 'zammad', basic_auth_password: 'pä:ss' });
    bookOn(ticket, '15');
    await delivered();
    assert.equal('x-hub-signature' in receiver.got[1].headers, false);
    assert.equal(receiver.got[1].headers.authorization, `Basic ${Buffer.from('zammad:pä:ss').toString('base64')}`);
  });
  test('the body is the ticket and one article, or none', async () => {
    listen();
    bookOn(ticket, '2.75');
    await delivered();
    const { ticket: told, article } = receiver.got[0].json;
    assert.deepEqual(article, {});
    assert.deepEqual([told.id, told.number, told.state, told.time_unit, told.ticket_time_accounting_ids], [ticket.id, ticket.number, 'new', '2.75', [1]]);
    assert.equal('ticket_time_accounting' in told, false); // only there when there is nothing in it
    assert.equal(typeof told.owner, 'object');
    for (const hidden of ['last_login', 'login_failed', 'password', 'preferences', 'group_ids', 'groups', 'authorizations']) assert.equal(hidden in told.customer, false, hidden);
    assert.deepEqual(Object.keys(told), Object.keys(told).sort());

    zammad.control('POST', `tickets/${ticket.id}/articles`, { body: 'worked', time_unit: '2.75' });
    await delivered();
    assert.equal(receiver.got.length, 2); // the article and its time are one change
    assert.equal(receiver.got[1].json.article.accounted_time, 2); // the trap: 2.75
    assert.equal(receiver.got[1].json.article.time_unit, '2.75');
    assert.equal(receiver.got[1].json.ticket.time_unit, '5.5');
    zammad.control('POST', `tickets/${ticket.id}/articles`, { body: 'talked' });
    await delivered();
    assert.equal(receiver.got[2].json.article.accounted_time, 0);
  });
  test('a new ticket has none yet, and an organisation that is not there is {}', async () => {
    listen();
    const nobody = zammad.state.addUser({ login: 'free@example.com' });
    zammad.openTicket({ customer_id: nobody.id });
    await delivered();
    const { ticket: told } = receiver.got[0].json;
    assert.deepEqual([told.organization, told.ticket_time_accounting, told.ticket_time_accounting_ids, told.time_unit], [{}, [], [], null]);
  });
  test('what fires and what is silent', async () => {
    listen();
    const count = async (act) => {
      const before = receiver.got.length;
      act();
      await delivered();
      later();
      return receiver.got.length - before;
    };
    let id;
    assert.equal(await count(() => ({ id } = bookOn(ticket, '5'))), 1);
    assert.equal(await count(() => zammad.edit(id, { time_unit: '6' })), 1);
    assert.equal(await count(() => zammad.edit(id, { type: 'Travel' })), 0); // the sum is as it was
    assert.equal(await count(() => bookOn(ticket, '0')), 0);
    assert.equal(await count(() => (zammad.edit(id, { time_unit: '7' }), zammad.edit(id, { time_unit: '6' }))), 2);
    assert.equal(await count(() => zammad.remove(id)), 1);
    assert.equal(await count(() => zammad.changeTicket(ticket.id, { state: 'open' })), 1);
    const other = zammad.openTicket();
    await delivered();
    assert.equal(await count(() => zammad.merge(other.id, ticket.id)), 1); // of the source; the target is only touched
    assert.equal(receiver.got.at(-1).json.ticket.id, other.id);
    assert.equal(await count(() => zammad.removeTicket(ticket.id)), 0);
  });
  test('a selective trigger wants its attribute changed', async () => {
    listen({ changed: ['time_unit'] });
    zammad.changeTicket(ticket.id, { state: 'open' });
    bookOn(ticket, '1');
    await delivered();
    assert.equal(receiver.got.length, 1);
    zammad.webhooks.triggers.clear();
    listen({ on: ['create'] });
    bookOn(ticket, '1');
    await delivered();
    assert.equal(receiver.got.length, 1);
  });
  test('two webhooks, two ids', async () => {
    listen();
    listen({}, '/other');
    bookOn(ticket, '1');
    await delivered();
    assert.equal(new Set(receiver.got.map(({ headers }) => headers['x-zammad-delivery'])).size, 2);
  });
  test('any 2xx will do, whatever its body', async () => {
    receiver.answers['/hook'] = { status: 200, headers: { 'Content-Type': 'text/html' }, body: '<p>thanks' };
    listen();
    bookOn(ticket, '1');
    await delivered();
    assert.deepEqual(states(), ['delivered']);
    receiver.answers['/hook'] = 204;
    bookOn(ticket, '1');
    await delivered();
    assert.deepEqual(states(), ['delivered', 'delivered']);
  });
  for (const [what, answer] of [['404', 404], ['301', { status: 301, headers: { Location: '/elsewhere' } }], ['500', 500], ['401', 401]]) {
    test(`${what} is tried again after 10, 20, 30 and 40 seconds, then dropped`, async () => {
      receiver.answers['/hook'] = answer;
      listen({ signature_token: 'k' });
      bookOn(ticket, '1');
      await delivered();
      const begun = zammad.clock.now();
      for (const wait of [10, 20, 30, 40]) {
        assert.deepEqual(states(), ['waiting']);
        later(wait * 1000 - 1);
        await delivered();
        const before = receiver.got.length;
        later(1);
        await delivered();
        assert.equal(receiver.got.length, before + 1);
      }
      assert.deepEqual(states(), ['dropped']);
      assert.deepEqual(zammad.webhooks.jobs[0].attempts.map(({ at }) => (at - begun) / 1000), [0, 10, 30, 60, 100]);
      later(3_600_000);
      await delivered();
      assert.equal(receiver.got.length, 5);
      assert.equal(receiver.got.every(({ path }) => path === '/hook'), true);
      assert.equal(new Set(receiver.got.map(({ headers }) => headers['x-zammad-delivery'])).size, 1);
    });
  }
  test('a retry tells of the ticket as it is by then, under its old id', async () => {
    receiver.answers['/hook'] = 503;
    listen({ signature_token: 'k' });
    bookOn(ticket, '1');
    await delivered();
    receiver.answers['/hook'] = 200;
    zammad.webhooks.triggers.clear();
    bookOn(ticket, '2');
    later(10_000);
    await delivered();
    assert.deepEqual(receiver.got.map(({ json }) => json.ticket.time_unit), ['1.0', '3.0']);
    assert.equal(new Set(receiver.got.map(({ headers }) => headers['x-hub-signature'])).size, 2);
    assert.deepEqual(states(), ['delivered']);
  });
  test('nobody there, and somebody who never answers', async () => {
    zammad.state.settings.webhook_timeout_ms = 50;
    receiver.answers['/hook'] = { hang: true };
    listen();
    zammad.webhooks.subscribe({ endpoint: 'http://127.0.0.1:9/' });
    bookOn(ticket, '1');
    await delivered();
    assert.deepEqual(states(), ['waiting', 'waiting']);
    assert.match(zammad.webhooks.jobs[0].attempts[0].error, /no answer within 50 ms/);
  });
  test('older versions go where they are sent, and count that as done', async () => {
    zammad.state.features.webhookRedirects = 'get';
    receiver.answers['/hook'] = { status: 302, headers: { Location: '/elsewhere' } };
    listen();
    bookOn(ticket, '1');
    await delivered();
    assert.deepEqual(states(), ['delivered']);
    assert.deepEqual(receiver.got.map(({ method, path }) => [method, path]), [['POST', '/hook'], ['GET', '/elsewhere']]);
  });
  test('a ticket that is gone discards its job', async () => {
    zammad.state.settings.job_delay_ms = 1000;
    listen();
    bookOn(ticket, '1');
    zammad.removeTicket(ticket.id);
    later(1000);
    await delivered();
    assert.deepEqual([receiver.got.length, states()], [0, ['discarded']]);
  });
  test('lost, and twice', async () => {
    listen();
    zammad.webhooks.lose(1);
    bookOn(ticket, '1');
    zammad.webhooks.repeat(1);
    bookOn(ticket, '1');
    await delivered();
    assert.deepEqual(states(), ['lost', 'delivered']);
    assert.equal(receiver.got.length, 2);
    assert.equal(receiver.got[0].headers['x-zammad-delivery'], receiver.got[1].headers['x-zammad-delivery']);
    zammad.state.settings.webhook_loss = 0.5;
    for (let i = 0; i < 100; i++) bookOn(ticket, '1');
    await delivered();
    const { lost } = zammad.webhooks.counts();
    assert.ok(lost > 20 && lost < 80, `${lost}`);
  });
  test('a scheduler sends hundreds under its own name, without changes', async () => {
    const { webhook_id } = listen({ on: [] });
    const ids = Array.from({ length: 300 }, () => zammad.openTicket().id);
    zammad.webhooks.schedule({ name: 'Every night', webhook_id, ticket_ids: ids });
    await delivered();
    assert.equal(receiver.got.length, 300);
    assert.ok(receiver.got.every(({ headers }) => headers['x-zammad-trigger'] === 'Every night'));
    assert.deepEqual(new Set(receiver.got.map(({ json }) => json.ticket.id)), new Set(ids));
    assert.equal(new Set(receiver.got.map(({ headers }) => headers['x-zammad-delivery'])).size, 300);
  });
  test('a template of the administrator’s: strings, and gaps', async () => {
    const custom_payload = '{"ticket_id":"#{ticket.id}","what":"Nr. #{ticket.number}: #{ticket.title}","time":"#{ticket.time_unit}","none":"#{nothing.here}","fixed":[1,true],"article":"#{article.id}"}';
    listen({ custom_payload, signature_token: 'k' });
    zammad.changeTicket(ticket.id, { title: 'He said "no"\nand left' });
    await delivered();
    const { json, headers, bytes } = receiver.got[0];
    assert.deepEqual(json, {
      ticket_id: String(ticket.id), what: `Nr. ${ticket.number}: He said "no"\nand left`, time: '#{ticket.time_unit / no such method}',
      none: '#{nothing / no such object}', fixed: [1, true], article: '#{article / no such object}',
    });
    assert.equal(headers['x-hub-signature'], signatureOf('k', bytes));
    zammad.state.features.payloadValues = 'typed';
    bookOn(ticket, '1');
    await delivered();
    assert.equal(receiver.got[1].json.ticket_id, ticket.id);
  });
  test('a webhook may come before its row can be read', async () => {
    zammad.state.settings.visibility_delay_ms = 500;
    listen();
    bookOn(ticket, '5');
    await delivered();
    assert.equal(receiver.got[0].json.ticket.time_unit, null); // so it tells of the old sum, too
    const sum = async () => (await get(`tickets/${ticket.id}`)).json.time_unit;
    assert.deepEqual((await get(`tickets/${ticket.id}/time_accountings`)).json, []);
    assert.equal((await get('time_accountings/1')).status, 404);
    assert.equal(await sum(), null);
    later(500);
    assert.equal((await get(`tickets/${ticket.id}/time_accountings`)).json.length, 1);
    assert.equal(await sum(), '5.0');
    zammad.edit(1, { time_unit: '6' });
    assert.equal((await get('time_accountings/1')).json.time_unit, '5.0');
    later(500);
    assert.equal((await get('time_accountings/1')).json.time_unit, '6.0');
    zammad.state.features.webhookPhase = 'after_commit';
    zammad.edit(1, { time_unit: '7' });
    assert.equal((await get('time_accountings/1')).json.time_unit, '7.0');
  });
  test('newer versions choose the method and bear a token', async () => {
    zammad.state.features.webhookMethods = true;
    listen({ http_method: 'put', bearer_token: 'abc' });
    bookOn(ticket, '1');
    await delivered();
    assert.deepEqual([receiver.got[0].method, receiver.got[0].headers.authorization], ['PUT', 'Bearer abc']);
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
    await assert.rejects(rawType('/api/v1/users/me')); // on a connection of its own
    assert.match(await rawType('/api/v1/users/me', '*/*'), /json/);
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
      const { status, text } = await ask('POST', `tickets/${1 + (i % 5)}/time_accountings`, { peer, body: { time_unit: i + 1 } }).catch((error) => ({ status: 0, text: error.name }));
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
    const found = /^Zammad stand-in: (http:\S+) {2}token: (\S+) {2}control: (http:\S+)\n$/.exec(await line);
    assert.ok(found, await line);
    const [, url, token, control] = found;
    const peer = { url, token };
    assert.equal((await ask('GET', 'users/me', { peer })).status, 200);

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
    assert.equal((await ask('POST', 'tickets/1/time_accountings', { peer, token: narrow, body: { time_unit: 1 } })).status, 403);
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
  test('--help, and what it does not know', async () => {
    const help = await run('--help').ended;
    assert.equal(help.code, 0);
    for (const option of ['--port', '--seed', '--data', '--now', '--release', '--help']) assert.ok(help.out.includes(option), option);
    const wrong = await run('--colour').ended;
    assert.equal(wrong.code, 2);
  });
});
