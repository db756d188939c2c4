// json.mjs - JSON as Rails writes it, and instants as Zammad prints them.

const ESCAPES = { '<': '\\u003c', '>': '\\u003e', '&': '\\u0026', '\u2028': '\\u2028', '\u2029': '\\u2029' };

// A text that is safe within HTML: whoever parses and writes it again gets other bytes.
export const railsJson = (value) => JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, (c) => ESCAPES[c]);

// Milliseconds since 1970 -> 2021-11-08T16:13:35.962Z, null stays null.
export const instantText = (ms) => (ms === null || ms === undefined ? null : new Date(ms).toISOString());

// Start of a month in a time zone, in milliseconds. month: 1..12, 13 is next year's January.
export function monthStart(year, month, zone) {
  const wall = Date.UTC(year, month - 1, 1);
  const guess = wall - offsetAt(wall, zone);
  return wall - offsetAt(guess, zone); // asked again, as the clocks may have been changed between the two
}

const FORMATS = new Map();

// How far the zone's clocks are ahead of UTC at an instant, in milliseconds.
export function offsetAt(ms, zone) {
  if (!FORMATS.has(zone)) {
    const numeric = { year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' };
    FORMATS.set(zone, new Intl.DateTimeFormat('en-US', { timeZone: zone, hourCycle: 'h23', ...numeric }));
  }
  const parts = Object.fromEntries(FORMATS.get(zone).formatToParts(ms).map(({ type, value }) => [type, Number(value)]));
  const wall = Date.UTC(parts.year, parts.month - 1, parts.day, parts.hour, parts.minute, parts.second);
  return wall - Math.floor(ms / 1000) * 1000;
}
