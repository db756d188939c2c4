// routes_tickets.mjs - tickets, their articles, tags and history, merging, and searching.

import { allowed, demand, inGroup, mayChangeTicket, mayReadTicket } from './auth.mjs';
import { forbidden, notFound, unprocessable } from './errors.mjs';
import { instantText } from './json.mjs';
import { isOn, ordered, orderOf, pageOf, showFound, showRow, toInteger } from './router.mjs';
import { BadQuery, conditionOf, ticketQuery } from './search.mjs';
import { articleNamed, ticketAssets, ticketNamed, ticketPlain, ticketWithIds } from './shapes.mjs';
import { addArticle, createTicket, deleteArticle, deleteTicket, mergeTicket, updateTicket } from './tickets.mjs';

const COLUMNS = ['id', 'number', 'title', 'group_id', 'state_id', 'priority_id', 'organization_id', 'customer_id', 'owner_id', 'article_count',
  'time_unit', 'created_by_id', 'updated_by_id', 'created_at', 'updated_at'];
const READERS = ['ticket.agent', 'ticket.customer'];

export const TICKET_ROUTES = [
  ['GET', '/tickets', index],
  ['POST', '/tickets', create],
  ['GET', '/tickets/search', search],
  ['POST', '/tickets/search', search],
  ['GET', '/tickets/:id', show],
  ['PUT', '/tickets/:id', update],
  ['DELETE', '/tickets/:id', destroy],
  ['GET', '/ticket_history/:id', history],
  ['PUT', '/ticket_merge/:source_ticket_id/:target_ticket_number', merge],
  ['GET', '/ticket_merge/:source_ticket_id/:target_ticket_number', merge], // as it was before 3.0
  ['GET', '/ticket_articles/by_ticket/:ticket_id', articlesOfTicket],
  ['GET', '/ticket_articles/:id', showArticle],
  ['POST', '/ticket_articles', createArticle],
  ['PUT', '/ticket_articles/:id', updateArticle],
  ['DELETE', '/ticket_articles/:id', destroyArticle],
  ['GET', '/tags', tags],
  ['POST', '/tags/add', addTag],
  ['DELETE', '/tags/remove', removeTag],
  ['GET', '/tag_list', tagList],
  ['POST', '/tag_list', createTag],
  ['PUT', '/tag_list/:id', renameTag],
  ['DELETE', '/tag_list/:id', deleteTag],
];

const shapesFor = ({ user }) => ({
  plain: (state, ticket) => ticketPlain(state, ticket, user),
  named: (state, ticket) => ticketNamed(state, ticket, user),
  assets: ticketAssets,
});

const withIds = (ctx) => ({ ...shapesFor(ctx), plain: (state, ticket) => ticketWithIds(state, ticket, ctx.user) });

// ---- tickets ----

function index(ctx) {
  demand(ctx.state, ctx, ...READERS);
  const page = pageOf(ctx.params, { most: 100 });
  const mine = [];
  let skipped = 0;
  for (const ticket of ctx.state.tickets.values()) { // they are kept by id
    if (!mayReadTicket(ctx.state, ctx, ticket)) continue;
    if (skipped++ < page.offset) continue;
    if (mine.length === page.limit) break;
    mine.push(ticket);
  }
  if (!isOn(ctx.params.full)) return showFound({ ...ctx, params: { expand: ctx.params.expand } }, mine, 0, shapesFor(ctx));
  const assets = {};
  for (const ticket of mine) ticketAssets(ctx.state, ticket, assets);
  return { status: 200, body: { record_ids: mine.map(({ id }) => id), assets } };
}

function show(ctx) {
  const ticket = readable(ctx, ctx.params.id);
  if (isOn(ctx.params.all) && !isOn(ctx.params.expand) && !isOn(ctx.params.full)) return { status: 200, body: allOf(ctx, ticket) };
  return showRow(ctx, ticket, shapesFor(ctx));
}

function allOf({ state }, ticket) {
  const assets = {};
  ticketAssets(state, ticket, assets);
  const articles = state.articlesOf(ticket.id);
  assets.TicketArticle = Object.fromEntries(articles.map((article) => [article.id, articleNamed(state, article)]));
  return { ticket_id: ticket.id, ticket_article_ids: articles.map(({ id }) => id), assets, links: [], tags: state.tagsOf(ticket.id), mentions: [] };
}

