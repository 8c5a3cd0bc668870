// AuthOptions and the environment in, a complete and frozen Config out; every mistake is named at start-up.
import { resolveApis } from './apis.ts'
import { urlBelow } from './app-paths.ts'
import type { AuthOptions } from './auth-options.ts'
import { resolveAuthorizationParams, resolveResources } from './authorization-params.ts'
import { resolveClient } from './client.ts'
import type { Config } from './config.ts'
import { resolveHooks } from './hooks.ts'
import { resolveLogger } from './logger.ts'
import { resolveLogin } from './login.ts'
import { resolveLogout } from './logout.ts'
import { createMistakes } from './mistakes.ts'
import { resolveProvider } from './provider.ts'
import { flag, group, namesOf, oneOf, onlyKnown, origins, seconds } from './read-option.ts'
import { resolveStore } from './redis.ts'
import { resolveRenewal } from './renewal.ts'
import { resolveRoutes } from './routes.ts'
import { resolveSecrets } from './secrets.ts'
import { resolveSession } from './session.ts'
import { resolveUserClaims } from './user-claims.ts'
import { resolveUserInfo } from './user-info.ts'
import { isLoopback, webURL } from './web-url.ts'

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

// openid-client validates signatures of these; an HMAC would make the client secret a signing key.
const ID_TOKEN_ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
] as const

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
  const { issuer, provider } = attempt(
    () => resolveProvider(options.provider, options.issuerBaseURL ?? env.ISSUER_BASE_URL, production),
    () => resolveProvider(undefined, 'https://issuer.example.com', production),
  )
  const routes = attempt(
    () => resolveRoutes(options.routes),
    () => resolveRoutes(undefined),
  )
  const resources = attempt(
    () => resolveResources(options.authorizationParams),
    () => [],
  )
  const params = attempt(
    () => resolveAuthorizationParams(options.authorizationParams, env, baseURL),
    () => ({}),
  )
  const client = attempt(() => resolveClient(options, env, issuer, provider, mistakes))
  const given = options.secret ?? env.SECRET?.split(',').map((one) => one.trim())
  const logger = attempt(
    () => resolveLogger(options.logger),
    () => resolveLogger(),
  )
  const secrets = attempt(() => resolveSecrets(given, logger))
  const config: Config = {
    issuer,
    baseURL,
    redirectURI: urlBelow(baseURL, routes.callback),
    ...client,
    get secrets() {
      return secrets()
    },
    ...attempt(() => resolveStore(options, env, production)),
    authorizationParams: params,
    resources,
    apis: attempt(() => resolveApis(options.apis, resources)),
    formPost: params.response_mode === 'form_post',
    routes,
    renewal: attempt(() => resolveRenewal(options.renewal, env)),
    login: attempt(() => resolveLogin(options.login)),
    provider,
    session: attempt(() => resolveSession(options.session, baseURL, routes)),
    logout: attempt(() => resolveLogout(options.logout, production)),
    ...attempt(() => resolveTimes(options)),
    ...attempt(() => resolveFlags(options)),
    origins: attempt(() => resolveOrigins(options, baseURL)),
    returnOrigins: attempt(() => resolveReturnOrigins(options)),
    userClaims: attempt(() => resolveUserClaims(options.userClaims)),
    userInfo: attempt(() => resolveUserInfo(options.userInfo)),
    ...resolveHooks(options, mistakes),
    idTokenSigningAlg: attempt(() =>
      oneOf(options.idTokenSigningAlg, 'idTokenSigningAlg', ID_TOKEN_ALGORITHMS, 'RS256'),
    ),
    logger,
    // As Express takes it.
    development: (env.NODE_ENV || 'development') === 'development',
  }
  mistakes.end()
  return Object.freeze(config)
}

function resolveBaseURL({ baseURL }: AuthOptions, env: NodeJS.ProcessEnv, production: boolean): URL {
  return webURL(baseURL ?? env.BASE_URL, 'baseURL (BASE_URL)', 'https://app.example.com', production)
}

function resolveTimes(options: AuthOptions): Pick<Config, 'clockToleranceSeconds' | 'httpTimeoutSeconds'> {
  return {
    clockToleranceSeconds: seconds(options.clockToleranceSeconds, 'clockToleranceSeconds', {
      fallback: 30,
      min: 0,
      max: 300,
    }),
    httpTimeoutSeconds: seconds(options.httpTimeoutSeconds, 'httpTimeoutSeconds', {
      fallback: 5,
      min: 0.1,
      max: 60,
    }),
  }
}

function resolveFlags(options: AuthOptions) {
  return {
    authRequired: flag(options.authRequired, 'authRequired', false),
    idpLogout: flag(options.idpLogout, 'idpLogout', true),
    revokeOnLogout: flag(options.revokeOnLogout, 'revokeOnLogout', true),
    attemptSilentLogin: flag(options.attemptSilentLogin, 'attemptSilentLogin', false),
    requireLogoutTokenType: flag(options.requireLogoutTokenType, 'requireLogoutTokenType', false),
  }
}

function resolveOrigins({ allowedOrigins }: AuthOptions, baseURL: URL): readonly string[] {
  const example = 'https://admin.example.com'
  return Object.freeze([baseURL.origin, ...origins(allowedOrigins, 'allowedOrigins', { example })])
}

/** Plain http on this machine alone: whoever reads along elsewhere would be on the way of every login. */
function resolveReturnOrigins({ allowedReturnOrigins }: AuthOptions): readonly string[] {
  const example = 'https://www.example.com, or http://localhost:5173 on this machine'
  return origins(allowedReturnOrigins, 'allowedReturnOrigins', {
    example,
    isTaken: (url) => url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname)),
  })
}
