// The configuration of one tenant: what `tenant.resolve()` answered, over the options of `auth()`.
import { mapAll } from '../lib/map-all.ts'
import { tenantSecrets } from '../lib/tenant-secrets.ts'
import type { AuthOptions, TenantSetUp } from './auth-options.ts'
import type { Config, SharedConfig, Tenants } from './config.ts'
import { createMistakes } from './mistakes.ts'
import { OPTION_NAMES, TENANT_NAMES } from './option-names.ts'
import { ENVIRONMENT_OF_ONE, ownOptions } from './own-options.ts'
import { resolveMetadata } from './provider-metadata.ts'
import { group, onlyKnown, optionError } from './read-option.ts'
import { resolveSite } from './site-options.ts'
import { isPlainObject } from './verdict.ts'

/** What of the environment is about one provider, or one address, and so is nobody's. */
const OF_ONE = [...ENVIRONMENT_OF_ONE, 'BASE_URL']

/** What can be wrong by itself, whatever a tenant adds. */
const ALONE = [
  'authorizationParams',
  'apis',
  'renewal',
  'logout',
  'idTokenSigningAlg',
  'clockToleranceSeconds',
  'httpTimeoutSeconds',
  'idpLogout',
  'revokeOnLogout',
  'requireLogoutTokenType',
  'userInfo',
  'allowedOrigins',
] as const satisfies readonly (keyof TenantSetUp)[]

/** Of these a tenant says only what is different. */
const GROUPS: readonly (keyof TenantSetUp)[] = [
  'authorizationParams',
  'provider',
  'renewal',
  'session',
  'logout',
]

/** What is the one provider's by default is no default of several. */
const NONE_OF_ONE = { issuerBaseURL: undefined, clientID: undefined, clientSecret: undefined }

export function createTenantConfigs(
  options: AuthOptions,
  env: NodeJS.ProcessEnv,
  sharedBy: () => SharedConfig,
  former: string | undefined,
): Tenants['configsOf'] {
  const production = env.NODE_ENV === 'production'
  const defaults = withSharedMetadata(options)

  return (key, answer, logger) => {
    const shared = sharedBy()
    const own = checkedNames(answer)
    const ofOne = own.providers === undefined ? {} : NONE_OF_ONE
    const merged = ownOptions(own, { ...defaults, ...ofOne }, GROUPS)
    const mistakes = createMistakes().saidBy(withoutVariables)
    const site = resolveSite({ options: merged, env, production }, mistakes)
    mistakes.end()
    const isFormer = key === former
    const ownSecrets = tenantSecrets(() => shared.secrets, key, isFormer)
    const { secrets: _, ...others } = shared
    return mapAll(site(), (realm) => {
      const fields = { ...others, ...realm, logger, tenant: key, isFormer, ownSecrets }
      return Object.freeze({ __proto__: OF_TENANT, ...fields } as unknown as Config)
    })
  }
}

/**
 * What all tenants' configurations have in common. With an accessor of its own each would be an object of another shape to the
 * engine, for a quarter of the requests a second.
 */
const OF_TENANT: Pick<Config, 'secrets'> & ThisType<{ ownSecrets(): readonly string[] }> = {
  get secrets() {
    return this.ownSecrets()
  },
}

/** One copy for all tenants that say nothing of it: it is the greatest part of what a provider has. */
function withSharedMetadata(options: AuthOptions): AuthOptions {
  const { provider } = options
  if (!isPlainObject(provider) || provider.metadata === undefined) return options
  return { ...options, provider: { ...provider, metadata: resolveMetadata(provider.metadata) } }
}

/**
 * The options of `auth()` as they stand before any tenant is known: with those that a tenant may put right left out, and a
 * stand-in for those that it has to give.
 */
export function beforeTenants(options: AuthOptions, env: NodeJS.ProcessEnv) {
  if (options.baseURL !== undefined)
    throw optionError('baseURL', 'is of one tenant: leave it out here, and let tenant.resolve() answer it')
  const { idleTimeoutSeconds, absoluteTimeoutSeconds, touches } = options.session ?? {}
  return {
    options: {
      ...options,
      ...Object.fromEntries(TENANT_NAMES.map((name) => [name, undefined])),
      ...Object.fromEntries(ALONE.map((name) => [name, options[name]])),
      session: { idleTimeoutSeconds, absoluteTimeoutSeconds, touches },
      issuerBaseURL: 'https://id.example.com',
      baseURL: 'https://app.example.com',
      clientID: 'app',
    } satisfies AuthOptions,
    env: { ...env, ...Object.fromEntries(OF_ONE.map((name) => [name, undefined])) },
  }
}

/** What is not read is no cure. */
function withoutVariables(fault: string): string {
  return fault.replace(new RegExp(` \\((?:${OF_ONE.join('|')})\\)`, 'g'), '')
}

function checkedNames(answer: unknown): TenantSetUp {
  const own = group(answer, 'the answer')
  const shared = Object.keys(own).find((name) => OPTION_NAMES.includes(name) && !TENANT_NAMES.includes(name))
  if (shared !== undefined)
    throw optionError(shared, 'is one for all tenants: give it to auth(), and leave it out of the answer')
  onlyKnown(own, TENANT_NAMES)
  return own
}
