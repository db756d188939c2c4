// shapes.mjs - rows as Zammad's API prints them: plain, with ids of what belongs to them, with names, and as assets.

import { textOf } from './decimal.mjs';
import { instantText } from './json.mjs';
import { ADDRESS, ARTICLE_TYPES, PRIORITIES, ROLES, SENDERS, STATES } from './state.mjs';

const authorship = ({ updated_by_id, created_by_id, created_at, updated_at }) => ({
  updated_by_id, created_by_id, created_at: instantText(created_at), updated_at: instantText(updated_at),
});

const loginOf = (state, id) => state.users.get(id)?.login;
const authors = (state, row) => ({ created_by: loginOf(state, row.created_by_id), updated_by: loginOf(state, row.updated_by_id) });
const units = (state, amount) => (amount === null ? null : textOf(amount, state.settings.decimal_separator));

// ---- time accountings and their types ----

export const entryPlain = (state, entry) => ({
  id: entry.id,
  ticket_id: entry.ticket_id,
  ticket_article_id: entry.ticket_article_id,
  time_unit: units(state, entry.time_unit),
  type_id: entry.type_id,
  created_by_id: entry.created_by_id,
  created_at: instantText(entry.created_at),
  updated_at: instantText(entry.updated_at),
});

export function entryNamed(state, entry) {
  const type = state.types.get(entry.type_id);
  return { ...entryPlain(state, entry), ...(type && { type: type.name }), created_by: loginOf(state, entry.created_by_id) };
}

export function entryAssets(state, entry, assets) {
  put(assets, 'TicketTimeAccounting', entry.id, entryPlain(state, entry));
  const ticket = state.tickets.get(entry.ticket_id);
  if (ticket) ticketAssets(state, ticket, assets);
  userAssets(state, entry.created_by_id, assets);
}

export const typePlain = (state, { id, name, note, active, ...row }) => ({ id, name, note, active, ...authorship(row) });
export const typeNamed = (state, type) => ({ ...typePlain(state, type), ...authors(state, type) });
export const typeAssets = (state, type, assets) => put(assets, 'TicketTimeAccountingType', type.id, typePlain(state, type));

// ---- tickets ----

// viewer: a customer does not see what was booked.
export function ticketPlain(state, ticket, viewer) {
  const seen = state.seen(ticket) ?? ticket;
  const plain = {
    id: ticket.id, group_id: ticket.group_id, priority_id: ticket.priority_id, state_id: ticket.state_id,
    organization_id: ticket.organization_id, number: ticket.number, title: ticket.title, owner_id: ticket.owner_id,
    customer_id: ticket.customer_id, note: ticket.note,
    first_response_at: null, first_response_escalation_at: null, first_response_in_min: null, first_response_diff_in_min: null,
    close_at: instantText(ticket.close_at), close_escalation_at: null, close_in_min: null, close_diff_in_min: null,
    update_escalation_at: null, update_in_min: null, update_diff_in_min: null,
    last_contact_at: instantText(ticket.last_contact_at), last_contact_agent_at: instantText(ticket.last_contact_agent_at),
    last_contact_customer_at: instantText(ticket.last_contact_customer_at), last_owner_update_at: null,
    create_article_type_id: ticket.create_article_type_id, create_article_sender_id: ticket.create_article_sender_id,
    article_count: ticket.article_count, escalation_at: null, pending_time: null, type: ticket.type,
    time_unit: units(state, seen.time_unit), preferences: ticket.preferences, ...ticket.custom,
    ...authorship({ ...ticket, updated_at: seen.updated_at }),
  };
  if (viewer && !isAgent(viewer)) delete plain.time_unit;
  return plain;
}

const isAgent = (user) => user.role_ids.some((id) => id === 1 || id === 2);

// The ids come from a cache that knows a ticket by its updated_at: booking what leaves the sum as it was leaves them stale.
export function ticketWithIds(state, ticket, viewer) {
  if (ticket.cached?.at !== ticket.updated_at || ticket.cached.articles !== ticket.article_count) {
    ticket.cached = { at: ticket.updated_at, articles: ticket.article_count, ids: state.entriesOf(ticket.id).map(({ id }) => id) };
  }
  const plain = ticketPlain(state, ticket, viewer);
  return { ...plain, article_ids: state.articlesOf(ticket.id).map(({ id }) => id), ticket_time_accounting_ids: [...ticket.cached.ids] };
}

export function ticketNamed(state, ticket, viewer) {
  const firm = state.organizations.get(ticket.organization_id);
  return {
    ...ticketWithIds(state, ticket, viewer),
    group: state.groups.get(ticket.group_id)?.name,
    ...(firm && { organization: firm.name }),
    // Rows have no name, so the list of their names is left out; without rows it is empty.
    ...(state.entriesOf(ticket.id).length === 0 && { ticket_time_accounting: [] }),
    state: STATES[ticket.state_id - 1],
    priority: PRIORITIES[ticket.priority_id - 1],
    owner: loginOf(state, ticket.owner_id),
    customer: loginOf(state, ticket.customer_id),
    ...authors(state, ticket),
    ...(ticket.create_article_type_id && { create_article_type: ARTICLE_TYPES[ticket.create_article_type_id - 1] }),
    ...(ticket.create_article_sender_id && { create_article_sender: SENDERS[ticket.create_article_sender_id - 1] }),
  };
}

