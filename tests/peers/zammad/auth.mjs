// auth.mjs - who asks, and what they may do: tokens with their own permissions, passwords, and acting for somebody else.

import { forbidden, unauthorized } from './errors.mjs';
import { offsetAt } from './json.mjs';
import { ROLES, STATES } from './state.mjs';

const REFUSED = 'Login failed. Have you double-checked your credentials and completed the email verification step?';

// { user, real, token }: user is who it is done for, real whose credentials they are. Throws the failure that Zammad answers.
export function authenticate(state, { headers }) {
  const found = basic(state, headers) ?? token(state, headers);
  if (!found) throw forbidden('Authentication required');
  const behalf = onBehalf(state, headers, found);
  return { user: behalf ?? found.user, real: found.user, token: found.token };
}

function basic(state, { authorization = '' }) {
  const given = /^Basic\s+([A-Za-z0-9+/=_-]*)$/i.exec(authorization);
  if (!given) return undefined;
  if (!state.settings.api_password_access) throw forbidden('API password access disabled!');
  const [, login, password] = /^([^:]*):?([\s\S]*)$/.exec(Buffer.from(given[1], 'base64').toString('utf8'));
  const user = state.userBy(login);
  const knows = user?.active && user.password !== null && user.password === password;
  if (!knows || user.two_factor) throw unauthorized('Invalid BasicAuth credentials'); // nobody can show a second factor here
  return checked(state, { user });
}

// `Token token=X`, `Token token="X"`, `Token X` and the same with Bearer: Rails reads them alike.
function token(state, { authorization = '' }) {
  const given = /^(Token|Bearer)\s+(.*)$/.exec(authorization);
  if (!given) return undefined;
  const text = /^token="?([^",;\t]*)"?/.exec(given[2])?.[1] ?? given[2].trim();
  if (!state.settings.api_token_access) throw forbidden('API token access disabled!');
  const row = state.tokens.get(text);
  const bearer = given[1] === 'Bearer';
  if (!row || (row.oauth && !bearer)) throw unauthorized(bearer ? 'The provided token is invalid.' : "Can't find User for Token");
  if (expired(state, row)) throw unauthorized(row.oauth ? 'OAuth2 token is expired!' : 'Not authorized (token expired)!');
  row.last_used_at = state.now();
  return checked(state, { user: state.users.get(row.user_id), token: row });
}

// Given as a day, a token is over from that day's first minute in the system's time zone on.
function expired(state, { expires_at }) {
  if (!expires_at) return false;
  if (!/^\d{4}-\d\d-\d\d$/.test(expires_at)) return state.now() >= Date.parse(expires_at);
  const today = new Date(state.now() + offsetAt(state.now(), state.settings.timezone_default)).toISOString().slice(0, 10);
  return today >= String(expires_at).slice(0, 10);
}

function checked(state, found) {
  if (!found.user) throw unauthorized("Can't find User for Token");
  if (state.settings.maintenance_mode && !holds(found.user, 'admin.maintenance')) throw forbidden('Maintenance mode enabled!');
  if (!found.user.active) throw unauthorized(REFUSED);
  return found;
}

function onBehalf(state, headers, caller) {
  const name = state.features.onBehalfHeaders.find((header) => headers[header]);
  if (!name) return undefined;
  if (!allowed(caller, 'admin.user')) throw forbidden("Current user has no permission to use 'From'/'X-On-Behalf-Of'!");
  const user = state.userBy(Buffer.from(headers[name], 'latin1').toString('utf8'));
  if (!user) throw forbidden(`No such user '${headers[name]}'`);
  return user;
}

// ---- permissions ----

const covers = (given, wanted) => wanted === given || wanted.startsWith(`${given}.`);

const holds = (user, permission) => user.role_ids.some((id) => ROLES[id - 1].permissions.some((given) => covers(given, permission)));

// The user's roles grant it, and so does the token where there is one.
export function allowed({ user, real, token: row }, permission) {
  if (!holds(user, permission)) return false;
  if (!row || row.oauth || (real && real !== user)) return true;
  return row.permission.some((given) => covers(given, permission));
}

export function demand(state, caller, ...permissions) {
  if (permissions.some((permission) => allowed(caller, permission))) return;
  if (state.features.deniedText === 'short') throw forbidden();
  throw forbidden(caller.token ? 'Token authorization failed.' : 'User authorization failed.');
}

// access: read, change, create, full... in the ticket's group.
export function inGroup(caller, groupId, access) {
  const given = caller.user.group_ids[groupId] ?? [];
  return allowed(caller, 'ticket.agent') && (given.includes('full') || given.includes(access));
}

export function mayReadTicket(state, caller, ticket) {
  return inGroup(caller, ticket.group_id, 'read') || isCustomer(state, caller, ticket);
}

export function mayChangeTicket(state, caller, ticket) {
  if (inGroup(caller, ticket.group_id, 'change')) return true;
  if (inGroup(caller, ticket.group_id, 'read')) return false;
  return isCustomer(state, caller, ticket);
}

function isCustomer(state, caller, ticket) {
  if (!allowed(caller, 'ticket.customer')) return false;
  if (ticket.customer_id === caller.user.id) return true;
  const firm = state.organizations.get(ticket.organization_id);
  return Boolean(firm?.shared && caller.user.organization_id === firm.id);
}

// Versions of 2023 and 2024 let agents book only where the administrator's selector matches.
export function matchesSelector({ settings }, ticket) {
  const selector = settings.time_accounting_selector;
  if (typeof selector === 'function') return selector(ticket);
  return Object.entries(selector ?? {}).every(([name, values]) => {
    const value = name === 'state' ? STATES[ticket.state_id - 1] : ticket[name];
    return [values].flat().includes(value);
  });
}
