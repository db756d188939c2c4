// cast.mjs - the people and firms of a small IT service team. Zammad's stand-in and Kimai's show the same ones for the same
// seed: an agent has the same e-mail address in both, an organisation the same name, an activity type its activity.

import { Random } from './random.mjs';

const TEAM_DOMAIN = 'lindgren-it.example';

const AGENTS = [
  ['Maren', 'Lindgren', 'Europe/Berlin'],
  ['Jonas', 'Öztürk', 'Europe/Berlin'],
  ['Aoife', 'Byrne', 'Europe/Dublin'],
  ['Tomáš', 'Novák', 'Europe/Prague'],
  ['Nadia', 'El-Amrani', 'Europe/Berlin'],
  ['Henrik', 'Sørensen', 'Europe/Copenhagen'],
  ['Yuki', 'Tanaka', 'Asia/Tokyo'],
  ['Priya', 'Raman', 'America/New_York'],
];

const ORGANISATIONS = [
  ['Bäckerei Sonnenfeld GmbH', 'sonnenfeld.example', 'Europe/Berlin', 'DE'],
  ['Kanzlei Brandt & Partner', 'brandt-partner.example', 'Europe/Berlin', 'DE'],
  ['Nordlicht Logistik AG', 'nordlicht.example', 'Europe/Berlin', 'DE'],
  ['Praxis Dr. Weidenfeller', 'weidenfeller.example', 'Europe/Berlin', 'DE'],
  ['Alpenblick Hotels', 'alpenblick.example', 'Europe/Zurich', 'CH'],
  ["O'Sullivan Engineering Ltd", 'osullivan.example', 'Europe/Dublin', 'IE'],
  ['Stadtwerke Kleinhausen', 'sw-kleinhausen.example', 'Europe/Berlin', 'DE'],
  ['Atelier Müller/Čapek', 'atelier-mc.example', 'Europe/Prague', 'CZ'],
];

const CONTACTS = ['Anna Vogt', 'Peter Lange', 'Sofia Rossi', 'Emil Kruse', 'Clara Baum', 'Omar Haddad', 'Ida Berg', 'Luca Fontana',
  'Greta Pohl', 'Milan Kovač', 'Ruth Adler', 'Ben Carter', 'Zoë Jansen', 'Karl Weiß', 'Lena Frost', 'Niall Doyle'];

// What Zammad calls an activity type, Kimai calls an activity. billable: what is usually charged.
const ACTIVITY_TYPES = [
  { name: 'Remote support', billable: true },
  { name: 'On-site visit', billable: true },
  { name: 'Project work', billable: true },
  { name: 'Consulting', billable: true },
  { name: 'Travel', billable: true },
  { name: 'Internal', billable: false },
];

const SUBJECTS = ['Printer on the second floor prints only blank pages', 'VPN drops every hour', 'New laptop for a new colleague',
  'Mailbox is full', 'Backup of last night failed', 'Certificate of the shop expires', 'Outlook asks for a password again and again',
  'Phone system: no calls from outside', 'Drucker nach Umzug nicht erreichbar', 'Update of the time clock software',
  'Slow Wi-Fi in the meeting room', 'Access to the shared folder "Invoices"', 'Rechner startet nicht mehr', 'Move of the server room',
  'Phishing mail, what to do?', 'Scanner to e-mail stopped', 'Fritz!Box replaced, nothing works', 'Licence of the CAD programme'];

const plain = (text) => text.replace(/ø/g, 'oe').normalize('NFD').replace(/[^A-Za-z-]/g, '').toLowerCase();

// { agents, organisations, activityTypes, subjects, domain }: lists in the order in which both stand-ins give out their ids.
//   agent: { firstname, lastname, name, login, email, timezone }
//   organisation: { name, domain, timezone, country, contacts: [{ firstname, lastname, email }] }
export function castOf(seed, { agents = 5, organisations = 6 } = {}) {
  const random = new Random(seed).fork('cast');
  const [lead, ...others] = AGENTS;
  return {
    domain: TEAM_DOMAIN,
    agents: [lead, ...shuffled(others, random)].slice(0, agents).map(([firstname, lastname, timezone]) => {
      const login = `${plain(firstname)}.${plain(lastname)}`;
      return { firstname, lastname, name: `${firstname} ${lastname}`, login, email: `${login}@${TEAM_DOMAIN}`, timezone };
    }),
    organisations: shuffled(ORGANISATIONS, random).slice(0, organisations).map(([name, domain, timezone, country], i) => ({
      name, domain, timezone, country,
      contacts: [CONTACTS[(2 * i) % CONTACTS.length], CONTACTS[(2 * i + 1) % CONTACTS.length]].map((contact) => {
        const [firstname, lastname] = contact.split(' ');
        return { firstname, lastname, email: `${plain(firstname)}.${plain(lastname)}@${domain}` };
      }),
    })),
    activityTypes: ACTIVITY_TYPES.map((type) => ({ ...type })),
    subjects: shuffled(SUBJECTS, random),
  };
}

function shuffled(list, random) {
  const mixed = [...list];
  for (let i = mixed.length - 1; i > 0; i--) {
    const other = random.integer(0, i);
    [mixed[i], mixed[other]] = [mixed[other], mixed[i]];
  }
  return mixed;
}
