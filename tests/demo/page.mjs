// page.mjs - both stand-ins side by side in a browser, as they are now: what is booked in Zammad, and its timesheet in Kimai.

import { createServer } from 'node:http';

import { markerOf } from './check.mjs';

const ROWS = 200;
const ZONE = 'Europe/Berlin';
const time = new Intl.DateTimeFormat('en-GB', { timeZone: ZONE, day: '2-digit', month: 'short', hour: '2-digit', minute: '2-digit' });
const STYLE = `:root{color-scheme:light dark;font:15px/1.4 system-ui,sans-serif}body{margin:1.5rem auto;max-width:82rem;padding:0 1rem}
h1{font-size:1.4rem;margin:0}p{margin:.25rem 0 1rem}table{border-collapse:collapse;width:100%}
th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #8884;vertical-align:top}th{position:sticky;top:0;background:Canvas}
.n{text-align:right;font-variant-numeric:tabular-nums}.n,td:first-child{white-space:nowrap}.kimai{background:#2a9d4a1c}.none{opacity:.6}
small{opacity:.7}.billed{border:1px solid #b7791f;border-radius:.3rem;padding:0 .3rem;font-size:.8rem}`;

// Serves it on a free port of this machine: { url, close() }.
export async function servePage({ zammad, kimai }) {
  const server = createServer((request, response) => {
    const isPage = request.method === 'GET' && request.url === '/';
    response.writeHead(isPage ? 200 : 404, { 'Content-Type': 'text/html; charset=utf-8', 'Cache-Control': 'no-store' });
    response.end(isPage ? pageOf(zammad, kimai) : 'There is one page: /\n');
  });
  await new Promise((ready, failed) => server.once('error', failed).listen(0, '127.0.0.1', ready));
  return { url: `http://127.0.0.1:${server.address().port}`, close: () => (server.closeAllConnections(), server.close()) };
}

export function pageOf(zammad, kimai) {
  const { entries, tickets, types } = zammad.snapshot();
  const books = kimai.snapshot();
  const of = (rows, id) => rows.find((row) => row.id === id);
  const sheets = new Map(kimai.sheets().filter(markerOf).map((sheet) => [Number(markerOf(sheet)[2]), sheet]));
  const minutes = (of, length) => of.reduce((sum, one) => sum + length(one), 0);
  const rows = entries.toReversed().slice(0, ROWS).map((entry) => {
    const ticket = of(tickets, entry.ticket_id);
    const { firstname, lastname } = zammad.state.users.get(entry.created_by_id);
    const desk = [
      [time.format(new Date(entry.created_at))], [`${ticket.number} <small>${safe(ticket.title)}</small>`], [safe(`${firstname} ${lastname}`)],
      [safe(of(types, entry.type_id)?.name ?? '-')], [Number(entry.time_unit), 'n'],
    ];
    return `<tr>${desk.map(cell).join('')}${sheetCells(sheets.get(entry.id), books, of)}</tr>`;
  });
  const arrived = [...sheets.values()];
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="3">
<title>Zammad and Kimai</title>
<style>${STYLE}</style>
<h1>What is booked in Zammad, and its timesheet in Kimai</h1>
<p>${entries.length} bookings of ${minutes(entries, (entry) => Number(entry.time_unit))} minutes;
<b>${arrived.length} timesheets</b> of ${minutes(arrived, ({ duration }) => duration / 60)} minutes. ${entries.length > ROWS ? `The newest ${ROWS}; t` : 'T'}imes are those of ${ZONE}.</p>
<table>
<tr><th>booked<th>ticket<th>agent<th>kind of work<th class="n">minutes<th>customer, project<th>user<th>from<th class="n">minutes<th></tr>
${rows.join('\n')}
</table>
</html>
`;
}

function sheetCells(sheet, { users, customers, projects }, of) {
  if (!sheet) return '<td class="none" colspan="5">not in Kimai</td>';
  const project = of(projects, sheet.project);
  return [
    [safe(`${of(customers, project.customer).name}, ${project.name}`)], [safe(of(users, sheet.user).alias ?? of(users, sheet.user).username)],
    [time.format(new Date(sheet.begin))], [sheet.duration / 60, 'n'], [sheet.exported ? '<span class="billed">billed</span>' : ''],
  ].map(([text, style = '']) => cell([text, `kimai ${style}`])).join('');
}

const cell = ([text, style]) => `<td${style ? ` class="${style}"` : ''}>${text}</td>`;
const safe = (text) => String(text).replace(/[&<>"]/g, (letter) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[letter]);
