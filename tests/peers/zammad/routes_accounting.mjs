// routes_accounting.mjs - /time_accountings, below a ticket and for all, their types, and the lists of a month.

import { createEntry, deleteEntry, updateEntry } from './accounting.mjs';
import { allowed, demand, inGroup, matchesSelector, mayChangeTicket } from './auth.mjs';
import { textOf } from './decimal.mjs';
import { forbidden, invalid, notFound, unprocessable } from './errors.mjs';
import { instantText, monthStart } from './json.mjs';
import { isOn, ordered, orderOf, pageOf, showRow, showRows, toInteger } from './router.mjs';
import {
  entryAssets, entryNamed, entryPlain, organizationPlain, ticketPlain, typeAssets, typeNamed, typePlain, userPlain,
} from './shapes.mjs';
import { fullName } from './state.mjs';

const ADMIN = 'admin.time_accounting';
const XLSX = 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet';
const EMPTY_ZIP = Buffer.from(`PK\x05\x06${'\0'.repeat(18)}`, 'latin1'); // nobody looks into the sheet
const MODEL = 'Ticket::TimeAccounting';
const COLUMNS = ['id', 'ticket_id', 'ticket_article_id', 'time_unit', 'type_id', 'created_by_id', 'created_at', 'updated_at'];
const WRITABLE = ['ticket_id', 'ticket_article_id', 'time_unit', 'type_id'];
const TYPE_COLUMNS = ['id', 'name', 'note', 'active', 'created_by_id', 'updated_by_id', 'created_at', 'updated_at'];
const ENTRY = { plain: entryPlain, named: entryNamed, assets: entryAssets };
const TYPE = { plain: typePlain, named: typeNamed, assets: typeAssets };

const nested = { feature: 'nestedAccountings' };
const everywhere = { feature: 'globalAccountings' };
const types = { feature: 'types' };

export const ACCOUNTING_ROUTES = [
  ['GET', '/tickets/:ticket_id/time_accountings', index, nested],
  ['POST', '/tickets/:ticket_id/time_accountings', create, nested],
  ['GET', '/tickets/:ticket_id/time_accountings/:id', show, nested],
  ['PUT', '/tickets/:ticket_id/time_accountings/:id', update, nested],
  ['PATCH', '/tickets/:ticket_id/time_accountings/:id', update, nested],
  ['DELETE', '/tickets/:ticket_id/time_accountings/:id', destroy, nested],
  ['GET', '/time_accountings', index, everywhere],
  ['POST', '/time_accountings', create, everywhere],
  ['GET', '/time_accountings/:id', show, everywhere],
  ['PUT', '/time_accountings/:id', update, everywhere],
  ['PATCH', '/time_accountings/:id', update, everywhere],
  ['DELETE', '/time_accountings/:id', destroy, everywhere],
  ['GET', '/time_accounting/types', typeIndex, types],
  ['POST', '/time_accounting/types', typeCreate, types],
  ['PUT', '/time_accounting/types/:id', typeUpdate, types],
  ['GET', '/time_accounting/log/by_activity/:year/:month', log(byActivity)],
  ['GET', '/time_accounting/log/by_ticket/:year/:month', log(byTicket)],
  ['GET', '/time_accounting/log/by_customer/:year/:month', log(byCustomer)],
  ['GET', '/time_accounting/log/by_organization/:year/:month', log(byOrganization)],
];

// ---- rows ----

function index(ctx) {
  mayLook(ctx);
  const { state, params } = ctx;
  const page = pageOf(params, { normal: 500 });
  const order = orderOf(params, COLUMNS);
  const scope = params.ticket_id === undefined ? undefined : state.entriesOf(toInteger(params.ticket_id));
  const options = { sorted: scope ? undefined : state.orders.entries, ties: state.settings.ties, random: state.random };
  const rows = ordered(() => scope ?? state.entries.values(), order, page, options);
  const total = scope ? scope.length : state.entries.size;
  return showRows(ctx, rows.map((row) => state.seen(row)).filter(Boolean), total, ENTRY);
}

