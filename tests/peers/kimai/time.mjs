// time.mjs - local times of named zones, as PHP reads and prints them. Instants are milliseconds since 1970.

const MINUTE = 60_000;
const QUARTER = 15 * MINUTE; // an offset never changes within one

const formats = new Map(); // zone -> Intl.DateTimeFormat
const offsets = new Map(); // zone -> Map(quarter -> offset)

export function isZone(zone) {
  try {
    formatOf(zone);
    return true;
  } catch {
    return false;
  }
}

function formatOf(zone) {
  let format = formats.get(zone);
  if (!format) {
    const fields = { year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' };
    format = new Intl.DateTimeFormat('en-US', { timeZone: zone, hourCycle: 'h23', era: 'short', ...fields });
    formats.set(zone, format);
  }
  return format;
}

// What a clock in that zone is ahead of UTC at an instant, in milliseconds.
export function offsetAt(zone, at) {
  if (zone === 'UTC') return 0;
  let known = offsets.get(zone);
  if (!known) offsets.set(zone, (known = new Map()));
  const quarter = Math.floor(at / QUARTER);
  let offset = known.get(quarter);
  if (offset === undefined) known.set(quarter, (offset = measured(zone, quarter * QUARTER)));
  return offset;
}

function measured(zone, at) {
  const parts = Object.fromEntries(formatOf(zone).formatToParts(at).map(({ type, value }) => [type, value]));
  const year = parts.era.startsWith('B') ? 1 - Number(parts.year) : Number(parts.year);
  return Date.UTC(year, parts.month - 1, parts.day, parts.hour, parts.minute, parts.second) - at;
}

// The instant of a local time (given as if it were UTC). A time that the clock jumps over is later by the jump; of a time that
// comes twice the second one is meant.
export function fromLocal(zone, local) {
  const before = offsetAt(zone, local - 24 * 60 * MINUTE);
  const after = offsetAt(zone, local + 24 * 60 * MINUTE);
  for (const offset of [after, before]) {
    if (offsetAt(zone, local - offset) === offset) return local - offset;
  }
  return local - before;
}

const two = (number) => String(number).padStart(2, '0');

// 2026-11-20T09:00:00+0100, the offset without a colon.
export function printed(zone, at) {
  const offset = offsetAt(zone, at);
  const minutes = Math.abs(offset) / MINUTE;
  const sign = offset < 0 ? '-' : '+';
  return `${new Date(at + offset).toISOString().slice(0, 19)}${sign}${two(Math.floor(minutes / 60))}${two(Math.floor(minutes % 60))}`;
}

// The date in that zone, 2026-11-20.
export function dateOf(zone, at) {
  return new Date(at + offsetAt(zone, at)).toISOString().slice(0, 10);
}

// The instant at which a date (2026-11-20) begins, or the last second of it.
export function dayStart(zone, date) {
  return fromLocal(zone, Date.parse(`${date}T00:00:00Z`));
}

export function dayEnd(zone, date) {
  return fromLocal(zone, Date.parse(`${date}T23:59:59Z`));
}

const FORM_TIME = /^(\d{4})-(\d{2})-(\d{2})[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?\s*(Z|UTC|[+-]\d{2}:?\d{2})?$/i;

// What a form accepts as a date-time: seconds, fraction and an offset may be there; without an offset it is local in `zone`.
// Undefined when it is none.
export function readFormTime(text, zone) {
  const found = FORM_TIME.exec(text);
  if (!found) return undefined;
  const [, year, month, day, hour, minute, second = '0', offset] = found;
  if (!isDate(Number(year), Number(month), Number(day)) || hour > 24 || minute > 59 || second > 59) return undefined;
  const local = Date.UTC(year, month - 1, day, hour, minute, second);
  if (!offset) return fromLocal(zone, local);
  const shift = /^[+-]/.test(offset) ? Number(`${offset[0]}1`) * (Number(offset.slice(1, 3)) * 60 + Number(offset.slice(-2))) : 0;
  return local - shift * MINUTE;
}

// The one form that a query takes, YYYY-MM-DDTHH:MM:SS, as if it were UTC; undefined for all else.
export function readQueryTime(text) {
  const found = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})$/.exec(text);
  if (!found) return undefined;
  const [year, month, day, hour, minute, second] = found.slice(1).map(Number);
  if (!isDate(year, month, day) || hour > 23 || minute > 59 || second > 59) return undefined;
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

export function readDate(text) {
  const found = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text);
  return found && isDate(...found.slice(1).map(Number)) ? text : undefined;
}

function isDate(year, month, day) {
  return month >= 1 && month <= 12 && day >= 1 && day <= new Date(Date.UTC(year, month, 0)).getUTCDate();
}

// The part of PHP's relative times that lockdown settings are written in: "first day of last month 00:00:00", "-2 weeks",
// "today", "2026-09-30 23:59:59". Undefined for what is not understood.
export function readRelative(text, zone, now) {
  let local = new Date(now + offsetAt(zone, now));
  let rest = text.trim().toLowerCase();
  const take = (pattern, act) => {
    const found = pattern.exec(rest);
    if (!found) return;
    rest = rest.replace(pattern, ' ').trim();
    act(found);
  };
  take(/\d{4}-\d{2}-\d{2}/, ([date]) => (local = new Date(`${date}T00:00:00Z`)));
  take(/\b(today|midnight)\b/, () => local.setUTCHours(0, 0, 0, 0));
  take(/\b(first|last) day of (last|previous|this|next) month\b/, ([, which, month]) => {
    const step = { last: -1, previous: -1, this: 0, next: 1 }[month] + (which === 'last' ? 1 : 0);
    local.setUTCDate(1);
    local.setUTCMonth(local.getUTCMonth() + step);
    if (which === 'last') local.setUTCDate(0);
  });
  for (let more = true; more; ) {
    more = false;
    take(/([+-]?\d+) (second|minute|hour|day|week|month|year)s?/, ([, amount, unit]) => {
      more = true;
      shift(local, Number(amount), unit);
    });
  }
  take(/(\d{1,2}):(\d{2})(?::(\d{2}))?/, ([, hour, minute, second = '0']) => local.setUTCHours(hour, minute, second, 0));
  take(/\bnow\b/, () => {});
  return rest === '' ? fromLocal(zone, Math.floor(local.getTime() / 1000) * 1000) : undefined;
}

function shift(local, amount, unit) {
  const fixed = { second: 1000, minute: MINUTE, hour: 60 * MINUTE, day: 1440 * MINUTE, week: 7 * 1440 * MINUTE }[unit];
  if (fixed) local.setTime(local.getTime() + amount * fixed);
  else if (unit === 'month') local.setUTCMonth(local.getUTCMonth() + amount);
  else local.setUTCFullYear(local.getUTCFullYear() + amount);
}
