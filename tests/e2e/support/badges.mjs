// badges.mjs - people for tests: the example plugin badges tells who they are by their tokens.

import { randomBytes } from 'node:crypto';

export const tenants = { a: '0190a0a0-0000-7000-8000-00000000000a', b: '0190a0a0-0000-7000-8000-00000000000b' };

// { name: { token, tenant } } of { name: 'a notes.read notes.write' }: a tenant of the above, or -, and what they may.
export function badges(people) {
  return Object.fromEntries(Object.entries(people).map(([name, text]) => {
    const [tenant, ...permissions] = text.split(' ');
    return [name, { name, token: randomBytes(16).toString('hex'), tenant: tenants[tenant] ?? '-', permissions }];
  }));
}

// What conf.d/badges.yaml says about them.
export function badgesYaml(people) {
  const lines = Object.values(people).map(({ token, name, tenant, permissions }) => `  ${token} ${name} ${tenant} ${permissions.join(' ')}`);
  return `tokens: |\n${lines.join('\n')}\n`;
}

export const bearer = (person) => (person ? { Authorization: `Bearer ${person.token}` } : {});