function create(ctx) {
  const { state, params, user } = ctx;
  demand(state, ctx, ...READERS);
  const own = { customer_id: user.id, customer: undefined, owner: undefined, owner_id: undefined }; // a customer's ticket is their own
  const ticket = createTicket(state, allowed(ctx, 'ticket.agent') ? params : { ...params, ...own }, user.id);
  return showRow(ctx, ticket, withIds(ctx), 201);
}

function update(ctx) {
  const { state, params, user } = ctx;
  const ticket = changeable(ctx, params.id);
  return showRow(ctx, updateTicket(state, ticket, { ...params, id: undefined, number: undefined }, user.id), withIds(ctx));
}

function destroy(ctx) {
  const { state, params } = ctx;
  const ticket = found(state, params.id);
  if (!allowed(ctx, 'admin')) throw forbidden(mayReadTicket(state, ctx, ticket) ? 'admin permission required' : undefined);
  deleteTicket(state, ticket);
  return { status: 200, body: {} };
}

function merge(ctx) {
  const { state, params, user } = ctx;
  const target = state.ticketByNumber(params.target_ticket_number);
  if (!target) return failed('The target ticket number could not be found.');
  if (!mayChangeTicket(state, ctx, target)) throw forbidden();
  const source = state.tickets.get(toInteger(params.source_ticket_id));
  if (!source) return failed('The source ticket could not be found.');
  if (!mayChangeTicket(state, ctx, source)) throw forbidden();
  mergeTicket(state, source, target, user.id);
  const [target_ticket, source_ticket] = [target, source].map((ticket) => ticketPlain(state, ticket));
  return { status: 200, body: { result: 'success', target_ticket, source_ticket } };
}

// With a 200: only the body says so.
const failed = (message) => ({ status: 200, body: { result: 'failed', message } });

function history(ctx) {
  const { state } = ctx;
  const ticket = readable(ctx, ctx.params.id);
  const assets = {};
  ticketAssets(state, ticket, assets);
  const rows = (state.history.get(ticket.id) ?? []).map((row) => ({ ...row, created_at: instantText(row.created_at) }));
  return { status: 200, body: { history: rows, assets } };
}

// ---- search ----

function search(ctx) {
  const { state, params } = ctx;
  demand(state, ctx, ...READERS);
  const page = pageOf(params, { normal: 50, most: 200 });
  const order = orderOf(params, COLUMNS, { column: 'updated_at', down: true });
  const { rows, total } = answered(ctx, page) ?? finding(state, order, page, testOf(ctx), isCounting(params));
  if (state.features.searchShape === 'array' || isOn(params.expand)) return showFound(ctx, rows, total, withIds(ctx));
  const assets = {};
  for (const ticket of rows) ticketAssets(state, ticket, assets);
  return { status: 200, body: { tickets: rows.map(({ id }) => id), tickets_count: rows.length, assets } };
}

const isCounting = ({ only_total_count, with_total_count, full }) => [only_total_count, with_total_count, full].some(isOn);

function testOf(ctx) {
  const { state, params } = ctx;
  const tests = [ticketQuery(state, params.query), conditionOf(state, params.condition)];
  return (ticket) => mayReadTicket(state, ctx, ticket) && tests.every((test) => test(ticket));
}

// Where Elasticsearch refuses, Zammad answers that nothing was found: a query that it cannot read, or a page beyond its window
// (issue 5559 of zammad/zammad). Whoever stops at an empty page stops there.
function answered({ state, params }, { limit, offset }) {
  if (!state.settings.elasticsearch || !params.query) return undefined;
  try {
    ticketQuery(state, params.query);
    if (offset + limit <= state.settings.search_window) return undefined;
    state.complain(`page ${params.page} of a search: Elasticsearch shows no more than ${state.settings.search_window} tickets`);
  } catch (error) {
    if (!(error instanceof BadQuery)) throw error;
    state.complain(`query ${params.query}: ${error.message}`);
  }
  return { rows: [], total: 0 };
}

// Walks in order and stops when the page is full, unless everything is to be counted.
function finding(state, order, page, fits, counting) {
  const sorted = order.length === 1 ? state.orders.tickets[order[0].column]?.rows : undefined;
  if (!sorted) {
    const all = [...state.tickets.values()].filter(fits);
    return { rows: ordered(() => all, order, page, { ties: state.settings.ties, random: state.random }), total: all.length };
  }
  const rows = [];
  let total = 0;
  for (let i = 0; i < sorted.length; i++) {
    const ticket = sorted[order[0].down ? sorted.length - 1 - i : i];
    if (!fits(ticket)) continue;
    if (total >= page.offset && rows.length < page.limit) rows.push(ticket);
    total++;
    if (!counting && rows.length >= page.limit) break;
  }
  return { rows, total };
}

