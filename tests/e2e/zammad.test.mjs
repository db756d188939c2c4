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
