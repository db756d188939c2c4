// check.mjs - what the demo promises, looked for in both stand-ins themselves: nothing that Dowel says of itself is believed.

import assert from 'node:assert/strict';

const MINUTE_S = 60;
// Of a timesheet: [, ticket, booking], or null where it is none of Dowel's.
export const markerOf = ({ description }) => /^ZAM:T(\d+)\|TA:(\d+)\|C:[0-9a-f]{8}$/.exec((description ?? '').split('\n')[0]);

export const ownSheets = (kimai) => kimai.sheets().filter(markerOf);

// Each booking that can have a timesheet has exactly one, with its length, agent, activity and customer. Gives how many.
export function checkMonth(zammad, kimai) {
  const booked = new Map(zammad.snapshot().entries.map((entry) => [entry.id, entry]));
  const sheets = ownSheets(kimai);
  const names = namesOf(zammad, kimai);
  const found = new Set();
  for (const sheet of sheets) {
    const [, ticket, id] = markerOf(sheet).map(Number);
    const entry = booked.get(id);
    assert.ok(entry, `timesheet ${sheet.id} is of a booking that is not there`);
    assert.ok(!found.has(id), `booking ${id} has two timesheets`);
    found.add(id);
    assert.equal(entry.ticket_id, ticket);
    assert.deepEqual(names.ofSheet(sheet), names.ofEntry(entry), `timesheet ${sheet.id}`);
    // Kimai has full minutes only, and rounds up what is none.
    assert.equal(sheet.duration, Math.ceil(Number(entry.time_unit)) * MINUTE_S, `booking ${id}: ${entry.time_unit} minutes`);
  }
  const lacking = [...booked.values()].filter(({ id }) => !found.has(id));
  for (const entry of lacking) assert.ok(names.isLeft(entry), `booking ${entry.id} has no timesheet, and nobody knows why`);
  assert.ok(sheets.length > 50, `only ${sheets.length} timesheets`);
  return { moved: sheets.length, left: lacking.length };
}

// Who, what, for whom: as each of the two calls it.
function namesOf(zammad, kimai) {
  const desk = zammad.snapshot();
  const books = kimai.snapshot();
  const of = (rows, id) => rows.find((row) => row.id === id);
  const type = (entry) => of(desk.types, entry.type_id)?.name;
  const user = (entry) => of(desk.agents, entry.created_by_id)?.login;
  return {
    ofEntry: (entry) => ({ agent: user(entry), activity: type(entry), customer: of(desk.tickets, entry.ticket_id).organization }),
    ofSheet: ({ user: id, activity, project }) => ({
      agent: of(books.users, id).email,
      activity: of(books.activities, activity).name,
      customer: of(books.customers, of(books.projects, project).customer).name,
    }),
    // Nobody in Kimai is that agent, or nothing there is called so, or there is no time to bill.
    isLeft: (entry) => Number(entry.time_unit) <= 0
      || !books.users.some(({ email }) => email === user(entry))
      || !books.activities.some(({ name }) => name === type(entry)),
  };
}
