// A certified OpenID provider for one client of ours.  Arguments: port, redirect URI, client id, client secret.
// Whoever signs in is LOGIN@qq.test; "unverified" has an address that was never checked.
import Provider from 'oidc-provider';

const [port, redirect, id, secret] = process.argv.slice(2);
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{
    client_id: id, client_secret: secret, redirect_uris: [redirect], response_types: ['code'],
    grant_types: ['authorization_code'], token_endpoint_auth_method: 'client_secret_post',
  }],
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
  pkce: { required: () => true },
  cookies: { keys: ['for tests'] },
  findAccount: (_context, login) => ({
    accountId: login,
    claims: () => ({
      sub: login, name: `Name of ${login}`, email: `${login}@qq.test`, email_verified: login !== 'unverified',
    }),
  }),
});
provider.listen(Number(port), '127.0.0.1', () => console.log('ready'));
