// routes_people.mjs - users, organisations, groups, tokens, and who and what this Zammad is.

import { allowed, demand } from './auth.mjs';
import { forbidden, invalid, notFound, unprocessable } from './errors.mjs';
import { instantText } from './json.mjs';
import { ordered, orderOf, pageOf, showFound, showRow, showRows, toInteger } from './router.mjs';
import { BadQuery, rowQuery } from './search.mjs';
import {
  groupAssets, groupNamed, groupPlain, organizationAssets, organizationNamed, organizationPlain, userAssets, userNamed, userPlain, userReduced,
} from './shapes.mjs';
import { ADDRESS, ROLES, fullName, organization } from './state.mjs';

export const PEOPLE_ROUTES = [
  ['GET', '/users/me', me],
  ['GET', '/users/search', searchUsers],
  ['POST', '/users/search', searchUsers],
  ['GET', '/users', listUsers],
  ['POST', '/users', createUser],
  ['GET', '/users/:id', showUser],
  ['PUT', '/users/:id', updateUser],
  ['DELETE', '/users/:id', destroyUser],
  ['GET', '/organizations/search', searchOrganizations],
  ['POST', '/organizations/search', searchOrganizations],
  ['GET', '/organizations', listOrganizations],
  ['POST', '/organizations', createOrganization],
  ['GET', '/organizations/:id', showOrganization],
  ['PUT', '/organizations/:id', updateOrganization],
  ['DELETE', '/organizations/:id', destroyOrganization],
  ['GET', '/groups', listGroups],
  ['GET', '/groups/:id', showGroup],
  ['GET', '/version', version],
  ['GET', '/user_access_token', listTokens],
  ['POST', '/user_access_token', createToken],
  ['DELETE', '/user_access_token/:id', destroyToken],
];

const USER = { plain: userPlain, named: userNamed, assets: (state, user, assets) => userAssets(state, user.id, assets) };
const ORGANIZATION = { plain: organizationPlain, named: organizationNamed, assets: organizationAssets };
const GROUP = { plain: groupPlain, named: groupNamed, assets: groupAssets };
const COLUMNS = ['id', 'name', 'login', 'firstname', 'lastname', 'email', 'organization_id', 'active', 'created_at', 'updated_at'];
const OF_USERS = [...Object.keys(ADDRESS), 'firstname', 'lastname', 'email', 'login', 'note', 'active', 'vip', 'organization_id',
  'role_ids', 'group_ids'];
const OF_ORGANIZATIONS = ['name', 'shared', 'domain', 'domain_assignment', 'active', 'note', 'vip'];
const STAFF = ['ticket.agent', 'admin.user'];

const isStaff = (ctx) => STAFF.some((permission) => allowed(ctx, permission));

function listed(ctx, table, shapes, keep = () => true) {
  const rows = [...table.values()].filter(keep);
  const page = ordered(() => rows, orderOf(ctx.params, COLUMNS), pageOf(ctx.params, { normal: 500 }));
  return showRows(ctx, page, rows.length, shapes);
}

function one(table, id, model) {
  const row = table.get(toInteger(id));
  if (!row) throw notFound(model, id);
  return row;
}

function searched(ctx, table, shapes, texts) {
  const rows = [...table.values()].filter(queryOf(ctx, texts));
  const page = pageOf(ctx.params, { normal: 50, most: 200 });
  return showFound(ctx, ordered(() => rows, orderOf(ctx.params, COLUMNS), page), rows.length, shapes);
}

function queryOf({ state, params }, texts) {
  const query = params.query ?? params.term;
  try {
    return rowQuery(state, query, texts, (field, row) => row[field]);
  } catch (error) {
    if (!(error instanceof BadQuery)) throw error;
    state.complain(`query ${query}: ${error.message}`);
    return () => false;
  }
}

// ---- users ----

function me(ctx) {
  return showRow(ctx, ctx.user, USER);
}

function listUsers(ctx) {
  if (isStaff(ctx)) return listed(ctx, ctx.state.users, USER);
  return listed(ctx, ctx.state.users, USER, ({ id }) => id === ctx.user.id);
}

function showUser(ctx) {
  const user = one(ctx.state.users, ctx.params.id, 'User');
  if (isStaff(ctx) || user === ctx.user) return showRow(ctx, user, USER);
  if (user.organization_id !== null && user.organization_id === ctx.user.organization_id) return { status: 200, body: userReduced(ctx.state, user) };
  throw forbidden();
}

function searchUsers(ctx) {
  if (!isStaff(ctx)) throw forbidden();
  return searched(ctx, ctx.state.users, USER, (user) => [user.login, user.firstname, user.lastname, user.email, fullName(user)]);
}

function createUser(ctx) {
  const { state, params, user } = ctx;
  demand(state, ctx, ...STAFF);
  const email = String(params.email ?? '').toLowerCase();
  const login = String(params.login ?? email).toLowerCase();
  if (!login && !params.firstname && !params.lastname) {
    throw unprocessable('At least one identifier (firstname, lastname, phone, mobile or email) for user is required.');
  }
  if (state.userBy(login) || (email && state.userBy(email))) {
    throw unprocessable(`Email address '${email || login}' is already used for another user.`);
  }
  const organization_id = params.organization_id ?? firmNamed(state, params.organization)?.id ?? null;
  const row = { ...params, login, email, organization_id, role_ids: rolesOf(params), note: params.note ?? '' };
  return showRow(ctx, state.addUser(row, user.id), USER, 201);
}

function rolesOf({ role_ids, roles = ['Customer'] }) {
  return role_ids ?? roles.map((name) => ROLES.find((role) => role.name === name)?.id).filter(Boolean);
}

