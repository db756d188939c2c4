// sign_in.mjs - the first person of a server, as clients sign in: { token, tenant }.

import { setUp, signIn as login } from '../../tests/e2e/support/signin.mjs';

export async function signIn(server) {
  const { tenant_id: tenant } = await setUp(server);
  const { access_token: token } = await login(server);
  return { token, tenant };
}
