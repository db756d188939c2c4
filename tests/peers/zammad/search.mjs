// search.mjs - finding tickets and people: the query language of Elasticsearch as far as Zammad's users write it, the plain LIKE that
// is left without it, and conditions as JSON.

import { unprocessable } from './errors.mjs';
import { offsetAt } from './json.mjs';
import { ARTICLE_TYPES, PRIORITIES, STATES } from './state.mjs';
import { textOf } from './decimal.mjs';

// What Elasticsearch would not understand. Zammad writes that into its log and answers as if nothing had been found.
export class BadQuery extends Error {}

// A test for tickets of what was typed into the search. Throws BadQuery.
export function ticketQuery(state, text) {
  const query = String(text ?? '').trim();
  if (!state.settings.elasticsearch) return query === '' ? () => true : (ticket) => like(state, ticket, query);
  if (query === '' || query === '*') return () => true;
  const valueOf = (field, ticket) => ticketField(state, field, ticket);
  return compile(query, { valueOf, textsOf: (ticket) => ticketTexts(state, ticket), now: state.now(), ...state.settings });
}

const contains = (text, part) => String(text ?? '').toLowerCase().includes(part);

function like(state, ticket, query) {
  const part = query.toLowerCase();
  if (contains(ticket.title, part) || contains(ticket.number, part)) return true;
  return state.articlesOf(ticket.id).some(({ body, from, to, subject }) => [body, from, to, subject].some((text) => contains(text, part)));
}

const ticketTexts = (state, ticket) => [ticket.title, ticket.number, ...state.articlesOf(ticket.id).map(({ body }) => body)];

function ticketField(state, field, ticket) {
  switch (field) {
    case 'updated_at': return indexedAt(state, ticket);
    case 'created_at': return ticket.created_at;
    case 'state': case 'state.name': return STATES[ticket.state_id - 1];
    case 'priority': case 'priority.name': return PRIORITIES[ticket.priority_id - 1];
    case 'group': case 'group.name': return state.groups.get(ticket.group_id)?.name;
    case 'organization': case 'organization.name': return state.organizations.get(ticket.organization_id)?.name;
    case 'customer.email': return state.users.get(ticket.customer_id)?.email;
    case 'owner.email': return state.users.get(ticket.owner_id)?.email;
    case 'time_unit': return ticket.time_unit === null ? undefined : Number(textOf(ticket.time_unit));
    case 'tags': return state.tagsOf(ticket.id);
    case 'article.type': return state.articlesOf(ticket.id).map(({ type_id }) => ARTICLE_TYPES[type_id - 1]);
    default: return ticket[field];
  }
}

// What the index knows: it runs search_delay_ms behind. A ticket that it does not know yet has no such time.
function indexedAt(state, ticket) {
  if (state.now() - ticket.updated_at >= state.settings.search_delay_ms) return ticket.updated_at;
  return ticket.indexed_at;
}

// ---- a little of Lucene's language: terms, "phrases", field:value, ranges, AND OR NOT, brackets ----

const RANGE = String.raw`[[{][^\]}]*[\]}]`;
const PHRASE = String.raw`(?:[<>]=?)?"(?:[^"\\]|\\.)*"`;
const WORD = String.raw`(?:\\.|[^\s()"])+`;
const CLAUSE = String.raw`[-+]?(?:[\w.]+:)?(?:${RANGE}|${PHRASE}|${WORD})`;
const TOKEN = new RegExp(String.raw`\s*(?:[()]|&&|\|\||!(?=\S)|${CLAUSE}|.)`, 'gy');

// index: { valueOf(field, row), textsOf(row), now, timezone_default, strict_query }
function compile(query, index) {
  const tokens = [...query.matchAll(TOKEN)].map((found) => found[0].trim()).filter(Boolean);
  let at = 0;
  const words = { '&&': 'AND', '||': 'OR', '!': 'NOT' };
  const peek = () => words[tokens[at]] ?? tokens[at];

  function alternatives() {
    const terms = [sequence()];
    while (peek() === 'OR') {
      at++;
      terms.push(sequence());
    }
    return (row) => terms.some((term) => term(row));
  }
  function sequence() {
    const terms = [single()];
    while (at < tokens.length && peek() !== 'OR' && peek() !== ')') {
      if (peek() === 'AND') at++;
      terms.push(single());
    }
    return (row) => terms.every((term) => term(row));
  }
  function single() {
    const token = peek();
    at++;
    if (token === undefined || token === ')') throw new BadQuery(`Failed to parse query [${query}]`);
    if (token === 'NOT') {
      const term = single();
      return (row) => !term(row);
    }
    if (token === '(') {
      const inside = alternatives();
      if (peek() !== ')') throw new BadQuery(`Failed to parse query [${query}]`);
      at++;
      return inside;
    }
    return termOf(token, index);
  }

  const test = alternatives();
  if (at < tokens.length) throw new BadQuery(`Failed to parse query [${query}]`);
  return test;
}

