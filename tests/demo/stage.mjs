// stage.mjs - what an administrator does once: the first user, both connections, the sync, what of the one is what of the other,
// and Zammad's webhook. docs/first-month.md does the same by hand.

import { randomBytes } from 'node:crypto';

export const SYNC = 'Zammad to Kimai';
const EMAIL = 'maren.lindgren@lindgren-it.example';

// Sets it up with the verbs that docs/first-month.md has, says each step, and gives { email, password }.
export async function setTheStage({ dowel, zammad, kimai, say }) {
  const password = randomBytes(9).toString('base64url');
  await dowel.run(['user', 'add', EMAIL, '--name', 'Maren Lindgren'], `${password}\n`);

  const source = await connect(dowel, 'zammad', 'Zammad', zammad);
  const target = await connect(dowel, 'kimai', 'Kimai', kimai);
  const checks = [source, target].map(({ tested }) => tested.checks.length);
  say('connected', `Zammad and Kimai, each tested before it was kept: ${checks.join(' and ')} things were looked at`);

  await dowel.run(['timesync', 'add', SYNC, 'Zammad', 'Kimai', '--zone', 'Europe/Berlin', '--schedule', 'never', '--full-schedule', 'never']);
  say('sync', `"${SYNC}", which begins nothing by itself but what Zammad's webhook tells it`);
  say('mapped', await mapActivities(dowel));

  zammad.control('POST', 'webhooks', { endpoint: `${dowel.url}${source.webhook.path}`, signature_token: source.webhook_secret, trigger: 'Dowel' });
  say('webhook', 'a trigger of Zammad tells of each ticket that changes, signed');
  return { email: EMAIL, password };
}

const connect = (dowel, kind, name, { url, token }) =>
  dowel.json(['connection', 'add', kind, name, '--set', `base_url=${url}`, '--secret', 'token', '--allow-private', 'yes'], `${token}\n`);

// Kinds of work that are called the same in both; what has no like is left to a person.
async function mapActivities(dowel) {
  const [types, activities] = await Promise.all(['Zammad', 'Kimai'].map((name) => namesOf(dowel, name)));
  const same = types.filter((name) => activities.includes(name));
  for (const name of same) await dowel.run(['timesync', 'map', SYNC, 'activity', name, name]);
  const left = types.filter((name) => !same.includes(name));
  return `${same.length} kinds of work that are called the same in both; left to you: ${left.join(', ')}`;
}

const namesOf = async (dowel, connection) => (await dowel.json(['connection', 'things', connection, 'activity'])).items.map(({ name }) => name);
