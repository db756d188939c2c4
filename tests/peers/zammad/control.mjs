// control.mjs - what /_control understands of Zammad's own affairs, beside what all stand-ins have (clock, faults, requests, reset).
//
// A person is named by id, login or e-mail address, an organisation, group or type by id or name, a ticket by id or "#number".
// Verbs that change something take "at", an instant at which it happens instead of now, and "agent", who does it (else the first).

import { instant } from '../support/clock.mjs';
import { ControlError } from '../support/control.mjs';
import { createEntry, deleteEntry, updateEntry } from './accounting.mjs';
import { entryPlain, organizationPlain, ticketNamed, typePlain, userPlain } from './shapes.mjs';
import { organization } from './state.mjs';
import { addArticle, createTicket, deleteArticle, deleteTicket, mergeTicket, updateTicket } from './tickets.mjs';

const EVERYWHERE = { 1: ['full'], 2: ['full'], 3: ['full'] };

export function controlsOf(zammad) {
  return { ...bookings(zammad), ...tickets(zammad), ...people(zammad), ...program(zammad), ...deliveries(zammad) };
}

// What is booked: { ticket, time_unit, type, ticket_article_id }.
function bookings({ state }) {
  const find = (id) => there(state.entries.get(Number(id)), `time accounting ${id}`);
  const columns = ({ type, ticket, time_unit, ticket_article_id }) => ({
    ...(type !== undefined && { type_id: type === null ? null : named(state, 'types', type).id }),
    ...(ticket !== undefined && { ticket_id: ticketOf(state, ticket).id }),
    ...(time_unit !== undefined && { time_unit }),
    ...(ticket_article_id !== undefined && { ticket_article_id }),
  });
  return {
    'POST book': acting(state, (body, _, by) => entryPlain(state, createEntry(state, columns(body), by))),
    'POST entries/:id': acting(state, (body, { id }, by) => entryPlain(state, updateEntry(state, find(id), columns(body), by))),
    'DELETE entries/:id': acting(state, (_, { id }, by) => void deleteEntry(state, find(id), by)),
    'GET entries/:id': (_, { id }) => entryPlain(state, find(id)),
  };
}

// Tickets are given with the columns and names that the API takes; "attributes" are those of an administrator's own making.
function tickets({ state }) {
  const shown = (ticket) => ticketNamed(state, ticket);
  const own = (ticket, attributes) => Object.assign(ticket.custom, attributes) && ticket;
  const create = ({ attributes, ...values }, _, by) => {
    const ticket = createTicket(state, { group: 'Users', ...values, customer_id: customerOf(state, values) }, by);
    return shown(own(ticket, attributes));
  };
  const article = (id) => there(state.articles.get(Number(id)), `article ${id}`);
  return {
    'POST tickets': acting(state, create),
    'POST tickets/:id': acting(state, ({ attributes, ...values }, { id }, by) =>
      shown(own(updateTicket(state, ticketOf(state, id), values, by), attributes))),
    'DELETE tickets/:id': (_, { id }) => void deleteTicket(state, ticketOf(state, id)),
    'GET tickets/:id': (_, { id }) => shown(ticketOf(state, id)),
    'POST tickets/:id/merge': acting(state, ({ into }, { id }, by) => void mergeTicket(state, ticketOf(state, id), ticketOf(state, into), by)),
    'POST tickets/:id/articles': acting(state, (body, { id }, by) => ({ id: addArticle(state, ticketOf(state, id), body, by).id })),
    'DELETE articles/:id': acting(state, (_, { id }, by) => void deleteArticle(state, article(id), by)),
  };
}