function termOf(token, index) {
  const [, sign, field, rest] = /^([-+]?)(?:([\w.]+):)?([\s\S]*)$/.exec(token);
  const test = field ? fieldTest(field, rest, index) : wordTest(rest, index);
  return sign === '-' ? (row) => !test(row) : test;
}

function wordTest(word, { textsOf }) {
  const part = unquoted(word).replaceAll('*', '').toLowerCase();
  return (row) => textsOf(row).some((text) => contains(text, part));
}

function fieldTest(field, text, { valueOf, now, timezone_default: zone, strict_query: strict }) {
  if (strict) checkTerm(field, text);
  const range = rangeOf(text);
  if (range) {
    const isTime = field.endsWith('_at');
    const bound = (value, up) => {
      if (value === '*' || value === undefined) return undefined;
      return isTime ? timeOf(value, { up, now, zone }) : Number(value);
    };
    const [from, to] = [bound(range.from, range.from && !range.fromIncluded), bound(range.to, range.toIncluded)];
    const above = (value) => from === undefined || value > from || (range.fromIncluded && value === from);
    const below = (value) => to === undefined || value < to || (range.toIncluded && value === to);
    return (row) => {
      const value = valueOf(field, row);
      return value !== undefined && value !== null && above(value) && below(value);
    };
  }
  if (text === '*') return (row) => ![undefined, null, ''].includes(valueOf(field, row));
  const wanted = unquoted(text).toLowerCase();
  const pattern = new RegExp(`^${wanted.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&')).join('.*')}$`);
  return (row) => [valueOf(field, row)].flat().some((value) => pattern.test(String(value ?? '').toLowerCase()));
}

// >x >=x <x <=x [a TO b] {a TO b}, brackets may be mixed.
function rangeOf(text) {
  const single = /^([<>])(=?)(.+)$/s.exec(text);
  if (single) {
    const value = unquoted(single[3]);
    return single[1] === '>' ? { from: value, fromIncluded: single[2] === '=' } : { to: value, toIncluded: single[2] === '=' };
  }
  const both = /^([[{])\s*(\S+)\s+TO\s+(\S+)\s*([\]}])$/s.exec(text);
  if (!both) return undefined;
  return { from: unquoted(both[2]), to: unquoted(both[3]), fromIncluded: both[1] === '[', toIncluded: both[4] === ']' };
}