function show(ctx) {
  mayLook(ctx);
  return showRow(ctx, seenIn(ctx), ENTRY);
}

function create(ctx) {
  const { state, params } = ctx;
  mayBook(ctx);
  const entry = createEntry(state, valuesOf(ctx), ctx.user.id);
  return showRow({ state, params }, entry, ENTRY, 201);
}

function update(ctx) {
  demand(ctx.state, ctx, ADMIN);
  return showRow(ctx, updateEntry(ctx.state, rowIn(ctx), valuesOf(ctx), ctx.user.id), ENTRY);
}

function destroy(ctx) {
  const { state, params } = ctx;
  demand(state, ctx, ADMIN);
  // The check for references looks the row up among all and turns every failure of its own into a 422.
  if (!state.entries.has(toInteger(params.id))) throw unprocessable(notFound(MODEL, params.id).message);
  deleteEntry(state, rowIn(ctx), ctx.user.id);
  return { status: 200, body: {} };
}

function mayLook(ctx) {
  if (allowed(ctx, ADMIN)) return;
  if (ctx.params.ticket_id === undefined) throw forbidden();
  if (!inGroup(ctx, ticketOf(ctx).group_id, 'change')) throw forbidden();
}

function mayBook(ctx) {
  if (allowed(ctx, ADMIN)) return;
  const ticket = ticketOf(ctx);
  if (!ctx.state.settings.time_accounting) throw forbidden('Time Accounting is not enabled');
  if (ctx.state.features.selectorCheck && !matchesSelector(ctx.state, ticket)) {
    throw forbidden('Ticket does not match Time Accounting Selector');
  }
  if (!mayChangeTicket(ctx.state, ctx, ticket)) throw forbidden();
}

function ticketOf({ state, params }) {
  const ticket = state.tickets.get(toInteger(params.ticket_id));
  if (!ticket) throw notFound('Ticket', params.ticket_id ?? '');
  return ticket;
}

// A ticket_id narrows the view wherever it stands, path, query or body: an entry cannot be moved by naming another ticket.
function rowIn({ state, params }) {
  const row = state.entries.get(toInteger(params.id));
  if (!row || (params.ticket_id !== undefined && row.ticket_id !== toInteger(params.ticket_id))) throw notFound(MODEL, params.id);
  return row;
}

// As committed.
function seenIn(ctx) {
  const row = ctx.state.seen(rowIn(ctx));
  if (!row) throw notFound(MODEL, ctx.params.id);
  return row;
}

// Columns of the body, "type" by its name; anything else is dropped without a word.
function valuesOf({ state, params }) {
  const values = {};
  for (const name of WRITABLE) if (params[name] !== undefined) values[name] = params[name];
  if (params.type && !values.type_id) {
    const type = [...state.types.values()].find(({ name }) => name === params.type);
    if (!type) throw unprocessable(`No lookup value found for 'type': ${JSON.stringify(params.type)}`);
    values.type_id = type.id;
  }
  return values;
}

// ---- types ----

function typeIndex(ctx) {
  const { state, params } = ctx;
  demand(state, ctx, ADMIN);
  const rows = ordered(() => state.types.values(), orderOf(params, TYPE_COLUMNS), pageOf(params, { normal: 500 }));
  return showRows(ctx, rows, state.types.size, TYPE);
}

function typeCreate(ctx) {
  const { state, params, user } = ctx;
  demand(state, ctx, ADMIN);
  const type = state.insert('types', typeValues(state, { note: null, active: true, ...params }), user.id);
  return showRow(ctx, type, TYPE, 201);
}

function typeUpdate(ctx) {
  const { state, params, user } = ctx;
  demand(state, ctx, ADMIN);
  const type = state.types.get(toInteger(params.id));
  if (!type) throw notFound('Ticket::TimeAccounting::Type', params.id);
  Object.assign(type, typeValues(state, params, type), { updated_by_id: user.id, updated_at: state.now() });
  return showRow(ctx, type, TYPE);
}

