// views.mjs - rows as Kimai shows them. Three depths: in a list, nested in something else (full=1), and alone. What a token may
// not see is not null but absent.

import { real } from './json.mjs';
import { printed } from './time.mjs';

const PALETTE = ['#AAAAAA', '#DDDDDD', '#a972c9', '#9C27B0', '#673AB7', '#041fd1', '#5319e7', '#3F51B5', '#0074D9', '#2196F3', '#03A9F4',
  '#7FDBFF', '#39CCCC', '#00BCD4', '#006b75', '#009688', '#00bb32', '#4CAF50', '#3D9970', '#2ECC40', '#01FF70', '#8BC34A', '#CDDC39',
  '#FFDC00', '#FFC107', '#FF851B', '#FF9800', '#FF5722', '#f41a00', '#E91E63', '#85144b', '#b60205', '#FF4136', '#cc317c', '#F012BE',
  '#d82d80', '#B10DC9', '#e135f4', '#2d3748', '#4a5568', '#718096'];

// Of a row without a colour of its own: chosen by the name's bytes, of which those above ASCII do not count.
export function colorOf({ color, name, alias, username }) {
  if (color) return color;
  let sum = 0;
  for (const byte of Buffer.from(alias ?? name ?? username)) sum += byte < 0x80 ? byte : 0;
  return PALETTE[sum % PALETTE.length];
}

export class Views {
  constructor(store) {
    this.store = store;
  }

