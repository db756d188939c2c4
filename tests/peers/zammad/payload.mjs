// payload.mjs - the body of a webhook: Zammad's own, or an administrator's template.

import { integerOf } from './decimal.mjs';
import { instantText } from './json.mjs';
import { articleNamed, groupNamed, organizationNamed, ticketNamed, userNamed } from './shapes.mjs';
import { ARTICLE_TYPES, PRIORITIES, SENDERS, STATES, fullName } from './state.mjs';

const HIDDEN_OF_USERS = ['last_login', 'login_failed', 'password', 'preferences', 'group_ids', 'groups', 'authorization_ids',
  'authorizations'];

function sorted(row) {
  const known = Object.entries(row).filter(([, value]) => value !== undefined);
  return Object.fromEntries(known.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function person(state, id) {
  const user = state.users.get(id);
  if (!user) return {};
  const row = userNamed(state, user);
  for (const name of HIDDEN_OF_USERS) delete row[name];
  return sorted(row);
}

const FOUNDED = '2020-11-13T12:54:02.238Z'; // priorities are as old as the installation

const priorityRow = (id) => ({
  active: true, created_at: FOUNDED, created_by: '-', created_by_id: 1, default_create: id === 2, id, name: PRIORITIES[id - 1],
  note: null, ui_color: null, ui_icon: null, updated_at: FOUNDED, updated_by: '-', updated_by_id: 1,
});

// {"ticket":{...},"article":{...}}: names and numbers sorted by key, then the objects that replace some of the names.
export function defaultPayload(state, ticket, article) {
  const firm = state.organizations.get(ticket.organization_id);
  const group = state.groups.get(ticket.group_id);
  return {
    ticket: {
      ...sorted(ticketNamed(state, ticket)),
      created_by: person(state, ticket.created_by_id),
      customer: person(state, ticket.customer_id),
      group: group ? sorted(groupNamed(state, group)) : {},
      organization: firm ? sorted(organizationNamed(state, firm)) : {},
      owner: person(state, ticket.owner_id),
      priority: priorityRow(ticket.priority_id),
      updated_by: person(state, ticket.updated_by_id),
    },
    article: article ? articlePart(state, ticket, article) : {},
  };
}

function articlePart(state, ticket, article) {
  const { http_type, fqdn } = state.settings;
  const entry = state.entryOfArticle(article.id);
  const row = articleNamed(state, article);
  const place = `${http_type}://${fqdn}/api/v1/ticket_attachment/${article.ticket_id}/${article.id}`;
  row.attachments = row.attachments.map((one) => ({ ...one, url: `${place}/${one.id}` }));
  return {
    ...sorted(row),
    created_by: person(state, article.created_by_id),
    updated_by: person(state, article.updated_by_id),
    accounted_time: entry ? integerOf(entry.time_unit) : 0, // 2.75 arrives as 2
  };
}

// ---- templates: {"id":"#{ticket.id}"} ----

const VARIABLE = /"#\{([a-z_.?!]+)\}"|#\{([a-z_.?!]+)\}/g;

// The text of the body. Values are strings as typed, or with payloadValues "typed" what they are where they stand alone.
export function customPayload(state, template, { ticket, article, event }) {
  const typed = state.features.payloadValues === 'typed';
  const tracks = tracksOf(state, { ticket, article, event });
  return template.replace(VARIABLE, (whole, alone, inside) => {
    const value = valueOf(tracks, (alone ?? inside).split('.'));
    if (alone && typed && typeof value !== 'string') return JSON.stringify(value);
    const text = JSON.stringify(String(value ?? '')).slice(1, -1);
    return alone ? `"${text}"` : text;
  });
}

function valueOf(tracks, [object, ...path]) {
  if (!(object in tracks)) return `#{${object} / no such object}`;
  let shown = object;
  let value = tracks[object];
  if (path.length === 0) return `#{${object} / missing method}`;
  for (const name of path) {
    shown += `.${name}`;
    if (value === null || typeof value !== 'object' || !(name in value)) return `#{${shown} / no such method}`;
    value = value[name];
  }
  return value !== null && typeof value === 'object' ? `#{${shown} / no such method}` : value;
}

// What a template may name. An amount is a BigDecimal, which Zammad does not let through: "#{ticket.time_unit / no such method}".
function tracksOf(state, { ticket, article, event }) {
  const user = (id) => {
    const found = state.users.get(id);
    if (!found) return null;
    const { login, firstname, lastname, email } = found;
    return { id, login, firstname, lastname, email, fullname: fullName(found) };
  };
  const { group_id, number, title, customer_id, owner_id, state_id, priority_id, organization_id, article_count } = ticket;
  return {
    ticket: {
      id: ticket.id, number, title, group_id, customer_id, owner_id, state_id, priority_id, organization_id, article_count,
      created_at: instantText(ticket.created_at),
      updated_at: instantText(ticket.updated_at),
      group: { id: group_id, name: state.groups.get(group_id)?.name },
      state: { id: state_id, name: STATES[state_id - 1] },
      priority: { id: priority_id, name: PRIORITIES[priority_id - 1] },
      customer: user(customer_id),
      owner: user(owner_id),
      created_by: user(ticket.created_by_id),
      updated_by: user(ticket.updated_by_id),
      organization: organization_id ? { id: organization_id, name: state.organizations.get(organization_id)?.name } : null,
    },
    ...(article && {
      article: {
        id: article.id, ticket_id: article.ticket_id, subject: article.subject, body: article.body, internal: String(article.internal),
        created_at: instantText(article.created_at), created_by: user(article.created_by_id),
        type: { name: ARTICLE_TYPES[article.type_id - 1] }, sender: { name: SENDERS[article.sender_id - 1] },
      },
    }),
    notification: { subject: title, message: '', link: linkOf(state, ticket), changes: Object.keys(event.changes).join(', ') },
    webhook: { name: event.webhook },
  };
}

const linkOf = ({ settings }, { id }) => `${settings.http_type}://${settings.fqdn}/#ticket/zoom/${id}`;
