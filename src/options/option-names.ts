// The names of all options, and which of them each of several providers may have for itself.
import type { AuthOptions, ProviderEntry } from './auth-options.ts'

/** Of every option: whether it may stand in an entry. */
const MAY_DIFFER: {
  readonly [Name in keyof Required<AuthOptions>]: Name extends keyof ProviderEntry ? true : false
} = {
  issuerBaseURL: true,
  baseURL: false,
  clientID: true,
  clientSecret: true,
  providers: false,
  secret: false,
  redis: false,
  redisTimeoutSeconds: false,
  waitReplicas: false,
  allowInMemoryStore: false,
  authorizationParams: true,
  apis: true,
  authRequired: false,
  routes: true,
  renewal: true,
  login: false,
  provider: true,
  session: false,
  logout: true,
  clientAuthMethod: true,
  clientAssertionSigningKey: true,
  clientAssertionSigningAlg: true,
  clientAssertionAudience: true,
  pushedAuthorizationRequests: true,
  signedAuthorizationRequests: true,
  mutualTLS: true,
  idTokenSigningAlg: true,
  clockToleranceSeconds: true,
  httpTimeoutSeconds: true,
  idpLogout: true,
  revokeOnLogout: true,
  allowedOrigins: false,
  allowedReturnOrigins: false,
  attemptSilentLogin: false,
  requireLogoutTokenType: true,
  userClaims: false,
  userInfo: true,
  afterCallback: false,
  afterRenewal: false,
  onCallbackError: false,
  onError: false,
  onChooseProvider: false,
  logger: false,
}
export const OPTION_NAMES: readonly string[] = Object.keys(MAY_DIFFER)
/** Of those, what may stand in an entry of `providers`. */
export const ENTRY_NAMES = OPTION_NAMES.filter((name) => MAY_DIFFER[name as keyof AuthOptions])
