// Presets: release
// Zammad's stand-in: booked time, tickets, merging and searching, with the rules and traps that Zammad has for each.

import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';

import { agentToken, ask, callsOf, start } from './support/zammad.mjs';

const timeout = 60_000;

let zammad;
const fresh = async (options) => (zammad = await start(options));
const later = (ms = 1000) => zammad.clock.advance(ms);
const bookOn = (ticket, time_unit, more) => zammad.book({ ticket: ticket.id, time_unit, ...more });
const { get, post, put, del } = callsOf(() => zammad);

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
    const token = agentToken(zammad);
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
    const { status, json } = await post(path(), { time_unit: 4 }, { token: agentToken(zammad) });
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
    // A list that was asked for before stays in order, wherever a row comes in or goes out.
    bookOn(ticket, '1', { at: '2026-11-20T09:00:03.500Z' });
    assert.deepEqual(await ids('sort_by=created_at&order_by=asc'), [1, 2, 3, 8, 4, 5, 6, 7]);
    zammad.edit(3, { time_unit: '5', at: '2026-11-20T09:00:06.500Z' });
    zammad.remove(6);
    assert.deepEqual(await ids('sort_by=updated_at&order_by=asc'), [1, 8, 4, 5, 3, 7, 2]);
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
  test('an article whose time is refused leaves nothing behind', async () => {
    const counts = () => [zammad.state.tickets.size, zammad.state.articles.size, zammad.state.entries.size];
    const before = counts();
    for (const time of [{ time_unit: 10_000 }, { time_unit: 1, accounted_time_type_id: 99 }]) {
      assert.equal((await post('tickets', { title: 'New', group: 'Users', customer_id: 10, article: { body: 'x', ...time } })).status, 422);
      assert.equal((await put(`tickets/${ticket.id}`, { title: 'Other', article: { body: 'x', ...time } })).status, 422);
      assert.equal((await post('ticket_articles', { ticket_id: ticket.id, body: 'x', ...time })).status, 422);
    }
    assert.deepEqual(counts(), before);
    assert.equal((await get(`tickets/${ticket.id}`)).json.title, 'Printer');
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
    assert.equal((await get(`tickets/${ticket.id}`, { token: agentToken(zammad) })).status, 403);
    assert.equal((await get('tickets', { token: agentToken(zammad) })).json.length, 0);
  });
  test('a title has 250 characters', () => assert.equal(zammad.openTicket({ title: 'x'.repeat(300) }).title.length, 250));
  test('moved to another customer, its organisation follows and its entries stay', () => {
    const ticket = zammad.openTicket();
    zammad.book({ ticket: ticket.id, time_unit: '5' });
    const [, other] = [...zammad.state.organizations.values()].filter(({ id }) => id !== ticket.organization_id && id > 1);
    const customer = [...zammad.state.users.values()].find(({ organization_id, role_ids }) => organization_id === other.id && role_ids.includes(3));
    const moved = zammad.changeTicket(ticket.id, { customer_id: customer.id });
    assert.deepEqual([moved.organization_id, moved.time_unit], [other.id, '5.0']);
    assert.equal(zammad.openTicket({ customer_id: customer.id, organization_id: 1 }).organization_id, other.id); // whatever is said
  });
  test('deleting takes all with it, and needs an administrator', async () => {
    const ticket = zammad.openTicket({ article: { body: 'x', time_unit: 3 } });
    assert.equal((await del(`tickets/${ticket.id}`, { token: agentToken(zammad) })).status, 403);
    assert.equal((await del(`tickets/${ticket.id}`)).status, 200);
    assert.equal((await get(`tickets/${ticket.id}`)).status, 404);
    assert.deepEqual((await get('time_accountings')).json, []);
  });
  test('tags', async () => {
    const { id } = zammad.openTicket({ tags: 'a, b' });
    const tag = (item) => ({ item, object: 'Ticket', o_id: id });
    assert.deepEqual([(await post('tags/add', tag('c'))).json, (await ask(zammad, 'DELETE', 'tags/remove', { body: tag('a') })).json], [true, true]);
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
    assert.deepEqual(await titles('updated_at:>2026-11-20T09\\:00\\:00Z'), ['Backup failed', 'Vpn']);
    assert.deepEqual(await titles('updated_at:>=2026-11-20T09\\:00\\:00Z'), ['Backup failed', 'Vpn', 'Printer']);
    assert.deepEqual(await titles('updated_at:[2026-11-20T09:00:30Z TO 2026-11-20T09:01:30Z]'), ['Vpn']);
    assert.deepEqual(await titles('updated_at:[2026-11-20T09:00:00Z TO *} AND NOT title:Vpn'), ['Backup failed', 'Printer']);
    assert.deepEqual(await titles('updated_at:[2026-11-20 TO 2026-11-20]'), ['Backup failed', 'Vpn', 'Printer']);
    assert.deepEqual(await titles('updated_at:>now-90s'), ['Backup failed']);
    assert.deepEqual(await titles('(printer OR vpn) state.name:new'), ['Vpn', 'Printer']);
    assert.deepEqual(await titles('title:back*'), ['Backup failed']);
    assert.deepEqual(await titles('number:22002'), ['Vpn']);
    assert.deepEqual(await titles('"about Printer"'), ['Printer']);
  });
  test('a query that it cannot read finds nothing, with a 200', async () => {
    const bad = ['updated_at:>2026-11-20T09:00:00Z', 'updated_at:>"2026-11-20T09:00:00Z"', '(printer', 'printer AND', 'updated_at:[yesterday TO *]'];
    for (const query of bad) assert.deepEqual(await titles(query), [], query);
    assert.deepEqual(zammad.violations.length, bad.length);
    assert.match(zammad.violations[0].text, /escape it, or use brackets/);
    zammad.state.settings.strict_query = false;
    assert.deepEqual(await titles('updated_at:>2026-11-20T09:00:00Z'), ['Backup failed', 'Vpn']);
  });
  test('nothing is found beyond the window', async () => {
    zammad.state.settings.search_window = 4;
    zammad.fill({ tickets: 3, entries: 0 });
    const pages = await Promise.all([1, 2, 3].map((page) => titles('*', `&per_page=2&page=${page}`)));
    assert.deepEqual(pages.map(({ length }) => length), [2, 2, 0]);
    zammad.state.settings.elasticsearch = false;
    assert.equal((await titles('', '&per_page=2&page=3')).length, 2);
  });
  test('a time without an offset is one of the system', async () => {
    assert.deepEqual(await titles('updated_at:[2026-11-20T10\\:01\\:00 TO *]'), ['Backup failed', 'Vpn']);
    zammad.state.settings.timezone_default = 'America/New_York';
    assert.equal((await titles('updated_at:[2026-11-20T04:01:00 TO *]')).length, 2);
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
    const since = `updated_at:{${new Date(zammad.clock.now() - 1000).toISOString()} TO *}`;
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

describe('random histories', { timeout }, () => {
  // A step: what it is, and what it does with a ticket, another one, and an entry that are there.
  const STEPS = [
    [6, (random, a) => zammad.book({ ticket: a, time_unit: String(random.integer(-20, 400) / 4) })],
    [3, (random, a, b, entry) => entry && zammad.edit(entry, { time_unit: random.integer(0, 90) })],
    [2, (random, a, b, entry) => entry && zammad.remove(entry)],
    [2, () => zammad.openTicket()],
    [2, (random, a) => zammad.control('POST', `tickets/${a}/articles`, { body: 'x', time_unit: random.chance(0.7) ? '15' : undefined })],
    [1, (random, a) => zammad.state.articlesOf(a).slice(0, 1).forEach(({ id }) => zammad.control('DELETE', `articles/${id}`))],
    [1, (random, a, b) => a !== b && [a, b].every((id) => zammad.state.tickets.get(id).state_id !== 5) && zammad.merge(a, b)],
    [1, (random, a) => zammad.state.tickets.size > 3 && zammad.removeTicket(a)],
    [1, (random, a) => zammad.changeTicket(a, { state: random.pick(['open', 'closed']) })],
    [4, (random) => later(random.integer(0, 5000))],
  ];
  const all = async (path) => {
    const rows = [];
    for (let page = 1; ; page++) {
      const { json } = await get(`${path}${path.includes('?') ? '&' : '?'}per_page=37&page=${page}`);
      if (json.length === 0) return rows;
      rows.push(...json);
    }
  };
  for (let seed = 1; seed <= 10; seed++) {
    test(`sums, lists and orders agree at the end of ${seed}`, async () => {
      await fresh({ seed, features: { mergedEntries: seed % 2 ? 'stay' : 'move' } });
      const random = zammad.random.fork('history');
      for (let i = 0; i < 3; i++) zammad.openTicket();
      await get('time_accountings?sort_by=updated_at'); // from here on the orders are kept, not made
      for (let i = 0; i < 300; i++) {
        const ids = [...zammad.state.tickets.keys()];
        random.weighted(STEPS)(random, random.pick(ids), random.pick(ids), random.pick([...zammad.state.entries.keys()]));
      }
      const rows = await all('time_accountings');
      const tickets = await all('tickets');
      assert.ok(rows.length > 20 && tickets.length > 3, `${rows.length} rows, ${tickets.length} tickets`);
      for (const order of ['created_at', 'updated_at']) {
        const sorted = await all(`time_accountings?sort_by=${order}&order_by=desc`);
        assert.deepEqual(new Set(sorted.map(({ id }) => id)), new Set(rows.map(({ id }) => id)));
        assert.deepEqual(sorted.map((row) => row[order]), rows.map((row) => row[order]).sort().reverse());
      }
      for (const { id, time_unit } of tickets) {
        const below = await all(`tickets/${id}/time_accountings`);
        assert.deepEqual(below, rows.filter(({ ticket_id }) => ticket_id === id));
        assert.equal(Number(time_unit ?? 0), below.reduce((sum, row) => sum + Number(row.time_unit), 0)); // quarters are exact
      }
      assert.equal(rows.every(({ ticket_id }) => tickets.some(({ id }) => id === ticket_id)), true);
    });
  }
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
    const { status, json } = await post(`tickets/${ticket.id}/time_accountings`, { time_unit: 1 }, { token: agentToken(zammad) });
    assert.deepEqual([status, json.error], [403, 'Ticket does not match Time Accounting Selector']);
    assert.deepEqual(Object.keys((await get('tickets/search?query=*')).json), ['tickets', 'tickets_count', 'assets']);
  });
  test('6.0 has nothing of both', async () => {
    await versionOf('6.0.0');
    assert.equal((await get(`tickets/${zammad.openTicket().id}/time_accountings`)).status, 404);
  });
});
