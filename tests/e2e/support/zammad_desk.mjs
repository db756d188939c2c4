// zammad_desk.mjs - a server with the connector for Zammad, its stand-in, and the plugin that asks over their connections (clerk).

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before } from 'node:test';

import { startZammad } from '../../peers/zammad.mjs';
import { badges, badgesYaml, bearer } from './badges.mjs';
import { request } from './client.mjs';
import { pluginFolder, startWith } from './plugins.mjs';
import { preset, root, slowness } from './server.mjs';

export const timeout = 120_000 * slowness;
export const folder = `${pluginFolder}, ${join(root, 'build', preset, 'clerk')}`;
export const people = badges({ root: 'a *' });
export const MINUTE = 60_000;

export let server;
export let zammad;
let n = 0;

export async function ask(method, path, body, headers = {}) {
  const answer = await request(server.url, {
    method, path: `/api/v1${path}`, limit: 300_000 * slowness,
    headers: { ...bearer(people.root), ...(body !== undefined && { 'Content-Type': 'application/json' }), ...headers },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return answer;
}

export async function told(...args) {
  const answer = await ask(...args);
  assert.ok(answer.status < 300, `${args[0]} ${args[1]}: ${answer.status} ${answer.text()}`);
  return answer.body.length === 0 ? {} : answer.json();
}

export const connect = (settings = {}, more = {}) => told('POST', '/connections', {
  kind: 'zammad', name: `zammad ${++n}`, allow_private: true, untested: true, ...more, settings: { base_url: zammad.url, token: zammad.token, ...settings },
});

export const query = (values) => new URLSearchParams(Object.entries(values)).toString();
export const read = ({ id }, values = {}) => ask('GET', `/clerk/${id}/entries?${query(values)}`);
export const entries = async (connection, values) => {
  const answer = await read(connection, values);
  assert.equal(answer.status, 200, answer.text());
  return answer.json().entries;
};
export const idsOf = (list) => list.map(({ id }) => Number(id)).sort((a, b) => a - b);
export const kept = () => [...zammad.state.entries.keys()].sort((a, b) => a - b);
export const asked = async (act) => {
  const mark = zammad.log.mark;
  await act();
  return zammad.log.since(mark).map(({ method, path }) => `${method} ${path}`);
};
export const agentOf = () => zammad.state.agents.find(({ role_ids }) => !role_ids.includes(1));
export const agentToken = (permission = ['ticket.agent']) => zammad.control('POST', 'tokens', { user: agentOf().id, permission }).token;

before(async () => {
  const core = 'rate_limit: off\nroute_limits: false\ncheck_replies: true\n';
  server = await startWith({ plugins: { badges: badgesYaml(people), zammad: '', clerk: '' }, folder, core });
}, { timeout });

after(async () => {
  await server?.stop();
  await zammad?.stop();
}, { timeout });

// Another stand-in from now on. Its clock stands, and would soon be taken for one that is behind.
export async function startPeer(options = {}) {
  await zammad?.stop();
  zammad = await startZammad({ seed: 7, now: Date.now(), ...options });
}

export const sorted = (list) => [...list].sort((a, b) => Number(a.id) - Number(b.id));
export const since = (ms) => ({ since: new Date(ms).toISOString() });
