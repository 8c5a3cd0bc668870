// AuthOptions and the environment in, a complete and frozen Config out; every mistake is named at start-up.
import { resolveAddress, resolveBaseURL } from './address.ts'
import type { AuthOptions } from './auth-options.ts'
import type { Config } from './config.ts'
import { resolveHooks } from './hooks.ts'
import { resolveLogger } from './logger.ts'
import { resolveLogin } from './login.ts'
import { createMistakes } from './mistakes.ts'
import { flag, group, namesOf, onlyKnown, origins } from './read-option.ts'
import { resolveRealm } from './realm.ts'
import { resolveStore } from './redis.ts'
import { resolveRoutes } from './routes.ts'
import { resolveSecrets } from './secrets.ts'
import { resolveUserClaims } from './user-claims.ts'
import { isLoopback } from './web-url.ts'

export const OPTION_NAMES = namesOf<AuthOptions>({
  issuerBaseURL: true,
  baseURL: true,
  clientID: true,
  clientSecret: true,
  secret: true,
  redis: true,
  redisTimeoutSeconds: true,
  waitReplicas: true,
  allowInMemoryStore: true,
  authorizationParams: true,
  apis: true,
  authRequired: true,
  routes: true,
  renewal: true,
  login: true,
  provider: true,
  session: true,
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
  allowedOrigins: true,
  allowedReturnOrigins: true,
  attemptSilentLogin: true,
  requireLogoutTokenType: true,
  userClaims: true,
  userInfo: true,
  afterCallback: true,
  afterRenewal: true,
  onCallbackError: true,
  onError: true,
  logger: true,
})

/** @throws ConfigurationError that names every option that is wrong, and the cure */
export function resolveOptions(options: AuthOptions = {}, env: NodeJS.ProcessEnv = process.env): Config {
  onlyKnown(group(options, 'options'), OPTION_NAMES)
  const production = env.NODE_ENV === 'production'
  const mistakes = createMistakes()
  const { attempt } = mistakes
  const baseURL = attempt(
    () => resolveBaseURL(options, env, production),
    () => new URL('https://app.example.com'),
  )
  const routes = attempt(
    () => resolveRoutes(options.routes),
    () => resolveRoutes(undefined),
  )
  const realm = resolveRealm({ options, env, production, baseURL }, mistakes)
  const given = options.secret ?? env.SECRET?.split(',').map((one) => one.trim())
  const logger = attempt(
    () => resolveLogger(options.logger),
    () => resolveLogger(),
  )
  const secrets = attempt(() => resolveSecrets(given, logger))
  const config: Config = {
    ...realm,
    ...resolveAddress(options, baseURL, routes, mistakes),
    get secrets() {
      return secrets()
    },
    ...attempt(() => resolveStore(options, env, production)),
    routes,
    login: attempt(() => resolveLogin(options.login)),
    authRequired: attempt(() => flag(options.authRequired, 'authRequired', false)),
    attemptSilentLogin: attempt(() => flag(options.attemptSilentLogin, 'attemptSilentLogin', false)),
    returnOrigins: attempt(() => resolveReturnOrigins(options)),
    userClaims: attempt(() => resolveUserClaims(options.userClaims)),
    ...resolveHooks(options, mistakes),
    logger,
    // As Express takes it.
    development: (env.NODE_ENV || 'development') === 'development',
  }
  mistakes.end()
  return Object.freeze(config)
}

/** Plain http on this machine alone: whoever reads along elsewhere would be on the way of every login. */
function resolveReturnOrigins({ allowedReturnOrigins }: AuthOptions): readonly string[] {
  const example = 'https://www.example.com, or http://localhost:5173 on this machine'
  return origins(allowedReturnOrigins, 'allowedReturnOrigins', {
    example,
    isTaken: (url) => url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname)),
  })
}
