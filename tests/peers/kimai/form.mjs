// form.mjs - a form as Symfony handles one: named fields, each read by a type, and an answer that shows all errors at once, each
// at its field or, when it has none, at the whole form.

import { Refusal } from './errors.mjs';

export const INVALID = 'This value is not valid.';
export const NO_CHOICE = 'The selected choice is invalid.';
export const BLANK = 'This value should not be blank.';
export const NULL = 'This value should not be null.';

// A type reads a value: (given) -> { value } or { error }.
export const types = {
  text: (given) => {
    if (given === null) return { value: null };
    if (typeof given === 'object') return { error: INVALID };
    const value = trimmed(given === true ? '1' : given === false ? '' : String(given));
    return { value: value === '' ? null : value };
  },
  flag: (given) => (given !== null && typeof given === 'object' ? { error: INVALID } : { value: given !== null && given !== false }),
  number: (given) => {
    if (given === null || given === '') return { value: null };
    const value = typeof given === 'string' ? Number(given.replace(',', '.')) : given;
    return typeof value === 'number' && Number.isFinite(value) ? { value } : { error: 'Please enter a number.' };
  },
  // One of the rows that `find` knows under an id, a number or a text of digits; the value is the id.
  choice: (find) => (given) => {
    if (given === null || given === '') return { value: null };
    if (typeof given === 'object') return { error: NO_CHOICE };
    const found = /^\d+$/.test(String(given)) ? find(Number(given)) : undefined;
    return found ? { value: found.id } : { error: NO_CHOICE };
  },
  choices: (find) => (given) => {
    if (given === null || given === '') return { value: [] };
    if (!Array.isArray(given)) return { error: NO_CHOICE };
    const found = given.map((id) => find(id));
    return found.every(Boolean) ? { value: found.map((row) => row.id ?? row) } : { error: NO_CHOICE };
  },
  oneOf: (values) => (given) => (given === null || given === '' ? { value: null } : values(given) ? { value: given } : { error: NO_CHOICE }),
  // A number is hours, "1:30" is hours and minutes, "90m" speaks for itself; the value is seconds.
  duration: (given) => {
    if (given === null || given === '') return { value: null };
    const value = secondsOf(String(given));
    return value === undefined ? { error: INVALID } : { value };
  },
};

// Symfony trims each text, of whatever Unicode takes for a space or a control.
export function trimmed(text) {
  return text.replace(/^[\p{Z}\p{Cc}\p{Cf}]+|[\p{Z}\p{Cc}\p{Cf}]+$/gu, '');
}

function secondsOf(text) {
  const colon = /^(-?)(\d+):(\d+)(?::(\d+))?$/.exec(text);
  if (colon) {
    const [, sign, hours, minutes, seconds = '0'] = colon;
    return (sign ? -1 : 1) * (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds));
  }
  if (/^-?\d+([.,]\d+)?$/.test(text)) return Math.round(Number(text.replace(',', '.')) * 3600);
  const natural = /^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$/i.exec(text);
  if (!natural) return undefined;
  const [hours = 0, minutes = 0, seconds = 0] = natural.slice(1).map((part) => Number(part ?? 0));
  return hours * 3600 + minutes * 60 + seconds;
}

export class Form {
  #errors = []; // of the whole form
  #children = new Map(); // field -> list of texts
  #unread = new Set(); // fields whose value could not be read: nothing else is said of them
  values = {}; // what was given and could be read
  given;

  // fields: { name: type } in the order in which the answer names them
  constructor(fields, given) {
    this.given = given;
    for (const name of Object.keys(fields)) this.#children.set(name, []);
    for (const [name, value] of Object.entries(given)) {
      if (!(name in fields)) continue;
      const { value: read, error } = fields[name](value);
      if (error) {
        this.error(name, error);
        this.#unread.add(name);
      } else {
        this.values[name] = read;
      }
    }
    if (Object.keys(given).some((name) => !(name in fields))) this.#errors.push('This form should not contain extra fields.');
  }

  // Whether a value was given and read.
  has(name) {
    return name in this.values;
  }

  // A text at a field, or at the whole form when there is no such field.
  error(name, text) {
    if (this.#unread.has(name)) return;
    if (this.#children.has(name)) this.#children.get(name).push(text);
    else this.#errors.push(text);
  }

  get failed() {
    return this.#errors.length > 0 || [...this.#children.values()].some((texts) => texts.length > 0);
  }

  // Answers 400 with all that is wrong, if anything is.
  refuse() {
    if (!this.failed) return;
    const children = {};
    for (const [name, errors] of this.#children) children[name] = errors.length > 0 ? { errors } : {};
    const errors = this.#errors.length > 0 ? { errors: this.#errors, children } : { children };
    throw new Refusal(400, { code: 400, message: 'Validation Failed', errors });
  }
}

// A length in characters, as Symfony words it.
export function checkLength(form, name, value, { min, max }) {
  if (value === null || value === undefined) return;
  const length = [...value].length;
  if (min && length < min) form.error(name, `This value is too short. It should have ${min} characters or more.`);
  if (max && length > max) form.error(name, `This value is too long. It should have ${max} characters or less.`);
}