export function ticketAssets(state, ticket, assets) {
  put(assets, 'Ticket', ticket.id, ticketWithIds(state, ticket));
  for (const id of [ticket.owner_id, ticket.customer_id, ticket.created_by_id, ticket.updated_by_id]) userAssets(state, id, assets);
  const group = state.groups.get(ticket.group_id);
  if (group) put(assets, 'Group', group.id, groupPlain(state, group));
}

// ---- articles ----

export function articleNamed(state, article) {
  const entry = state.entryOfArticle(article.id);
  return {
    id: article.id, ticket_id: article.ticket_id, type_id: article.type_id, sender_id: article.sender_id, from: article.from, to: article.to,
    cc: article.cc, subject: article.subject, reply_to: null, message_id: null, message_id_md5: null, in_reply_to: null,
    content_type: article.content_type, references: null, body: article.body, internal: article.internal, preferences: {},
    updated_by_id: article.updated_by_id, created_by_id: article.created_by_id, origin_by_id: article.origin_by_id,
    created_at: instantText(article.created_at), updated_at: instantText(article.updated_at),
    attachments: article.attachments.map((one) => ({ ...one })),
    type: ARTICLE_TYPES[article.type_id - 1], sender: SENDERS[article.sender_id - 1], ...authors(state, article),
    time_unit: entry ? units(state, entry.time_unit) : null,
  };
}

// ---- people and firms ----

const addressOf = (user) => Object.fromEntries(Object.keys(ADDRESS).map((name) => [name, user[name]]));

export const userPlain = (state, user) => ({
  id: user.id, organization_id: user.organization_id, login: user.login, firstname: user.firstname, lastname: user.lastname, email: user.email,
  image: null, image_source: null, ...addressOf(user), vip: user.vip, verified: user.verified, active: user.active, note: user.note,
  last_login: null, source: null, login_failed: 0, out_of_office: user.out_of_office, out_of_office_start_at: null, out_of_office_end_at: null,
  out_of_office_replacement_id: null, preferences: {}, ...authorship(user), role_ids: [...user.role_ids], two_factor_preference_ids: [],
  organization_ids: [...user.organization_ids], authorization_ids: [], overview_sorting_ids: [], group_ids: { ...user.group_ids },
});

// What a customer sees of others.
export const userReduced = (state, { id, firstname, lastname, image = null, active }) => ({ id, firstname, lastname, image, active });

export function userNamed(state, user) {
  const firm = state.organizations.get(user.organization_id);
  const groups = Object.entries(user.group_ids).map(([id, access]) => [state.groups.get(Number(id))?.name, access]);
  return {
    ...userPlain(state, user),
    ...(firm && { organization: firm.name }),
    organizations: user.organization_ids.map((id) => state.organizations.get(id)?.name),
    authorizations: [],
    roles: user.role_ids.map((id) => ROLES[id - 1].name),
    groups: Object.fromEntries(groups),
    ...authors(state, user),
  };
}

export function userAssets(state, id, assets) {
  const user = state.users.get(id);
  if (!user || assets.User?.[id]) return;
  put(assets, 'User', id, userPlain(state, user));
  const firm = state.organizations.get(user.organization_id);
  if (firm) put(assets, 'Organization', firm.id, organizationPlain(state, firm));
}

const membersOf = (state, firm) => [...state.users.values()].filter(({ organization_id }) => organization_id === firm.id);

export const organizationPlain = (state, firm) => ({
  id: firm.id, name: firm.name, shared: firm.shared, domain: firm.domain, domain_assignment: firm.domain_assignment, active: firm.active,
  note: firm.note, vip: firm.vip, ...authorship(firm), member_ids: membersOf(state, firm).map(({ id }) => id), secondary_member_ids: [],
});

export const organizationNamed = (state, firm) => ({
  ...organizationPlain(state, firm), members: membersOf(state, firm).map(({ login }) => login), secondary_members: [], ...authors(state, firm),
});

export const organizationAssets = (state, firm, assets) => put(assets, 'Organization', firm.id, organizationPlain(state, firm));

export const groupPlain = (state, group) => ({
  id: group.id, signature_id: null, email_address_id: null, name: group.name, name_last: group.name.split('::').at(-1),
  parent_id: parentOf(state, group)?.id ?? null, assignment_timeout: null, follow_up_possible: 'yes', reopen_time_in_days: null,
  follow_up_assignment: true, active: group.active, shared_drafts: true, note: group.note, ...authorship(group),
  user_ids: staffOf(state, group).map(({ id }) => id),
});

export const groupNamed = (state, group) => ({
  ...groupPlain(state, group), users: staffOf(state, group).map(({ login }) => login), ...authors(state, group),
});
export const groupAssets = (state, group, assets) => put(assets, 'Group', group.id, groupPlain(state, group));

const staffOf = (state, group) => [...state.users.values()].filter(({ group_ids }) => group_ids[group.id]);
const parentOf = (state, { name }) => [...state.groups.values()].find((one) => one.name === name.split('::').slice(0, -1).join('::'));

function put(assets, model, id, row) {
  assets[model] ??= {};
  assets[model][id] ??= row;
}