  // budget: whether the token may see it
  customer(customer, { depth = 'list', budget = false } = {}) {
    const alone = depth === 'alone';
    return {
      'color-safe': colorOf(customer),
      id: customer.id,
      name: customer.name,
      number: customer.number,
      comment: customer.comment,
      visible: customer.visible,
      billable: customer.billable,
      company: customer.company,
      ...(alone && { vatId: customer.vatId, contact: customer.contact, address: customer.address }),
      country: customer.country,
      language: customer.language,
      currency: customer.currency,
      phone: customer.phone,
      fax: customer.fax,
      mobile: customer.mobile,
      ...(alone && { email: customer.email }),
      homepage: customer.homepage,
      timezone: customer.timezone,
      metaFields: [],
      ...(depth !== 'nested' && { teams: this.#teams(customer) }),
      ...(alone && this.#address(customer)),
      ...(budget && this.#budget(customer)),
      color: customer.color,
    };
  }

  project(project, { depth = 'list', budget = false } = {}) {
    const customer = this.store.customers.get(project.customer);
    const nested = depth === 'nested';
    return {
      ...(!nested && { parentTitle: customer.name, customer: customer.id }),
      'color-safe': colorOf(project),
      id: project.id,
      ...(nested && { customer: this.customer(customer, { depth: 'nested' }) }),
      name: project.name,
      orderNumber: project.orderNumber,
      orderDate: project.orderDate,
      start: project.start,
      end: project.end,
      comment: project.comment,
      visible: project.visible,
      billable: project.billable,
      metaFields: [],
      ...(!nested && { teams: this.#teams(project) }),
      globalActivities: project.globalActivities,
      number: project.number,
      ...(budget && this.#budget(project)),
      color: project.color,
    };
  }

  activity(activity, { depth = 'list', budget = false } = {}) {
    const nested = depth === 'nested';
    const project = this.store.projects.get(activity.project);
    return {
      ...(!nested && { parentTitle: project?.name ?? null, project: activity.project }),
      'color-safe': colorOf(activity),
      id: activity.id,
      ...(nested && { project: project ? this.project(project, { depth: 'nested' }) : null }),
      name: activity.name,
      comment: activity.comment,
      visible: activity.visible,
      billable: activity.billable,
      metaFields: [],
      ...(!nested && { teams: this.#teams(activity) }),
      number: activity.number,
      ...(budget && this.#budget(activity)),
      color: activity.color,
    };
  }

  tag(tag) {
    return { 'color-safe': colorOf(tag), id: tag.id, name: tag.name, visible: tag.visible, color: tag.color };
  }

  user(user) {
    return { ...this.#userHead(user), ...this.#userName(user), ...this.#userTail(user), color: user.color };
  }

  // prepared: with the preferences that have defaults only, as GET /users/{id} shows them and a new user does not
  userAlone(user, { prepared = true } = {}) {
    const teams = [...this.store.teams.values()].filter((team) => team.members.some((member) => member.user === user.id));
    return {
      apiToken: user.apiToken !== undefined,
      preferences: preferencesOf(user, prepared),
      locale: user.locale,
      timezone: user.timezone,
      language: user.language,
      teams: teams.map((team) => this.teamInList(team)),
      ...this.#userName(user),
      memberships: teams.map((team) => ({
        team: this.teamInList(team),
        teamlead: team.members.find((member) => member.user === user.id).teamlead,
      })),
      username: user.username,
      email: user.email,
      accountNumber: user.accountNumber,
      enabled: user.enabled,
      roles: user.roles,
      systemAccount: user.systemAccount,
      supervisor: null,
      color: user.color,
    };
  }

  teamInList(team) {
    return { 'color-safe': colorOf(team), id: team.id, name: team.name, color: team.color };
  }

  team(team) {
    const { users, customers, projects, activities } = this.store;
    const linked = (rows, view) => [...rows.values()].filter((row) => row.teams.includes(team.id)).map(view);
    return {
      'color-safe': colorOf(team),
      id: team.id,
      name: team.name,
      members: team.members.map(({ user, teamlead }) => ({ user: this.user(users.get(user)), teamlead })),
      customers: linked(customers, (row) => this.customer(row, { depth: 'nested' })),
      projects: linked(projects, (row) => this.project(row, { depth: 'nested' })),
      activities: linked(activities, (row) => this.activity(row, { depth: 'nested' })),
      color: team.color,
    };
  }

  // depth: list or alone; full: with the objects instead of their ids; rates: whether the token may see them; zone: in which
  // times are printed, the row's own unless it was just written by somebody elsewhere.
  sheet(sheet, { depth = 'list', full = false, rates = false, zone = sheet.zone } = {}) {
    const { users, projects, activities, tags } = this.store;
    const shown = {};
    if (!full) Object.assign(shown, { activity: sheet.activity, project: sheet.project, user: sheet.user });
    shown.tags = sheet.tags.map((id) => tags.get(id).name);
    shown.id = sheet.id;
    shown.begin = printed(zone, sheet.begin);
    shown.end = sheet.end === null ? null : printed(zone, sheet.end);
    shown.duration = sheet.duration;
    shown.break = 0;
    if (full) {
      shown.user = this.user(users.get(sheet.user));
      shown.activity = this.activity(activities.get(sheet.activity), { depth: 'nested' });
      shown.project = this.project(projects.get(sheet.project), { depth: 'nested' });
    }
    shown.description = sheet.description;
    if (rates) {
      shown.rate = real(sheet.rate);
      shown.internalRate = real(sheet.internalRate);
      if (depth === 'alone') Object.assign(shown, { fixedRate: real(sheet.fixedRate), hourlyRate: real(sheet.hourlyRate) });
    }
    return Object.assign(shown, { exported: sheet.exported, billable: sheet.billable, metaFields: [] });
  }

  #teams(row) {
    return row.teams.map((id) => this.teamInList(this.store.teams.get(id)));
  }

  #budget(row) {
    return { budget: real(row.budget), timeBudget: row.timeBudget, budgetType: row.budgetType };
  }

  #address(customer) {
    const { addressLine1, addressLine2, addressLine3, postCode, city, invoiceEmail, buyerReference } = customer;
    return { addressLine1, addressLine2, addressLine3, postCode, city, invoiceEmail, buyerReference };
  }

  #userHead({ apiToken, locale, timezone, language }) {
    return { apiToken: apiToken !== undefined, locale, timezone, language };
  }

  #userName(user) {
    return { initials: initialsOf(user.alias ?? user.username), 'color-safe': colorOf(user), id: user.id, alias: user.alias, title: user.title, avatar: null };
  }

  #userTail({ username, email, accountNumber, enabled, systemAccount }) {
    return { username, email, accountNumber, enabled, systemAccount };
  }
}

function initialsOf(name) {
  const [first, second] = name.split(/\s+/);
  return (second ? first[0] + second[0] : first.slice(0, 2)).toUpperCase();
}

const CONTRACT = ['work_monday', 'work_tuesday', 'work_wednesday', 'work_thursday', 'work_friday', 'work_saturday', 'work_sunday'];

function preferencesOf(user, prepared) {
  const list = [
    ['work_contract_type', 'none'],
    ...CONTRACT.map((name) => [name, '0']),
    ['public_holiday_group', null],
    ['holidays', '0'],
    ['work_start_day', null],
    ['work_last_day', null],
  ];
  if (prepared) {
    const internal = user.internalRate === null ? null : String(user.internalRate);
    list.push(['hourly_rate', String(user.hourlyRate)], ['internal_rate', internal], ['first_weekday', 'monday'], ['favorite_routes', '']);
  }
  return list.map(([name, value]) => ({ name, value }));
}
