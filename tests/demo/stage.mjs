// stage.mjs - what an administrator does once: the first user, both connections, the sync, what of the one is what of the other,
// and Zammad's webhook. docs/first-month.md does the same by hand.

import { randomBytes } from 'node:crypto';

export const SYNC = 'Zammad to Kimai';
const EMAIL = 'maren.lindgren@lindgren-it.example';

// Sets it up, says each step, and gives { email, password }.
export async function setTheStage({ dowel, zammad, kimai, say }) {
  const password = randomBytes(9).toString('base64url');
  await dowel.run(['user', 'add', EMAIL, '--name', 'Maren Lindgren'], `${password}\n`);
  const source = await connect(dowel, 'zammad', 'Zammad', zammad);
  const target = await connect(dowel, 'kimai', 'Kimai', kimai);
  say('connected', `Zammad and Kimai, each tested before it was kept: ${[source, target].map(({ tested }) => tested.checks.length).join(' and ')} things were looked at`);

  const api = await signIn(dowel, EMAIL, password);
  const sync = await api('POST', '/timesync/syncs', { name: SYNC, source: source.id, target: target.id, schedule: '', full_schedule: '', zone: 'Europe/Berlin' });
  say('sync', `"${SYNC}", which does nothing by itself yet`);
  say('mapped', await mapActivities(dowel, api, sync.id));

  zammad.control('POST', 'webhooks', { endpoint: `${dowel.url}${source.webhook.path}`, signature_token: source.webhook_secret, trigger: 'Dowel' });
  say('webhook', 'a trigger of Zammad tells Dowel of each ticket that changes, signed');
  return { email: EMAIL, password };
}

const connect = (dowel, kind, name, { url, token }) =>
  dowel.json(['connection', 'add', kind, name, '--set', `base_url=${url}`, '--secret', 'token', '--allow-private', 'yes'], `${token}\n`);

// By what is suggested: activities that are called the same. What has no like is left to a person.
async function mapActivities(dowel, api, sync) {
  await dowel.run(['timesync', 'plan', SYNC]); // it has seen what there is to map
  const { items } = await api('GET', `/timesync/mappings/suggestions?sync=${sync}&kind=activity`);
  const mapped = items.filter(({ target }) => target !== null);
  for (const { source, source_name, target } of mapped) await api('POST', '/timesync/mappings', { sync, kind: 'activity', source, source_name, target });
  const left = items.filter(({ target }) => target === null).map(({ source_name }) => source_name || 'none at all');
  return `${mapped.length} kinds of work that are called the same in both; left to you: ${left.join(', ')}`;
}

async function signIn(dowel, email, password) {
  const { access_token: token } = await ask(dowel, 'POST', '/auth/login', { email, password });
  return (method, path, body) => ask(dowel, method, path, body, { Authorization: `Bearer ${token}` });
}

async function ask(dowel, method, path, body, headers = {}) {
  const response = await fetch(`${dowel.url}/api/v1${path}`, {
    method,
    headers: { ...headers, ...(body && { 'Content-Type': 'application/json' }) },
    body: body && JSON.stringify(body),
    signal: AbortSignal.timeout(60_000),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return JSON.parse(text);
}