function firmNamed(state, name) {
  if (!name) return undefined;
  const firm = [...state.organizations.values()].find((row) => row.name === name);
  if (!firm) throw unprocessable(`No lookup value found for 'organization': ${JSON.stringify(name)}`);
  return firm;
}

function updateUser(ctx) {
  const { state, params } = ctx;
  demand(state, ctx, ...STAFF);
  const user = one(state.users, params.id, 'User');
  for (const name of OF_USERS) if (params[name] !== undefined) user[name] = params[name];
  Object.assign(user, { updated_at: state.now(), updated_by_id: ctx.user.id });
  return showRow(ctx, user, USER);
}

function destroyUser(ctx) {
  demand(ctx.state, ctx, 'admin.user');
  const user = one(ctx.state.users, ctx.params.id, 'User');
  const names = (ticket) => [ticket.customer_id, ticket.owner_id, ticket.created_by_id];
  const used = [...ctx.state.tickets.values()].some((ticket) => names(ticket).includes(user.id));
  if (used) throw unprocessable("Can't delete, object has references.");
  ctx.state.users.delete(user.id);
  return { status: 200, body: {} };
}

// ---- organisations and groups ----

function listOrganizations(ctx) {
  if (isStaff(ctx)) return listed(ctx, ctx.state.organizations, ORGANIZATION);
  return listed(ctx, ctx.state.organizations, ORGANIZATION, ({ id }) => id === ctx.user.organization_id);
}

function showOrganization(ctx) {
  const firm = one(ctx.state.organizations, ctx.params.id, 'Organization');
  if (isStaff(ctx)) return showRow(ctx, firm, ORGANIZATION);
  if (firm.id !== ctx.user.organization_id) throw forbidden();
  return { status: 200, body: { id: firm.id, name: firm.name, active: firm.active, shared: firm.shared } };
}

function searchOrganizations(ctx) {
  if (!isStaff(ctx)) throw forbidden();
  return searched(ctx, ctx.state.organizations, ORGANIZATION, (firm) => [firm.name, firm.note, firm.domain]);
}

function createOrganization(ctx) {
  const { state, params, user } = ctx;
  demand(state, ctx, 'ticket.agent', 'admin.organization');
  if (!params.name) throw invalid("Name can't be blank");
  const wanted = String(params.name).toLowerCase();
  if ([...state.organizations.values()].some(({ name }) => name.toLowerCase() === wanted)) throw invalid('Name has already been taken');
  const firm = state.insert('organizations', organization(params), user.id);
  for (const login of params.members ?? []) state.userBy(login).organization_id = firm.id;
  return showRow(ctx, firm, ORGANIZATION, 201);
}

function updateOrganization(ctx) {
  const { state, params, user } = ctx;
  demand(state, ctx, 'ticket.agent', 'admin.organization');
  const firm = one(state.organizations, params.id, 'Organization');
  for (const name of OF_ORGANIZATIONS) if (params[name] !== undefined) firm[name] = params[name];
  Object.assign(firm, { updated_at: state.now(), updated_by_id: user.id });
  return showRow(ctx, firm, ORGANIZATION);
}

function destroyOrganization(ctx) {
  const { state } = ctx;
  demand(state, ctx, 'admin.organization');
  const firm = one(state.organizations, ctx.params.id, 'Organization');
  const used = [...state.tickets.values()].some(({ organization_id }) => organization_id === firm.id);
  if (used) throw unprocessable("Can't delete, object has references.");
  state.organizations.delete(firm.id);
  return { status: 200, body: {} };
}

function listGroups(ctx) {
  demand(ctx.state, ctx, 'admin.group', 'ticket.agent');
  return listed(ctx, ctx.state.groups, GROUP);
}

function showGroup(ctx) {
  demand(ctx.state, ctx, 'admin.group', 'ticket.agent');
  return showRow(ctx, one(ctx.state.groups, ctx.params.id, 'Group'), GROUP);
}

// ---- tokens and the version ----

function version(ctx) {
  return { status: 200, body: { version: ctx.version } };
}

function listTokens(ctx) {
  demand(ctx.state, ctx, 'user_preferences.access_token');
  const mine = [...ctx.state.tokens.values()].filter(({ user_id, oauth }) => user_id === ctx.user.id && !oauth);
  const names = new Set(ctx.user.role_ids.flatMap((id) => ROLES[id - 1].permissions));
  const permissions = [...names].map((name, i) => ({ id: i + 1, name, active: true, allow_signup: false, preferences: {} }));
  return { status: 200, body: { tokens: mine.map(tokenShown), permissions } };
}

// Never the secret itself.
const tokenShown = ({ id, user_id, name, permission, last_used_at, expires_at, created_at, updated_at }) => ({
  id, user_id, action: 'api', name, preferences: { permission }, last_used_at: instantText(last_used_at), expires_at,
  created_at: instantText(created_at), updated_at: instantText(updated_at),
});

function createToken(ctx) {
  const { state, params, user } = ctx;
  demand(state, ctx, 'user_preferences.access_token');
  if (!state.settings.api_token_access) throw unprocessable('API token access disabled!');
  if (!params.name && !params.label) throw unprocessable("The required parameter 'name' is missing.");
  const { name = params.label, permission = [], expires_at = null } = params;
  const { token } = state.addToken({ user, name, permission, expires_at });
  return { status: 200, body: { token } };
}

function destroyToken(ctx) {
  demand(ctx.state, ctx, 'user_preferences.access_token');
  const row = [...ctx.state.tokens.values()].find(({ id, user_id }) => id === toInteger(ctx.params.id) && user_id === ctx.user.id);
  if (!row) throw unprocessable('The API token could not be found.');
  ctx.state.tokens.delete(row.token);
  return { status: 200, body: {} };
}
