// AuthOptions and the environment in, a complete and frozen Config out; every mistake is named at start-up.
import { OF_SETUP } from '../lib/log.ts'
import { mapAll } from '../lib/map-all.ts'
import type { AuthOptions } from './auth-options.ts'
import type { Config, SharedConfig } from './config.ts'
import { resolveHooks } from './hooks.ts'
import { resolveLogger } from './logger.ts'
import { createMistakes } from './mistakes.ts'
import { OPTION_NAMES } from './option-names.ts'
import { unreadEnvironment } from './providers.ts'
import { flag, group, onlyKnown, origins } from './read-option.ts'
import { resolveStore } from './redis.ts'
import { resolveSecrets } from './secrets.ts'
import { resolveSite } from './site-options.ts'
import { resolveTenant } from './tenant.ts'
import { beforeTenants, createTenantConfigs } from './tenant-config.ts'
import { resolveUserClaims } from './user-claims.ts'
import { isLoopback } from './web-url.ts'

/** As `resolveAll()`, of the first provider. */
export function resolveOptions(options?: AuthOptions, env?: NodeJS.ProcessEnv): Config {
  return resolveAll(options, env)[0]
}

/**
 * @returns one configuration for each provider
 * @throws ConfigurationError that names every option that is wrong, and the cure
 */
export function resolveAll(
  given: AuthOptions = {},
  environment: NodeJS.ProcessEnv = process.env,
): readonly [Config, ...Config[]] {
  onlyKnown(group(given, 'options'), OPTION_NAMES)
  const mistakes = createMistakes()
  const { attempt } = mistakes
  const tenant = attempt(() => resolveTenant(given.tenant))
  const { options, env } =
    given.tenant === undefined
      ? { options: given, env: environment }
      : attempt(
          () => beforeTenants(given, environment),
          () => beforeTenants({ ...given, baseURL: undefined }, environment),
        )
  const production = env.NODE_ENV === 'production'
  const site = resolveSite({ options, env, production }, mistakes)
  const secretGiven = options.secret ?? env.SECRET?.split(',').map((one) => one.trim())
  const logger = attempt(
    () => resolveLogger(options.logger),
    () => resolveLogger(),
  )
  const secrets = attempt(() => resolveSecrets(secretGiven, logger))
  const shared: Omit<SharedConfig, 'secrets' | 'routes' | 'providerNames' | 'callbackPaths' | 'login'> = {
    ...attempt(() => resolveStore(options, env, production)),
    tenants: tenant && {
      ...tenant,
      configsOf: createTenantConfigs(given, env, () => configs[0], tenant.former),
    },
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
  const unread = options.providers && unreadEnvironment(env)
  if (unread !== undefined) logger.warn(unread, OF_SETUP)
  const configs = mapAll(
    site(),
    (realm): Config =>
      Object.freeze({
        ...shared,
        ...realm,
        get secrets() {
          return secrets()
        },
      }),
  )
  return configs
}

/** Plain http on this machine alone: whoever reads along elsewhere would be on the way of every login. */
function resolveReturnOrigins({ allowedReturnOrigins }: AuthOptions): readonly string[] {
  const example = 'https://www.example.com, or http://localhost:5173 on this machine'
  return origins(allowedReturnOrigins, 'allowedReturnOrigins', {
    example,
    isTaken: (url) => url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname)),
  })
}
