// config.mjs - Kimai's settings under the names that its own database uses, and what rules ask of them. Values are texts there
// ("1", "", "15"); numbers and booleans are taken as well.

import { readRelative } from './time.mjs';

const DEFAULTS = {
  'timesheet.mode': 'default', // default, punch
  'timesheet.default_begin': 'now',
  'timesheet.active_entries.hard_limit': '1',
  'timesheet.rules.allow_future_times': '1',
  'timesheet.rules.allow_zero_duration': '1',
  'timesheet.rules.allow_overlapping_records': '1',
  'timesheet.rules.allow_overbooking_budget': '1',
  'timesheet.rules.long_running_duration': '0', // minutes
  'timesheet.rules.lockdown_period_start': '',
  'timesheet.rules.lockdown_period_end': '',
  'timesheet.rules.lockdown_period_timezone': '',
  'timesheet.rules.lockdown_grace_period': '',
  'timesheet.rounding.default.mode': 'default', // default, floor, ceil, closest
  'timesheet.rounding.default.begin': '1', // minutes, 0: not at all
  'timesheet.rounding.default.end': '1',
  'timesheet.rounding.default.duration': '0',
  'timesheet.rounding.default.days': 'monday,tuesday,wednesday,thursday,friday,saturday,sunday',
  // Not Kimai's: since 2.35 each word with a colon in a search is a search for a custom field; before, only one with exactly one.
  'standin.search_colons': 'any', // any, one
};

export class Config {
  #values = { ...DEFAULTS };

  set(values) {
    for (const [name, value] of Object.entries(values)) {
      if (!(name in DEFAULTS)) throw new Error(`the stand-in knows no setting ${name}: ${Object.keys(DEFAULTS).join(', ')}`);
      this.#values[name] = typeof value === 'boolean' ? String(Number(value)) : String(value ?? '');
    }
  }

  all() {
    return { ...this.#values };
  }

  text(name) {
    return this.#values[name];
  }

  number(name) {
    return Number(this.#values[name]);
  }

  allows(rule) {
    return this.number(`timesheet.rules.allow_${rule}`) === 1;
  }

  rounding(what) {
    return this.number(`timesheet.rounding.default.${what}`);
  }

  // { start, end, grace } as instants; undefined when no lockdown is set, or it makes no sense.
  lockdown(zone, now) {
    const rule = (name) => this.text(`timesheet.rules.lockdown_${name}`);
    if (!rule('period_start').trim() || !rule('period_end').trim()) return undefined;
    const where = rule('period_timezone') || zone;
    const [start, end] = ['period_start', 'period_end'].map((name) => readRelative(rule(name), where, now));
    const grace = end !== undefined && rule('grace_period') ? readRelative(rule('grace_period'), where, end) : end;
    if (start === undefined || end === undefined || grace === undefined || end < start) return undefined;
    return { start, end, grace };
  }
}