// ---- looking up ----

function found(state, id) {
  const ticket = state.tickets.get(toInteger(id));
  if (!ticket) throw notFound('Ticket', id);
  return ticket;
}

function readable(ctx, id) {
  const ticket = found(ctx.state, id);
  if (!mayReadTicket(ctx.state, ctx, ticket)) throw forbidden();
  return ticket;
}

function changeable(ctx, id) {
  const ticket = found(ctx.state, id);
  if (!mayChangeTicket(ctx.state, ctx, ticket)) throw forbidden();
  return ticket;
}

// ---- articles ----

const visible = (ctx, article) => !article.internal || inGroup(ctx, ctx.state.tickets.get(article.ticket_id).group_id, 'read');

function articlesOfTicket(ctx) {
  const ticket = readable(ctx, ctx.params.ticket_id);
  const rows = ctx.state.articlesOf(ticket.id).filter((article) => visible(ctx, article));
  return { status: 200, body: rows.map((article) => articleNamed(ctx.state, article)) };
}

function articleOf(ctx) {
  const article = ctx.state.articles.get(toInteger(ctx.params.id));
  if (!article) throw notFound('Ticket::Article', ctx.params.id);
  readable(ctx, article.ticket_id);
  if (!visible(ctx, article)) throw forbidden();
  return article;
}

function showArticle(ctx) {
  return { status: 200, body: articleNamed(ctx.state, articleOf(ctx)) };
}

function createArticle(ctx) {
  const { state, params, user } = ctx;
  const ticket = changeable(ctx, params.ticket_id ?? '');
  if (params.time_unit && !state.settings.time_accounting) throw forbidden('Time Accounting is not enabled');
  return { status: 201, body: articleNamed(state, addArticle(state, ticket, params, user.id)) };
}

function updateArticle(ctx) {
  const article = articleOf(ctx);
  changeable(ctx, article.ticket_id);
  for (const name of ['subject', 'body', 'internal']) if (ctx.params[name] !== undefined) article[name] = ctx.params[name];
  Object.assign(article, { updated_at: ctx.state.now(), updated_by_id: ctx.user.id });
  return { status: 200, body: articleNamed(ctx.state, article) };
}

function destroyArticle(ctx) {
  const article = articleOf(ctx);
  if (!allowed(ctx, 'admin') && article.created_by_id !== ctx.user.id) throw forbidden();
  deleteArticle(ctx.state, article, ctx.user.id);
  return { status: 200, body: {} };
}

// ---- tags ----

function taggedTicket(ctx, check) {
  if (ctx.params.object !== 'Ticket') throw unprocessable(`Object '${ctx.params.object}' has no tags`);
  return check(ctx, ctx.params.o_id);
}

function tags(ctx) {
  return { status: 200, body: { tags: ctx.state.tagsOf(taggedTicket(ctx, readable).id) } };
}

function addTag(ctx) {
  ctx.state.addTag(taggedTicket(ctx, changeable).id, String(ctx.params.item).trim());
  return { status: 201, body: true };
}

function removeTag(ctx) {
  ctx.state.removeTag(taggedTicket(ctx, changeable).id, String(ctx.params.item).trim());
  return { status: 201, body: true };
}

function tagList(ctx) {
  demand(ctx.state, ctx, 'admin.tag');
  return { status: 200, body: [...ctx.state.tags.values()].map(({ id, name }) => ({ id, name, count: ctx.state.countTag(name) })) };
}

function createTag(ctx) {
  demand(ctx.state, ctx, 'admin.tag');
  ctx.state.insert('tags', { name: String(ctx.params.name) }, ctx.user.id);
  return { status: 200, body: {} };
}

function renameTag(ctx) {
  demand(ctx.state, ctx, 'admin.tag');
  const tag = ctx.state.tags.get(toInteger(ctx.params.id));
  if (!tag) throw notFound('Tag::Item', ctx.params.id);
  ctx.state.renameTag(tag, String(ctx.params.name));
  return { status: 200, body: {} };
}

function deleteTag(ctx) {
  demand(ctx.state, ctx, 'admin.tag');
  const tag = ctx.state.tags.get(toInteger(ctx.params.id));
  if (!tag) throw notFound('Tag::Item', ctx.params.id);
  ctx.state.deleteTag(tag);
  return { status: 200, body: {} };
}
