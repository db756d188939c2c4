// watch.mjs - says what happens in Kimai while it happens.

const LOOK_MS = 400;

// Calls tell('3 timesheets came, 1 changed') after each change that has come to rest. Returns what ends it.
export function watch(kimai, tell) {
  let known = seen(kimai);
  let last = known;
  const timer = setInterval(() => {
    const now = seen(kimai);
    const rests = isSame(now, last);
    last = now;
    if (!rests || isSame(now, known)) return;
    tell(difference(known, now));
    known = now;
  }, LOOK_MS);
  return () => clearInterval(timer);
}

const seen = (kimai) => new Map(kimai.sheets().map((sheet) => [sheet.id, JSON.stringify(sheet)]));
const isSame = (a, b) => a.size === b.size && [...a].every(([id, text]) => b.get(id) === text);

function difference(before, after) {
  const came = [...after.keys()].filter((id) => !before.has(id)).length;
  const went = [...before.keys()].filter((id) => !after.has(id)).length;
  const changed = [...after].filter(([id, text]) => before.has(id) && before.get(id) !== text).length;
  const parts = [[came, 'came'], [changed, 'changed'], [went, 'went']].filter(([n]) => n > 0);
  return parts.map(([n, what]) => `${n} ${n === 1 ? 'timesheet' : 'timesheets'} ${what}`).join(', ');
}
