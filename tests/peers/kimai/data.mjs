// data.mjs - Kimai as a small team has it before anybody synchronises: the people, most customers, the activities, and the month
// of those who book in Kimai itself what belongs to no ticket.

import { castOf } from '../support/cast.mjs';
import { dateOf, fromLocal } from './time.mjs';

const DAY = 86_400_000;
const INTERNAL = ['Team meeting', 'Training', 'Stock-taking of spare parts', 'Interview with an applicant', 'Documentation'];

export function fillMonth(kimai) {
  const { agents, organisations, activityTypes } = castOf(kimai.seed);
  const random = kimai.random.fork('kimai month');
  const users = agents.map(({ name, login, email, timezone }, i) =>
    kimai.addUser({ username: login, alias: name, email, timezone, roles: i === 0 ? ['ROLE_TEAMLEAD'] : [], hourlyRate: 85 + 5 * i }));
  const own = kimai.addCustomer({ name: 'Lindgren IT', billable: false, timezone: 'Europe/Berlin' });
  const internal = kimai.addProject({ name: 'Internal', customer: own.id, billable: false });
  // The last organisation is new: its customer is not there yet.
  for (const { name, timezone, country } of organisations.slice(0, -1)) kimai.addCustomer({ name, timezone, country });
  const activities = activityTypes.map(({ name, billable }) => kimai.addActivity({ name, billable }));
  const internalActivity = activities.find(({ name }) => name === 'Internal');
  const now = kimai.clock.now();
  for (const user of users) {
    for (let ago = 30; ago > 0; ago--) {
      const date = dateOf(user.timezone, now - ago * DAY);
      const weekday = new Date(`${date}T00:00:00Z`).getUTCDay();
      if (weekday === 0 || weekday === 6 || !random.chance(0.3)) continue;
      const begin = fromLocal(user.timezone, Date.parse(`${date}T09:00:00Z`));
      kimai.addSheet({
        user: user.id, project: internal.id, activity: internalActivity.id, begin, end: begin + random.integer(1, 6) * 900_000,
        description: random.pick(INTERNAL), exported: ago > 20,
      });
    }
  }
}
