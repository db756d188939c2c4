// json.mjs - JSON as PHP writes it: 0.0 keeps its fraction, and what is not ASCII is escaped.

// A number that is a float in PHP.
export class Real {
  constructor(value) {
    this.value = value;
  }
}

export const real = (value) => (value === null || value === undefined ? null : new Real(value));

export function encode(value) {
  if (value === null || value === undefined) return 'null';
  switch (typeof value) {
    case 'string':
      return text(value);
    case 'number':
    case 'boolean':
      return String(value);
    default:
  }
  if (value instanceof Real) return Number.isInteger(value.value) ? `${value.value}.0` : String(value.value);
  if (Array.isArray(value)) return `[${value.map(encode).join(',')}]`;
  let out = '';
  for (const key in value) {
    if (value[key] === undefined) continue;
    out += `${out ? ',' : ''}${text(key)}:${encode(value[key])}`;
  }
  return `{${out}}`;
}

function text(value) {
  const quoted = JSON.stringify(value);
  // eslint-disable-next-line no-control-regex
  return /[^\x00-\x7f]/.test(quoted) ? quoted.replace(/[^\x00-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`) : quoted;
}
