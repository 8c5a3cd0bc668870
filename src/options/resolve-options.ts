// AuthOptions and the environment in, a complete and frozen Config out; every mistake is named at start-up.
import { resolveApis } from './apis.ts'
import { urlBelow } from './app-paths.ts'
import type { AuthOptions, Logger } from './auth-options.ts'
import { resolveAuthorizationParams, resolveResources } from './authorization-params.ts'
import { resolveClient } from './client.ts'
import type { Config } from './config.ts'
import { resolveLogin } from './login.ts'
import { resolveLogout } from './logout.ts'
import { resolveProvider } from './provider.ts'
import {
  flag,
  group,
  hook,
  namesOf,
  oneOf,
  onlyKnown,
  optionError,
  origins,
  seconds,
  text,
  webURL,
} from './read-option.ts'
import { resolveStore } from './redis.ts'
import { resolveRenewal } from './renewal.ts'
import { resolveRoutes } from './routes.ts'
import { resolveSession } from './session.ts'
import { resolveUserClaims } from './user-claims.ts'
import { resolveUserInfo } from './user-info.ts'

const NAMES = namesOf<AuthOptions>({
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
  attemptSilentLogin: true,
  requireLogoutTokenType: true,
  userClaims: true,
  userInfo: true,
  afterCallback: true,
  onCallbackError: true,
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

/** @throws ConfigurationError that names the option and the cure */
export function resolveOptions(options: AuthOptions = {}, env: NodeJS.ProcessEnv = process.env): Config {
  onlyKnown(group(options, 'options'), NAMES)
  const production = env.NODE_ENV === 'production'
  const baseURL = webURL(
    options.baseURL ?? env.BASE_URL,
    'baseURL (BASE_URL)',
    'https://app.example.com',
    production,
  )
  const { issuer, provider } = resolveProvider(
    options.provider,
    options.issuerBaseURL ?? env.ISSUER_BASE_URL,
    production,
  )
  const routes = resolveRoutes(options.routes)
  const resources = resolveResources(options.authorizationParams)
  const params = resolveAuthorizationParams(options.authorizationParams, env, baseURL)

  return Object.freeze({
    issuer,
    baseURL,
    redirectURI: urlBelow(baseURL, routes.callback),
    ...resolveClient(options, env, issuer, provider),
    secrets: resolveSecrets(options.secret ?? env.SECRET?.split(',').map((one) => one.trim())),
    ...resolveStore(options, env, production),
    authorizationParams: params,
    resources,
    apis: resolveApis(options.apis, resources),
    formPost: params.response_mode === 'form_post',
    authRequired: flag(options.authRequired, 'authRequired', false),
    routes,
    renewal: resolveRenewal(options.renewal, env),
    login: resolveLogin(options.login),
    provider,
    session: resolveSession(options.session, baseURL),
    logout: resolveLogout(options.logout, production),
    idTokenSigningAlg: oneOf(options.idTokenSigningAlg, 'idTokenSigningAlg', ID_TOKEN_ALGORITHMS, 'RS256'),
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
    idpLogout: flag(options.idpLogout, 'idpLogout', true),
    revokeOnLogout: flag(options.revokeOnLogout, 'revokeOnLogout', true),
    origins: Object.freeze([
      baseURL.origin,
      ...origins(options.allowedOrigins, 'allowedOrigins', { example: 'https://admin.example.com' }),
    ]),
    attemptSilentLogin: flag(options.attemptSilentLogin, 'attemptSilentLogin', false),
    requireLogoutTokenType: flag(options.requireLogoutTokenType, 'requireLogoutTokenType', false),
    userClaims: resolveUserClaims(options.userClaims),
    userInfo: resolveUserInfo(options.userInfo),
    afterCallback: hook(options.afterCallback, 'afterCallback', '(login, req)'),
    onCallbackError: hook(options.onCallbackError, 'onCallbackError', '(error, req, res, next)'),
    logger: resolveLogger(options.logger),
    // As Express takes it.
    development: (env.NODE_ENV || 'development') === 'development',
  })
}

function resolveLogger(given: unknown): Logger {
  if (given === undefined) return console
  const logger = given as Partial<Logger> | null
  if (typeof logger?.warn !== 'function')
    throw optionError('logger', 'must have a method warn(line), as console has')
  return logger as Logger
}

function resolveSecrets(given: unknown): readonly string[] {
  const cure =
    'must be at least 32 characters of randomness, or several of them, newest first (SECRET is split at commas); make one with: openssl rand -base64 48'
  const secrets = (Array.isArray(given) ? given : [given]).map((one) => text(one, 'secret (SECRET)', cure))
  if (secrets.length === 0 || secrets.some((one) => one.length < 32))
    throw optionError('secret (SECRET)', cure)
  return Object.freeze(secrets)
}
