// accounting.mjs - booked time: rows with an amount, and the sum that each ticket carries.

import { amountOf, fits, textOf } from './decimal.mjs';
import { databaseRefuses, invalid } from './errors.mjs';

const overflow = () => databaseRefuses('PG::NumericValueOutOfRange: ERROR:  numeric field overflow');
const missingKey = (column, id) => databaseRefuses(`PG::ForeignKeyViolation: ERROR:  Key (${column})=(${id}) is not present`);

// Adds a row and writes the ticket's sum. values: { ticket_id, time_unit, type_id, ticket_article_id }; by: the agent's id.
export function createEntry(state, values, by) {
  return state.transaction(() => {
    const row = checked(state, { ticket_article_id: null, type_id: null, ...values }, undefined);
    const now = state.now();
    const times = { created_at: now, updated_at: now };
    const entry = { id: state.nextId('entries'), ...row, created_by_id: by, ...times };
    state.hide(entry, { absent: true });
    state.addEntry(entry);
    writeSum(state, entry.ticket_id, by);
    return entry;
  });
}

// Changes the given columns. An entry that goes to another ticket changes the sum there only: Zammad forgets where it came from.
export function updateEntry(state, entry, values, by) {
  return state.transaction(() => {
    const row = checked(state, values, entry);
    const changed = Object.entries(row).filter(([name, value]) => entry[name] !== value);
    if (changed.length === 0) return entry;
    state.hide(entry);
    state.changeEntry(entry, { ...Object.fromEntries(changed), updated_at: state.now() });
    writeSum(state, entry.ticket_id, by);
    return entry;
  });
}

export function deleteEntry(state, entry, by) {
  state.transaction(() => {
    state.dropEntry(entry);
    writeSum(state, entry.ticket_id, by);
  });
}

export const sumOf = (state, ticketId) => state.entriesOf(ticketId).reduce((sum, { time_unit }) => sum + time_unit, 0n);

// The ticket is saved, and somebody told, only if its sum is another one now. A ticket without a sum counts as zero.
export function writeSum(state, ticketId, by) {
  const ticket = state.tickets.get(ticketId);
  const sum = sumOf(state, ticketId);
  const before = ticket.time_unit;
  if ((before ?? 0n) === sum) return;
  state.hide(ticket);
  ticket.time_unit = sum;
  state.touch(ticket, by);
  const shown = (amount) => (amount === null ? null : textOf(amount));
  state.log(ticket, 'time_unit', shown(before) ?? '', shown(sum), by);
  state.happened('update', ticket, { changes: { time_unit: [shown(before), shown(sum)] }, by });
}

// The columns to write, or the failure that Zammad answers. entry: the row to change, undefined for a new one.
function checked(state, values, entry) {
  const row = {};
  if (!entry || 'time_unit' in values) row.time_unit = amount(values.time_unit);
  for (const name of ['ticket_id', 'ticket_article_id', 'type_id']) {
    if (!entry || name in values) row[name] = reference(values[name]);
  }
  const ticketId = row.ticket_id === undefined ? entry.ticket_id : row.ticket_id;
  if (!state.tickets.has(ticketId)) throw invalid('Ticket must exist');
  checkArticle(state, row.ticket_article_id, ticketId, entry);
  const others = entry?.ticket_id === ticketId ? sumOf(state, ticketId) - entry.time_unit : sumOf(state, ticketId);
  checkTime(state, row, others);
  return row;
}

function amount(value) {
  const found = amountOf(value);
  if (found === undefined) throw invalid("Time unit can't be blank");
  return found;
}

const reference = (value) => (value === null || value === undefined || value === '' ? null : Number.parseInt(value, 10) || 0);

function checkArticle(state, articleId, ticketId, entry) {
  if (!articleId) return;
  const other = state.entryOfArticle(articleId);
  if (other && other !== entry) throw invalid('Ticket article has already been taken');
  const article = state.articles.get(articleId);
  if (!article) throw missingKey('ticket_article_id', articleId);
  // Only when it is created: after a merge the article of an old entry is elsewhere, and the entry can still be saved.
  if (!entry && article.ticket_id !== ticketId) throw invalid('This article is not part of the ticket.');
}

// Whether the database takes it: its type is there, and neither it nor the ticket's new sum is too large. others: the sum without it.
export function checkTime(state, { time_unit, type_id }, others) {
  if (type_id && !state.types.has(type_id)) throw missingKey('type_id', type_id);
  if (time_unit !== undefined && (!fits(time_unit) || !fits(others + time_unit))) throw overflow();
}
