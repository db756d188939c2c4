// control.mjs - what /_control understands of Zammad's own affairs, beside what all stand-ins have (clock, faults, requests, reset).
//
// A person is named by id, login or e-mail address, an organisation, group or type by id or name, a ticket by id or "#number".

import { ControlError } from '../support/control.mjs';
import { createEntry, deleteEntry, updateEntry } from './accounting.mjs';
import { entryPlain, organizationPlain, ticketNamed, typePlain, userPlain } from './shapes.mjs';
import { organization } from './state.mjs';
import { addArticle, createTicket, deleteArticle, deleteTicket, mergeTicket, updateTicket } from './tickets.mjs';

export function controlsOf(zammad) {
  const { state, webhooks } = zammad;
  const named = (table, value) => byIdOrName(state[table], value, table);
  const ticket = (value) => ticketOf(state, value);
  const agent = (value) => (value === undefined ? state.agents[0].id : personOf(state, value).id);
  const entry = (id) => there(state.entries.get(Number(id)), `time accounting ${id}`);
  const shown = (row) => entryPlain(state, row);

  return {
    // ---- booked time: { ticket, agent, time_unit, type, article } ----
    'POST book': ({ ticket: where, agent: who, time_unit, type = null, ticket_article_id = null }) => {
      const type_id = type === null ? null : named('types', type).id;
      return shown(createEntry(state, { ticket_id: ticket(where).id, time_unit, type_id, ticket_article_id }, agent(who)));
    },
    'POST entries/:id': ({ agent: who, type, ticket: where, ...values }, { id }) => {
      if (type !== undefined) values.type_id = type === null ? null : named('types', type).id;
      if (where !== undefined) values.ticket_id = ticket(where).id;
      return shown(updateEntry(state, entry(id), values, agent(who)));
    },
    'DELETE entries/:id': (_, { id }) => void deleteEntry(state, entry(id), agent()),
    'GET entries/:id': (_, { id }) => shown(entry(id)),

    // ---- tickets ----
    'POST tickets': ({ agent: who, ...values }) => ticketNamed(state, createTicket(state, { group: 'Users', ...values, customer_id: customerOf(state, values) }, agent(who))),
    'POST tickets/:id': ({ agent: who, ...values }, { id }) => ticketNamed(state, updateTicket(state, ticket(id), values, agent(who))),
    'DELETE tickets/:id': (_, { id }) => void deleteTicket(state, ticket(id)),
    'GET tickets/:id': (_, { id }) => ticketNamed(state, ticket(id)),
    'POST tickets/:id/merge': ({ into, agent: who }, { id }) => void mergeTicket(state, ticket(id), ticket(into), agent(who)),
    'POST tickets/:id/articles': ({ agent: who, ...values }, { id }) => ({ id: addArticle(state, ticket(id), values, agent(who)).id }),
    'DELETE articles/:id': (_, { id }) => void deleteArticle(state, there(state.articles.get(Number(id)), `article ${id}`), agent()),

    // ---- people, firms, types ----
    'POST users': (values) => userPlain(state, state.addUser({ ...values, organization_id: values.organization ? named('organizations', values.organization).id : values.organization_id })),
    'POST users/:id': (values, { id }) => userPlain(state, Object.assign(personOf(state, id), values, { updated_at: state.now() })),
    'DELETE users/:id': (_, { id }) => void state.users.delete(personOf(state, id).id),
    'POST organizations': (values) => organizationPlain(state, state.insert('organizations', organization(values))),
    'POST organizations/:id': (values, { id }) => organizationPlain(state, Object.assign(named('organizations', id), values, { updated_at: state.now() })),
    'DELETE organizations/:id': (_, { id }) => void state.organizations.delete(named('organizations', id).id),
    'POST groups': ({ name }) => state.insert('groups', { name, active: true, note: null }),
    'POST types': ({ name, active = true, note = null }) => typePlain(state, state.insert('types', { name, note, active })),
    'POST types/:id': (values, { id }) => typePlain(state, Object.assign(named('types', id), values, { updated_at: state.now() })),

    // ---- tokens: { user, permission: [...], expires_at, oauth, token } ----
    'POST tokens': ({ user, ...values }) => state.addToken({ ...values, user: user === undefined ? state.admin : personOf(state, user) }),
    'DELETE tokens/:token': (_, { token }) => state.tokens.delete(token),

    // ---- the program itself ----
    'GET settings': () => state.settings,
    'POST settings': (values) => Object.assign(state.settings, known(values, state.settings, 'setting')),
    'GET features': () => state.features,
    'POST features': (values) => Object.assign(state.features, known(values, state.features, 'feature')),

    // ---- webhooks ----
    'POST webhooks': (values) => webhooks.subscribe(values),
    'POST triggers': (values) => webhooks.addTrigger(values),
    'DELETE webhooks': () => void (webhooks.triggers.clear(), webhooks.webhooks.clear()),
    'GET deliveries': () => webhooks.jobs,
    'GET deliveries/counts': () => webhooks.counts(),
    'POST deliveries/lose': ({ count = 1 }) => webhooks.lose(count),
    'POST deliveries/repeat': ({ count = 1 }) => webhooks.repeat(count),
    'POST deliveries/idle': async () => (await webhooks.idle(), webhooks.counts()),
    'POST schedule': ({ name, webhook_id, tickets }) => webhooks.schedule({ name, webhook_id, ticket_ids: tickets.map((one) => ticket(one).id) }),

    // ---- much of it at once ----
    'POST fill': (values) => zammad.fill(values),
    'POST naughty': ({ texts }) => zammad.naughty(texts),
    'POST month': () => zammad.fillMonth(),
  };
}

function there(row, what) {
  if (!row) throw new ControlError(`there is no ${what}`);
  return row;
}

const personOf = (state, value) => there(state.userBy(value), `user ${value}`);

function ticketOf(state, value) {
  const text = String(value);
  return there(text.startsWith('#') ? state.ticketByNumber(text.slice(1)) : state.tickets.get(Number(text)), `ticket ${value}`);
}

function byIdOrName(table, value, what) {
  return there(table.get(Number(value)) ?? [...table.values()].find(({ name }) => name === value), `${value} among the ${what}`);
}

// A ticket's customer: named, or the first contact of the named organisation, or of the first one.
function customerOf(state, { customer, customer_id, organization: firm }) {
  if (customer_id) return customer_id;
  if (customer) return personOf(state, customer).id;
  const home = firm ? byIdOrName(state.organizations, firm, 'organizations').id : undefined;
  const contact = [...state.users.values()].find((user) => user.role_ids.includes(3) && (home === undefined || user.organization_id === home));
  return there(contact, `contact of ${firm}`).id;
}

function known(values, all, what) {
  for (const name of Object.keys(values)) if (!(name in all)) throw new ControlError(`there is no ${what} "${name}": ${Object.keys(all).join(', ')}`);
  return values;
}
