// The configuration of the test provider: strict rotation, every account name exists, everything an app may ask for.
import type { AccountClaims, Configuration, JWKS } from 'oidc-provider'
import type { ProviderStore } from './store.ts'

export interface Lifetimes {
  /** seconds */
  idToken: number
  /** seconds */
  accessToken: number
  /** seconds */
  refreshToken: number
}

export interface ProviderParts {
  store: ProviderStore
  jwks: JWKS
  lifetimes: Lifetimes
  blocked: ReadonlySet<string>
}

export function createConfiguration({ store, jwks, lifetimes, blocked }: ProviderParts): Configuration {
  const html = (body: string) => `<!DOCTYPE html><html><body>${body}</body></html>`
  return {
    adapter: store.adapter,
    jwks,
    cookies: { keys: ['a test provider’s cookies are signed too'] },
    scopes: ['openid', 'offline_access', 'profile', 'email'],
    claims: { openid: ['sub'], profile: ['name', 'preferred_username'], email: ['email', 'email_verified'] },
    conformIdTokenClaims: false,
    extraParams: ['audience'],
    rotateRefreshToken: true,
    pkce: { required: () => true },
    clientBasedCORS: () => false,
    clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'none'],
    enabledJWA: { idTokenSigningAlgValues: ['RS256'] },
    findAccount: async (_ctx, sub) =>
      blocked.has(sub) ? undefined : { accountId: sub, claims: () => claimsOf(sub) },
    ttl: {
      AccessToken: () => lifetimes.accessToken,
      IdToken: () => lifetimes.idToken,
      RefreshToken: () => lifetimes.refreshToken,
      AuthorizationCode: () => 60,
      Interaction: () => 600,
      Session: () => 86_400,
      Grant: () => 86_400,
    },
    features: {
      devInteractions: { enabled: true },
      introspection: { enabled: true, allowedPolicy: () => true },
      revocation: {
        enabled: true,
        allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId,
      },
      rpInitiatedLogout: {
        enabled: true,
        // The page a person confirms, as a form that Browser can submit: the button's value is a field.
        logoutSource(ctx, form) {
          ctx.body = html(form.replace('</form>', '<input type="hidden" name="logout" value="yes"/></form>'))
        },
        postLogoutSuccessSource(ctx) {
          ctx.body = html('logged out')
        },
      },
    },
    renderError(ctx, out) {
      ctx.type = 'json'
      ctx.body = out
    },
  }
}

function claimsOf(sub: string): AccountClaims {
  return {
    sub,
    name: `${sub} Example`,
    preferred_username: sub,
    email: `${sub}@example.com`,
    email_verified: true,
  }
}