function typeValues(state, params, type) {
  const values = {};
  for (const name of ['name', 'note', 'active']) if (params[name] !== undefined) values[name] = params[name];
  const name = values.name ?? type?.name;
  if (!name) throw invalid("Name can't be blank");
  if ([...state.types.values()].some((other) => other !== type && other.name === name)) throw invalid('Name has already been taken');
  return values;
}

// ---- lists of a month, in the system's time zone ----

function log(listOf) {
  return (ctx) => {
    const { state, params } = ctx;
    demand(state, ctx, ADMIN);
    if (isOn(params.download)) return { status: 200, headers: { 'Content-Type': XLSX }, body: EMPTY_ZIP };
    const rows = listOf(state, monthOf(state, params));
    return { status: 200, body: params.limit === undefined ? rows : lastOf(rows, toInteger(params.limit)) };
  };
}

const lastOf = (rows, limit) => (limit > 0 ? rows.slice(-limit) : []);

function monthOf(state, { year, month }) {
  const [y, m] = [toInteger(year), toInteger(month)];
  if (m < 1 || m > 12) throw unprocessable('argument out of range');
  const zone = state.settings.timezone_default;
  const [from, to] = [monthStart(y, m, zone), monthStart(y, m + 1, zone)];
  const rows = [];
  for (const entry of state.entries.values()) {
    const row = state.seen(entry);
    if (row && row.created_at >= from && row.created_at < to) rows.push(row);
  }
  return rows.filter((row) => state.tickets.has(row.ticket_id));
}

const amountOf = (state, amount) => textOf(amount, state.settings.decimal_separator);
const nameOf = (state, id) => (state.users.has(id) ? fullName(state.users.get(id)) : '-');
const firmOf = (state, { organization_id }) => state.organizations.get(organization_id)?.name ?? '-';

function byActivity(state, rows) {
  return rows.map((row) => {
    const ticket = state.tickets.get(row.ticket_id);
    return {
      ticket: ticketPlain(state, ticket),
      time_unit: amountOf(state, row.time_unit),
      ...(state.settings.time_accounting_types && { type: state.types.get(row.type_id)?.name ?? '-' }),
      customer: nameOf(state, ticket.customer_id),
      organization: firmOf(state, ticket),
      agent: nameOf(state, row.created_by_id),
      created_at: instantText(row.created_at),
    };
  });
}

// Sums in the order in which the keys first came; `begin` makes the rest of a row.
function sums(rows, keyOf, begin) {
  const all = new Map();
  for (const row of rows) {
    const key = keyOf(row);
    if (key === undefined) continue;
    const sum = all.get(key) ?? { units: 0n, rest: begin(row) };
    sum.units += row.time_unit;
    all.set(key, sum);
  }
  return [...all.values()];
}

function byTicket(state, rows) {
  const first = (row) => ({ ticket: state.tickets.get(row.ticket_id), agent: row.created_by_id });
  return sums(rows, (row) => row.ticket_id, first).map(({ units, rest: { ticket, agent } }) => ({
    ticket: ticketPlain(state, ticket),
    time_unit: amountOf(state, units),
    customer: nameOf(state, ticket.customer_id),
    organization: firmOf(state, ticket),
    agent: nameOf(state, agent),
  }));
}

function byCustomer(state, rows) {
  const ticketAt = (row) => state.tickets.get(row.ticket_id);
  const keyOf = (row) => `${ticketAt(row).customer_id} ${ticketAt(row).organization_id}`;
  return sums(rows, keyOf, ticketAt).map(({ units, rest: ticket }) => {
    const firm = state.organizations.get(ticket.organization_id);
    const customer = userPlain(state, state.users.get(ticket.customer_id));
    return { customer, organization: firm ? organizationPlain(state, firm) : null, time_unit: amountOf(state, units) };
  });
}

function byOrganization(state, rows) {
  const firmAt = (row) => state.organizations.get(state.tickets.get(row.ticket_id).organization_id);
  return sums(rows, (row) => firmAt(row)?.id, firmAt).map(({ units, rest: firm }) => ({
    organization: organizationPlain(state, firm),
    time_unit: amountOf(state, units),
  }));
}
