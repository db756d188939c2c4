// people.mjs - users and teams.

import { refuse } from './errors.mjs';
import { BLANK, Form, checkLength, types } from './form.mjs';
import { is, isYes, readQuery } from './query.mjs';
import { ROLES } from './roles.mjs';
import { searchOfMany } from './search.mjs';
import { isZone } from './time.mjs';

const demand = (allowed) => allowed || refuse(403);

export const newUser = () => ({
  username: null, email: null, alias: null, title: null, accountNumber: null, language: 'en', locale: 'en', timezone: 'UTC', enabled: true,
  roles: [], systemAccount: false, color: null, hourlyRate: 0, internalRate: null, apiToken: undefined,
});

// ---- users ----

function list({ access, store, views, query }) {
  demand(access.may('view_user'));
  const asked = readQuery(query, { visible: is.visible, orderBy: /^(id|username|alias|email)$/, order: is.order, term: is.text, full: is.yes });
  const searched = (user) => [user.alias, user.title, user.accountNumber, user.email, user.username].map((text) => text?.toLowerCase() ?? null);
  const tests = [(user) => access.toUser(user)];
  if (asked.visible !== '3') tests.push((user) => user.enabled === (asked.visible !== '2'));
  const found = asked.term && searchOfMany(asked.term);
  if (found) tests.push((user) => found(searched(user)));
  const by = (user) => user[asked.orderBy || 'username'] ?? '';
  const rows = [...store.users.values()].filter((user) => tests.every((test) => test(user)))
    .sort((a, b) => (by(a) < by(b) ? -1 : by(a) > by(b) ? 1 : a.id - b.id));
  if (asked.order === 'DESC') rows.reverse();
  return rows.map((user) => (isYes(asked.full) ? views.userAlone(user) : views.user(user)));
}

function show({ access, store, user, views }, { id }) {
  const other = store.users.get(Number(id)) ?? refuse(404);
  demand(other.id === user.id ? access.may('view_own_profile') : access.may('view_other_profile') && access.toUser(other));
  return views.userAlone(other);
}

const FIELDS = (store) => ({
  username: types.text,
  alias: types.text,
  title: types.text,
  accountNumber: types.text,
  color: types.text,
  email: types.text,
  language: types.text,
  locale: types.text,
  timezone: types.oneOf((given) => typeof given === 'string' && isZone(given)),
  supervisor: types.choice((id) => store.users.get(id)),
  // ROLE_USER is what everybody has, and no choice
  roles: types.choices((name) => (ROLES.includes(name) && name !== 'ROLE_USER' ? name : undefined)),
  plainPassword: types.text,
  plainApiToken: types.text,
  enabled: types.flag,
  systemAccount: types.flag,
  requiresPasswordReset: types.flag,
});

function create({ access, store, views, body }) {
  demand(access.may('create_user'));
  const form = new Form(FIELDS(store), body);
  const { plainPassword, plainApiToken, supervisor, requiresPasswordReset, ...values } = form.values;
  const user = { ...newUser(), enabled: false, ...values, apiToken: plainApiToken ?? undefined };
  for (const name of ['username', 'email', 'language', 'locale', 'timezone']) if ((form.values[name] ?? null) === null) form.error(name, BLANK);
  if (!plainPassword) form.error('plainPassword', BLANK);
  checkLength(form, 'username', user.username, { min: 2, max: 64 });
  for (const name of ['username', 'email']) {
    if (user[name] !== null && [...store.users.values()].some((other) => other[name] === user[name])) form.error(name, 'This value is already used.');
  }
  form.refuse();
  return views.userAlone(store.add('users', user), { prepared: false });
}

// ---- teams ----

const teamOf = ({ store }, { id }) => store.teams.get(Number(id)) ?? refuse(404);

function createTeam({ access, store, views, body }) {
  demand(access.may('create_team'));
  const members = (given) => {
    const isMember = (member) => typeof member === 'object' && member !== null && store.users.has(member.user);
    if (!Array.isArray(given) || !given.every(isMember)) return { error: 'The selected choice is invalid.' };
    return { value: given.map(({ user, teamlead = false }) => ({ user, teamlead })) };
  };
  const form = new Form({ name: types.text, color: types.text, members }, body);
  const { name = null, color = null } = form.values;
  if (name === null) form.error('name', BLANK);
  if (!form.values.members?.some((member) => member.teamlead)) form.error('members', 'At least one team leader must be assigned to the team.');
  form.refuse();
  return views.team(store.add('teams', { name, color, members: form.values.members }));
}

function changeMember(call, parameters, isThere) {
  const team = teamOf(call, parameters);
  demand(call.access.may('edit_team'));
  const user = call.store.users.get(Number(parameters.other)) ?? refuse(404);
  if (team.members.some((member) => member.user === user.id) === isThere) refuse(400);
  team.members = isThere ? [...team.members, { user: user.id, teamlead: false }] : team.members.filter((member) => member.user !== user.id);
  return call.views.team(team);
}

function changeLink(call, parameters, kind, isThere) {
  const team = teamOf(call, parameters);
  demand(call.access.may('edit_team'));
  const row = call.store[kind].get(Number(parameters.other)) ?? refuse(404);
  if (row.teams.includes(team.id) === isThere) refuse(400);
  row.teams = isThere ? [...row.teams, team.id] : row.teams.filter((id) => id !== team.id);
  return call.views.team(team);
}

const link = (kind) => ({
  POST: (call, parameters) => changeLink(call, parameters, kind, true),
  DELETE: (call, parameters) => changeLink(call, parameters, kind, false),
});

export const routes = {
  '/api/users': { GET: list, POST: create },
  '/api/users/me': { GET: ({ user, views }) => views.userAlone(user) },
  '/api/users/{id}': { GET: show },
  '/api/teams': {
    GET: ({ access, store, views }) => demand(access.may('view_team')) && [...store.teams.values()].map((team) => views.teamInList(team)),
    POST: createTeam,
  },
  '/api/teams/{id}': { GET: (call, parameters) => demand(call.access.may('view_team')) && call.views.team(teamOf(call, parameters)) },
  '/api/teams/{id}/members/{other}': {
    POST: (call, parameters) => changeMember(call, parameters, true),
    DELETE: (call, parameters) => changeMember(call, parameters, false),
  },
  '/api/teams/{id}/customers/{other}': link('customers'),
  '/api/teams/{id}/projects/{other}': link('projects'),
  '/api/teams/{id}/activities/{other}': link('activities'),
};
