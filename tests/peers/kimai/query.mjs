// query.mjs - query parameters as Kimai checks them: what it does not know it ignores, what it knows must be right (400).

import { refuse } from './errors.mjs';
import { readDate, readQueryTime } from './time.mjs';

export const is = {
  id: /^\d+$/,
  flag: /^[01]$/,
  yes: /^(0|1|true|false)$/,
  order: /^(ASC|DESC)$/,
  visible: /^[123]$/,
  time: { test: (text) => readQueryTime(text) !== undefined },
  day: { test: (text) => readQueryTime(text) !== undefined || readDate(text) !== undefined },
  text: { test: () => true },
};

// known: { name: one of `is`, or [one of `is`] for name[]=a&name[]=b }. Returns { name: text, undefined or list }; an empty text
// is none.
export function readQuery(query, known) {
  const read = {};
  for (const [name, rule] of Object.entries(known)) {
    if (Array.isArray(rule)) {
      read[name] = listOf(query, name);
      if (query.has(name) || !read[name].every((value) => value === '' || rule[0].test(value))) refuse(400);
      read[name] = read[name].filter((value) => value !== '');
    } else {
      const value = query.getAll(name).at(-1);
      if (listOf(query, name).length > 0 || (value && !rule.test(value))) refuse(400);
      read[name] = value || undefined;
    }
  }
  return read;
}

function listOf(query, name) {
  const values = [];
  for (const [key, value] of query) if (key.startsWith(`${name}[`) && /^\[\w*\]$/.test(key.slice(name.length))) values.push(value);
  return values;
}

export const isYes = (text) => text === '1' || text === 'true';
