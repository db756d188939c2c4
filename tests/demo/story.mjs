// story.mjs - what there is to look at and to try: each line is a command that works as it stands, and --once runs them all.

import { SYNC } from './stage.mjs';

// As a shell takes it.
export const quoted = (text) => (/^[\w./:=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

// The one command that moves the month, in full.
export const theCommand = ({ dowel }) => [quoted(dowel.binary), 'timesync', 'run', `"${SYNC}"`, ...dowel.places.map(quoted)].join(' ');

// What it would do, and writes nothing.
export const thePlan = ({ short }) => `${quoted(short)} timesync plan "${SYNC}"`;

// What to try afterwards, in this order: { says, line }. What is in capitals stands for an id that was shown before: SHEET and ENTRY
// for those of the timesheet that is shown first.
export function tries({ zammad, kimai, short: path }) {
  const short = quoted(path);
  const entry = someEntry(zammad);
  const sheets = `${kimai.url}/api/timesheets?user=all&term=%7CTA&size=1`; // one of ours: with a marker
  return [
    { says: 'a timesheet (SHEET: its id) as Kimai gives it; its first line says of which ticket and booking (ENTRY: behind TA) it is', line: `curl -s -H "Authorization: Bearer ${kimai.token}" "${sheets}"` },
    { says: 'what a full run would do now: nothing is doubled', line: `${short} timesync plan "${SYNC}" --full` },
    { says: 'the same, done', line: `${short} timesync run "${SYNC}" --full` },
    { says: 'what only a person can decide', line: `${short} timesync cases` },
    { says: 'time that was given back cannot be billed', line: `${short} timesync cases --reason NEGATIVE_AMOUNT` },
    { says: 'so it is decided', line: `${short} timesync decide skip CASE --note "goodwill"` },
    { says: 'the helper has no account in Kimai: his time is somebody else\'s there, and what waited for that is settled',
      line: `${short} timesync map "${SYNC}" user "${HELPER}" "${substitute(kimai)}"`, settles: true },
    { says: `somebody corrects in Zammad what was booked (it was ${Number(entry.time_unit)} minutes)`,
      line: `curl -s -d '{"time_unit":"${corrected(entry)}"}' ${zammad.url}/_control/entries/${entry.id}`, moves: true },
    { says: 'the webhook told it: Kimai has it already', line: `${short} timesync runs --limit 1` },
    { says: 'taken back, as if it had never been', line: `${short} timesync undo RUN --yes` },
    { says: 'and so that you can change what was wrong, nothing begins by itself until you say so', line: `${short} timesync release "${SYNC}"` },
    { says: 'somebody bills that timesheet in Kimai', line: `curl -s -d '{}' ${kimai.url}/_control/timesheets/SHEET/export`, bills: true },
    { says: 'and somebody corrects afterwards what it is of', line: `curl -s -d '{"time_unit":"50"}' ${zammad.url}/_control/entries/ENTRY`, locks: true },
    { says: 'what is billed stays as it is; a person decides', line: `${short} timesync cases --reason LOCKED_OR_EXPORTED` },
    { says: 'what there is to bill', line: `${short} timesync report --by customer` },
  ];
}

const HELPER = 'Jürgen Groß-Ähnlich'; // of the stand-ins' month, whatever the seed
const substitute = (kimai) => kimai.snapshot().users[2].alias; // after the administrator and the head of the team

const corrected = ({ time_unit }) => (Number(time_unit) === 75 ? 105 : 75);

// One that the month's first run moves: by somebody whom Kimai knows, of a kind that is mapped, on a ticket that was not merged.
function someEntry(zammad) {
  const { agents, entries, tickets, types } = zammad.snapshot();
  const [type] = types; // called the same in Kimai
  const isOpen = new Map(tickets.map(({ id, state }) => [id, state !== 'merged']));
  const isAgent = (user) => agents.some(({ id }) => id === user);
  const fits = ({ created_by_id, type_id, time_unit, ticket_id }) =>
    isAgent(created_by_id) && type_id === type.id && Number(time_unit) > 0 && isOpen.get(ticket_id);
  return entries.filter(fits).at(-1);
}