// A ":" ends a term unless it is escaped or within quotes or brackets, and ">" takes a term but no quotes. So of
// updated_at:>2026-11-20T00:00:00Z and updated_at:>"2026-11-20T00:00:00Z" neither is a query; updated_at:>2026-11-20T00\:00\:00Z
// and updated_at:{2026-11-20T00:00:00Z TO *} are.
function checkTerm(field, text) {
  const quoted = /^"/.test(text) || /^[[{]/.test(text);
  if (!quoted && /(^|[^\\])(\\\\)*:/.test(text)) throw new BadQuery(`Encountered ":" in ${field}:${text}; escape it, or use brackets`);
  if (/^[<>]=?"/.test(text)) throw new BadQuery(`failed to parse ${field}:${text}; a bound has no quotes: escape its ":", or use brackets`);
}

// 2026-11-20 (up: its end), 2026-11-20T00:00:00Z, now, now-30m, now-1d. Without an offset it is the system's time zone.
function timeOf(text, { up, now, zone }) {
  const relative = /^now(?:([+-])(\d+)([smhdwMy]))?(?:\/d)?$/.exec(text);
  const steps = { s: 1e3, m: 6e4, h: 36e5, d: 864e5, w: 6048e5, M: 2592e6, y: 31536e6 };
  if (relative) return now + (relative[1] === '-' ? -1 : 1) * Number(relative[2] ?? 0) * (steps[relative[3]] ?? 0);
  const full = /^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T${up ? '23:59:59.999' : '00:00:00'}` : text;
  const isLocal = !/(Z|[+-]\d\d:?\d\d)$/.test(full);
  const found = Date.parse(isLocal ? `${full}Z` : full);
  if (Number.isNaN(found)) throw new BadQuery(`failed to parse date field [${text}]`);
  return isLocal ? found - offsetAt(found, zone) : found;
}

const unquoted = (text) => (/^".*"$/s.test(text) ? text.slice(1, -1) : text).replace(/\\(.)/g, '$1');

// ---- conditions ----

const STEPS = { minute: 6e4, hour: 36e5, day: 864e5, week: 6048e5, month: 2592e6, year: 31536e6 };

// {"ticket.updated_at":{"operator":"after (absolute)","value":"2026-11-20T00:00:00Z"}}, or nested: {"operator":"AND","conditions":[...]}.
export function conditionOf(state, condition) {
  if (Array.isArray(condition?.conditions)) return group(state, condition);
  const tests = Object.entries(condition ?? {}).map(([name, rule]) => ruleOf(state, name, rule));
  return (ticket) => tests.every((test) => test(ticket));
}

function group(state, { operator = 'AND', conditions }) {
  const tests = conditions.map((one) => (one.conditions ? group(state, one) : ruleOf(state, one.name, one)));
  if (operator === 'OR') return (ticket) => tests.some((test) => test(ticket));
  if (operator === 'NOT') return (ticket) => !tests.some((test) => test(ticket));
  return (ticket) => tests.every((test) => test(ticket));
}

function ruleOf(state, name, { operator, value, range }) {
  const [object, ...rest] = String(name).split('.');
  const field = rest.join('.');
  const valueOf = {
    ticket: (ticket) => conditionField(state, field, ticket),
    customer: (ticket) => state.users.get(ticket.customer_id)?.[field],
    organization: (ticket) => state.organizations.get(ticket.organization_id)?.[field],
  }[object];
  if (!valueOf) throw unprocessable(`Invalid condition attribute '${name}'`);
  const time = () => {
    const found = Date.parse(value);
    if (Number.isNaN(found)) throw unprocessable(`Invalid value '${value}' for '${name}'`);
    return found;
  };
  const ago = () => Number(value) * (STEPS[range] ?? STEPS.day);
  const values = new Set([value].flat().map(String)); // a search for a hundred tickets by their ids looks at every ticket
  switch (operator) {
    case 'is': return (ticket) => values.has(String(valueOf(ticket) ?? ''));
    case 'is not': return (ticket) => !values.has(String(valueOf(ticket) ?? ''));
    case 'contains': return (ticket) => contains(valueOf(ticket), String(value).toLowerCase());
    case 'contains not': return (ticket) => !contains(valueOf(ticket), String(value).toLowerCase());
    case 'contains one': return (ticket) => tagsOf(value).some((tag) => valueOf(ticket).includes(tag));
    case 'contains all': return (ticket) => tagsOf(value).every((tag) => valueOf(ticket).includes(tag));
    case 'after (absolute)': return ((from) => (ticket) => valueOf(ticket) > from)(time());
    case 'before (absolute)': return ((to) => (ticket) => valueOf(ticket) < to)(time());
    case 'within last (relative)': return (ticket) => valueOf(ticket) >= state.now() - ago() && valueOf(ticket) <= state.now();
    case 'before (relative)': return (ticket) => valueOf(ticket) < state.now() - ago();
    default: throw unprocessable(`Invalid operator '${operator}' for '${name}'`);
  }
}

const tagsOf = (value) => String(value).split(',').map((tag) => tag.trim());
const conditionField = (state, field, ticket) => (field === 'tags' ? state.tagsOf(ticket.id) : ticket[field]);

// ---- people and firms ----

// texts(row): what a word may be found in; fields(field, row).
export function rowQuery(state, text, texts, fields) {
  const query = String(text ?? '').trim();
  if (query === '' || query === '*') return () => true;
  if (state.settings.elasticsearch) return compile(query, { valueOf: fields, textsOf: texts, now: state.now(), ...state.settings });
  return (row) => texts(row).some((one) => contains(one, query.toLowerCase()));
}