function people({ state }) {
  const home = ({ organization: firm, organization_id }) => (firm === undefined ? organization_id : named(state, 'organizations', firm).id);
  const changed = (row, values) => Object.assign(row, values, { updated_at: state.now() });
  return {
    'POST users': (values) => userPlain(state, state.addUser({ ...values, organization_id: home(values) })),
    'POST agents': (values) => {
      const organization_id = home(values) ?? state.agents[0].organization_id;
      return userPlain(state, state.addUser({ group_ids: EVERYWHERE, role_ids: [2], ...values, organization_id }));
    },
    'POST users/:id': (values, { id }) => userPlain(state, changed(personOf(state, id), values)),
    'DELETE users/:id': (_, { id }) => void state.users.delete(personOf(state, id).id),
    'POST organizations': (values) => organizationPlain(state, state.insert('organizations', organization(values))),
    'POST organizations/:id': (values, { id }) => organizationPlain(state, changed(named(state, 'organizations', id), values)),
    'DELETE organizations/:id': (_, { id }) => void state.organizations.delete(named(state, 'organizations', id).id),
    'POST groups': ({ name }) => state.insert('groups', { name, active: true, note: null }),
    'POST types': ({ name, active = true, note = null }) => typePlain(state, state.insert('types', { name, note, active })),
    'POST types/:id': (values, { id }) => typePlain(state, changed(named(state, 'types', id), values)),
    // { user (else the administrator), permission: [...], expires_at, oauth, token }
    'POST tokens': ({ user, ...values }) => state.addToken({ ...values, user: user === undefined ? state.admin : personOf(state, user) }),
    'DELETE tokens/:token': (_, { token }) => state.tokens.delete(token),
  };
}

// Settings and features are listed in settings.mjs.
function program(zammad) {
  const { state } = zammad;
  return {
    'GET settings': () => state.settings,
    'POST settings': (values) => Object.assign(state.settings, known(values, state.settings, 'setting')),
    'GET features': () => state.features,
    'POST features': (values) => Object.assign(state.features, known(values, state.features, 'feature')),
    'POST fill': (values) => zammad.fill(values), // { tickets, entries, days }
    'POST month': () => zammad.fillMonth(),
    'POST naughty': ({ texts }) => zammad.naughty(texts),
  };
}

// Webhooks: { endpoint, trigger (its name), on, changed, signature_token, basic_auth_username, basic_auth_password, custom_payload }.
function deliveries({ state, webhooks }) {
  return {
    'POST webhooks': (values) => webhooks.subscribe(values),
    'POST triggers': (values) => webhooks.addTrigger(values),
    'DELETE webhooks': () => webhooks.clear(),
    'GET deliveries': () => webhooks.jobs,
    'GET deliveries/counts': () => webhooks.counts(),
    'POST deliveries/lose': ({ count = 1 }) => webhooks.lose(count),
    'POST deliveries/repeat': ({ count = 1 }) => webhooks.repeat(count),
    'POST deliveries/delay': ({ count = 1, ms = 1000 }) => webhooks.delay(count, ms),
    'POST deliveries/idle': async () => {
      await webhooks.idle();
      return webhooks.counts();
    },
    'POST schedule': ({ tickets: list, ...values }) =>
      webhooks.schedule({ ...values, ticket_ids: list.map((one) => ticketOf(state, one).id) }),
  };
}

// ---- who, when, and what is meant ----

// act(body, parameters, by), at the instant and by the agent that the body names.
function acting(state, act) {
  return ({ at, agent, ...body }, parameters) => {
    const by = agent === undefined ? state.agents[0].id : personOf(state, agent).id;
    state.at = at === undefined ? undefined : instant(at);
    try {
      return act(body, parameters, by);
    } finally {
      state.at = undefined;
    }
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

function named(state, table, value) {
  const rows = state[table];
  return there(rows.get(Number(value)) ?? [...rows.values()].find(({ name }) => name === value), `${value} among the ${table}`);
}

// A ticket's customer: named, or the first contact of the named organisation, or of the first one that has contacts.
function customerOf(state, { customer, customer_id, organization: firm }) {
  if (customer_id) return customer_id;
  if (customer) return personOf(state, customer).id;
  const home = firm === undefined ? undefined : named(state, 'organizations', firm).id;
  const isContact = ({ role_ids, organization_id }) => role_ids.includes(3) && (home === undefined || organization_id === home);
  return there([...state.users.values()].find(isContact), `contact of ${firm}`).id;
}

function known(values, all, what) {
  const wrong = Object.keys(values).find((name) => !(name in all));
  if (wrong) throw new ControlError(`there is no ${what} "${wrong}": ${Object.keys(all).join(', ')}`);
  return values;
}
