// The names of all options, and which of them a tenant, or each of several providers, may have for itself.
import type { AuthOptions, ProviderEntry, TenantSetUp } from './auth-options.ts'

/** Of every option: whether it may stand in an entry of `providers`, and in what `tenant.resolve()` answers. */
const MAY_DIFFER: {
  readonly [Name in keyof Required<AuthOptions>]: Name extends keyof ProviderEntry
    ? Name extends keyof TenantSetUp
      ? 'both'
      : 'entry'
    : Name extends keyof TenantSetUp
      ? 'tenant'
      : 'none'
} = {
  issuerBaseURL: 'both',
  baseURL: 'tenant',
  clientID: 'both',
  clientSecret: 'both',
  providers: 'tenant',
  secret: 'none',
  redis: 'none',
  redisTimeoutSeconds: 'none',
  waitReplicas: 'none',
  allowInMemoryStore: 'none',
  authorizationParams: 'both',
  apis: 'both',
  authRequired: 'none',
  routes: 'entry',
  renewal: 'both',
  login: 'none',
  provider: 'both',
  tenant: 'none',
  tenants: 'both',
  session: 'tenant',
  logout: 'both',
  clientAuthMethod: 'both',
  clientAssertionSigningKey: 'both',
  clientAssertionSigningAlg: 'both',
  clientAssertionAudience: 'both',
  pushedAuthorizationRequests: 'both',
  signedAuthorizationRequests: 'both',
  mutualTLS: 'both',
  idTokenSigningAlg: 'both',
  clockToleranceSeconds: 'both',
  httpTimeoutSeconds: 'both',
  idpLogout: 'both',
  revokeOnLogout: 'both',
  allowedOrigins: 'tenant',
  allowedReturnOrigins: 'none',
  attemptSilentLogin: 'none',
  requireLogoutTokenType: 'both',
  userClaims: 'none',
  userInfo: 'both',
  afterCallback: 'none',
  afterRenewal: 'none',
  onCallbackError: 'none',
  onError: 'none',
  onChooseProvider: 'none',
  logger: 'none',
}

const namesOf = (...those: string[]) =>
  Object.entries(MAY_DIFFER).flatMap(([name, where]) => (those.includes(where) ? [name] : []))

export const OPTION_NAMES: readonly string[] = Object.keys(MAY_DIFFER)
export const ENTRY_NAMES: readonly string[] = namesOf('both', 'entry')
export const TENANT_NAMES: readonly string[] = namesOf('both', 'tenant')
