// masters.mjs - customers, projects, activities and tags: lists, forms, and the deletes that take all times with them.

import { refuse } from './errors.mjs';
import { BLANK, Form, NULL, checkLength, types } from './form.mjs';
import { is, isYes, readQuery } from './query.mjs';
import { searchOfMany } from './search.mjs';
import { dateOf, isZone, readDate, readQueryTime } from './time.mjs';

const LANGUAGES = new Set(('ar bg ca cs da de de_CH el en eo es eu fa fi fo fr he hr hu id it ja ko nb_NO nl pa pl pt pt_BR ro ru sk sl sr ' +
  'sv ta tr uk vi zh_CN zh_Hant zh_Hant_TW').split(' '));

const COLOR = types.oneOf((given) => /^#[0-9a-f]{6}$/i.test(given));
const TEXTS = (names) => Object.fromEntries(names.split(' ').map((name) => [name, types.text]));

// A date is read on POST; on PATCH the form of 2.66 expects a date with a time and takes neither.
const date = (isNew) => (given) => {
  if (given === null || given === '') return { value: null };
  const value = isNew && typeof given === 'string' ? readDate(given) : undefined;
  return value ? { value } : { error: 'Please enter a valid date.' };
};

const teams = (store) => types.choices((id) => store.teams.get(Number(id)));

const money = ({ budget, time }) => ({
  ...(budget && { budget: types.number }),
  ...(time && { timeBudget: types.duration }),
  ...((budget || time) && { budgetType: types.oneOf((given) => given === 'month') }),
});

// kind -> how it is called elsewhere, its fields in the order of the form, and the row that a form starts from.
const KINDS = {
  customer: {
    rows: 'customers',
    reach: 'toCustomer',
    search: ['name', 'comment', 'company', 'vatId', 'number', 'contact', 'phone', 'email', 'address', 'invoiceEmail'],
    orders: /^(id|name)$/,
    fields: ({ store }, may) => ({
      ...TEXTS('name number comment company vatId contact addressLine1 addressLine2 addressLine3 postCode city'),
      country: types.oneOf((given) => /^[A-Z]{2}$/.test(given)),
      language: types.oneOf((given) => LANGUAGES.has(given)),
      currency: types.oneOf((given) => /^[A-Z]{3}$/.test(given)),
      ...TEXTS('phone fax mobile email homepage'),
      timezone: types.oneOf((given) => typeof given === 'string' && isZone(given)),
      ...TEXTS('invoiceText invoiceTemplate invoiceEmail buyerReference'),
      teams: teams(store),
      color: COLOR,
      ...money(may),
      visible: types.flag,
      billable: types.flag,
    }),
  },
  project: {
    rows: 'projects',
    reach: 'toProject',
    search: ['name', 'comment', 'orderNumber', 'number'],
    orders: /^(id|name|customer)$/,
    fields: ({ store, access, isNew }, may) => ({
      ...TEXTS('name number comment invoiceText orderNumber'),
      orderDate: date(isNew),
      start: date(isNew),
      end: date(isNew),
      customer: types.choice((id) => {
        const row = store.customers.get(id);
        return row && access.toCustomer(row) ? row : undefined;
      }),
      teams: teams(store),
      color: COLOR,
      ...money(may),
      globalActivities: types.flag,
      visible: types.flag,
      billable: types.flag,
    }),
  },
  activity: {
    rows: 'activities',
    reach: 'toActivity',
    search: ['name', 'comment', 'number'],
    orders: /^(id|name|project)$/,
    fields: ({ store, access }, may) => ({
      ...TEXTS('name number comment invoiceText'),
      project: types.choice((id) => {
        const row = store.projects.get(id);
        return row && access.toProject(row) ? row : undefined;
      }),
      teams: teams(store),
      color: COLOR,
      ...money(may),
      visible: types.flag,
      billable: types.flag,
    }),
  },
};

// A row as it is before anybody has said anything about it.
export const BLANKS = {
  customer: () => ({
    name: null, number: null, comment: null, visible: true, billable: true, company: null, vatId: null, contact: null, address: null,
    country: 'DE', language: 'en', currency: 'EUR', phone: null, fax: null, mobile: null, email: null, homepage: null, timezone: 'UTC',
    teams: [], addressLine1: null, addressLine2: null, addressLine3: null, postCode: null, city: null, invoiceText: null,
    invoiceTemplate: null, invoiceEmail: null, buyerReference: null, budget: 0, timeBudget: 0, budgetType: null, color: null,
  }),
  project: () => ({
    name: null, number: null, customer: null, orderNumber: null, orderDate: null, start: null, end: null, comment: null, visible: true,
    billable: true, teams: [], globalActivities: true, invoiceText: null, budget: 0, timeBudget: 0, budgetType: null, color: null,
  }),
  activity: () => ({
    name: null, number: null, project: null, comment: null, visible: true, billable: true, teams: [], invoiceText: null, budget: 0,
    timeBudget: 0, budgetType: null, color: null,
  }),
};

// "0002" for the first one, and on; a number that is taken is passed over.
export function nextNumber(rows) {
  const taken = new Set([...rows.values()].map((row) => row.number));
  let number = rows.size + 2;
  while (taken.has(String(number).padStart(4, '0'))) number++;
  return String(number).padStart(4, '0');
}

const demand = (allowed) => allowed || refuse(403);

// ---- one ----

function rowOf(call, kind, { id }) {
  return call.store[KINDS[kind].rows].get(Number(id)) ?? refuse(404);
}

function shown({ access, views }, kind, row) {
  const budget = access.mayMaster('budget', kind, row) || access.mayMaster('time', kind, row);
  return views[kind](row, { depth: 'alone', budget });
}

function submitted(call, kind, base, isNew) {
  const { access, store, body } = call;
  const { rows, fields } = KINDS[kind];
  const may = { budget: access.mayMaster('budget', kind, base), time: access.mayMaster('time', kind, base) };
  const form = new Form(fields({ store, access, isNew }, may), body);
  const row = { ...base, ...form.values };
  for (const name of ['budget', 'timeBudget']) row[name] ??= 0;
  if (row.name === null) {
    form.error('name', BLANK);
    if (kind === 'customer') form.error('name', 'This value is too short. It should have 2 characters or more.');
  }
  checkLength(form, 'name', row.name, { min: 2, max: 150 });
  if (kind === 'project' && row.customer === null) form.error('customer', NULL);
  if (kind === 'customer') for (const name of ['country', 'language', 'currency', 'timezone']) if (row[name] === null) form.error(name, BLANK);
  const number = row.number;
  if (number !== null && [...store[rows].values()].some((other) => other.number === number && other.id !== base.id)) {
    form.error('number', 'This value is already used.');
  }
  if (kind === 'project' && row.start !== null && row.end !== null && row.start > row.end) {
    form.error('end', 'End date must not be earlier then start date.');
  }
  form.refuse();
  return row;
}

const one = (kind) => ({
  GET: (call, parameters) => {
    const row = rowOf(call, kind, parameters);
    demand(call.access.mayMaster('view', kind, row));
    return shown(call, kind, row);
  },
  PATCH: (call, parameters) => {
    const row = rowOf(call, kind, parameters);
    demand(call.access.mayMaster('edit', kind, row));
    return shown(call, kind, Object.assign(row, submitted(call, kind, row, false)));
  },
  DELETE: (call, parameters) => {
    const row = rowOf(call, kind, parameters);
    demand(call.access.mayMaster('delete', kind, row));
    call.store[{ customer: 'removeCustomer', project: 'removeProject', activity: 'removeActivity' }[kind]](row);
    return undefined;
  },
});

const create = (kind) => (call) => {
  const { rows } = KINDS[kind];
  demand(call.access.may(`create_${kind}`));
  const row = submitted(call, kind, BLANKS[kind](), true);
  row.number ??= nextNumber(call.store[rows]);
  return shown(call, kind, call.store.add(rows, row));
};

// ---- lists ----

const LISTS = { visible: is.visible, order: is.order, term: is.text };

const list = (kind, more, filter) => (call) => {
  const { access, store, views, query } = call;
  const { rows, reach, search, orders } = KINDS[kind];
  const asked = readQuery(query, { ...LISTS, orderBy: orders, ...more });
  const tests = [(row) => access[reach](row), visibility(call, kind, asked.visible || '1'), ...filter(call, asked)];
  const found = asked.term && searchOfMany(asked.term);
  if (found) tests.push((row) => found(search.map((name) => row[name]?.toLowerCase() ?? null)));
  const sorted = [...store[rows].values()].filter((row) => tests.every((test) => test(row)))
    .sort(orderOf(call, asked.orderBy || 'name')).map((row) => [row, access.mayMaster('budget', kind, row)]);
  if (asked.order === 'DESC') sorted.reverse();
  const depth = kind === 'customer' && isYes(asked.full) && access.may('details_customer') ? 'alone' : 'list';
  return sorted.map(([row, budget]) => views[kind](row, { depth, budget }));
};

// What is shown counts as shown only if what it belongs to is.
function visibility({ store }, kind, visible) {
  if (visible === '3') return () => true;
  const wanted = visible === '1';
  const customer = (project) => store.customers.get(project.customer).visible;
  if (kind === 'customer') return (row) => row.visible === wanted;
  if (kind === 'project') return (row) => row.visible === wanted && customer(row);
  return (row) => {
    const project = store.projects.get(row.project);
    return row.visible === wanted && (!project || (project.visible && customer(project)));
  };
}

function orderOf({ store }, orderBy) {
  const name = (row) => (row?.name ?? '').toLowerCase();
  const by = {
    id: (row) => row.id,
    name,
    customer: (row) => name(store.customers.get(row.customer)),
    project: (row) => name(store.projects.get(row.project)),
  }[orderBy];
  return (a, b) => (by(a) < by(b) ? -1 : by(a) > by(b) ? 1 : a.id - b.id);
}

// The rows that ids in a query mean; unknown ids mean nothing, forbidden ones are refused.
function rowsOf({ access, store }, kind, ids) {
  const { rows, reach } = KINDS[kind];
  const found = ids.filter(Boolean).map((id) => store[rows].get(Number(id))).filter(Boolean);
  demand(found.every((row) => access[reach](row)));
  return found;
}

function projectFilter(call, { customer, customers, start, end, ignoreDates, globalActivities }) {
  const tests = [];
  const wanted = new Set(rowsOf(call, 'customer', [...customers, customer]));
  if (wanted.size > 0) tests.push((row) => wanted.has(call.store.customers.get(row.customer)));
  if (globalActivities) tests.push((row) => row.globalActivities === (globalActivities === '1'));
  if (ignoreDates) return tests;
  const today = dateOf(call.zone, call.now);
  const days = [start, end].filter(Boolean).map((text) => (readDate(text) ? text : new Date(readQueryTime(text)).toISOString().slice(0, 10)));
  for (const day of days.length > 0 ? days : [today]) {
    tests.push((row) => (row.start === null || row.start <= day) && (row.end === null || row.end >= day));
  }
  return tests;
}

function activityFilter(call, { project, projects, globals }) {
  if (isYes(globals)) return [(row) => row.project === null];
  const wanted = rowsOf(call, 'project', [...projects, project]);
  if (wanted.length === 0) return [];
  const ids = new Set(wanted.map((row) => row.id));
  const withGlobals = wanted.length > 1 || wanted[0].globalActivities;
  return [(row) => ids.has(row.project) || (withGlobals && row.project === null)];
}

// ---- tags ----

function tagNames({ store, query }) {
  const { name } = readQuery(query, { name: is.text });
  return shownTags(store, name).map((tag) => tag.name);
}

function findTags({ store, views, query }) {
  const { name } = readQuery(query, { name: is.text });
  return name === undefined ? [] : shownTags(store, name).map((tag) => views.tag(tag));
}

const shownTags = (store, part = '') => [...store.tags.values()]
  .filter((tag) => tag.visible && tag.name.toLowerCase().includes(part.toLowerCase()))
  .sort((a, b) => (a.name.toLowerCase() < b.name.toLowerCase() ? -1 : 1));

function createTag({ access, store, views, body }) {
  demand(access.may('manage_tag') || access.may('create_tag'));
  const form = new Form({ name: types.text, color: COLOR, visible: types.flag }, body);
  const { name = null, color = null, visible = false } = form.values; // hidden, unless it is said
  if (name === null) form.error('name', BLANK);
  checkLength(form, 'name', name, { min: 2, max: 100 });
  if (name?.includes(',')) form.error('name', 'Tag name cannot contain comma');
  if (name !== null && store.tagNamed(name)) form.error('name', 'This value is already used.');
  form.refuse();
  return views.tag(store.add('tags', { name, color, visible }));
}

function deleteTag({ access, store }, { id }) {
  const tag = store.tags.get(Number(id)) ?? refuse(404);
  demand(access.may('delete_tag'));
  store.removeTag(tag);
  return undefined;
}

const PROJECT_LIST = { customer: is.id, customers: [is.id], start: is.day, end: is.day, ignoreDates: /^1$/, globalActivities: is.flag };

export const routes = {
  '/api/customers': { GET: list('customer', { full: is.flag }, () => []), POST: create('customer') },
  '/api/customers/{id}': one('customer'),
  '/api/projects': {
    GET: list('project', PROJECT_LIST, projectFilter),
    POST: create('project'),
  },
  '/api/projects/{id}': one('project'),
  '/api/activities': { GET: list('activity', { project: is.id, projects: [is.id], globals: is.yes }, activityFilter), POST: create('activity') },
  '/api/activities/{id}': one('activity'),
  '/api/tags': { GET: tagNames, POST: createTag },
  '/api/tags/find': { GET: findTags },
  '/api/tags/{id}': { DELETE: deleteTag },
};
