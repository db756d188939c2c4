// Presets: release
// The webhooks of Zammad's stand-in: what they carry, how they are signed, which changes send one, and how they are given up.

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';

import { signatureOf } from '../peers/zammad/webhooks.mjs';
import { Receiver, callsOf, start, vectors } from './support/zammad.mjs';

const timeout = 60_000;

let zammad;
const fresh = async (options) => (zammad = await start(options));
const later = (ms = 1000) => zammad.clock.advance(ms);
const bookOn = (ticket, time_unit, more) => zammad.book({ ticket: ticket.id, time_unit, ...more });
const { get } = callsOf(() => zammad);

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

    zammad.webhooks.clear();
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
    zammad.webhooks.triggers.clear(); // what is under way keeps its webhook
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
