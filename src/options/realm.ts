// What is of one provider among the options: who this client is there, and how the two deal with each other.
import { resolveApis } from './apis.ts'
import type { AuthOptions } from './auth-options.ts'
import { resolveAuthorizationParams, resolveResources } from './authorization-params.ts'
import type { BaseURLs } from './base-urls.ts'
import { resolveClient } from './client.ts'
import type { RealmConfig } from './config.ts'
import { resolveLogout } from './logout.ts'
import type { Mistakes } from './mistakes.ts'
import { resolveProvider } from './provider.ts'
import { flag, oneOf, seconds } from './read-option.ts'
import { resolveRenewal } from './renewal.ts'
import { resolveTenants } from './tenants.ts'
import { resolveUserInfo } from './user-info.ts'

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

export interface RealmSetUp {
  readonly name: string | undefined
  readonly options: AuthOptions
  readonly env: NodeJS.ProcessEnv
  readonly production: boolean
  /** Where browsers come back to. */
  readonly baseURLs: BaseURLs
}

/** What is wrong with it is told by `mistakes`. */
export function resolveRealm(
  { name, options, env, production, baseURLs }: RealmSetUp,
  mistakes: Mistakes,
): RealmConfig {
  const { attempt } = mistakes
  const { issuer, provider } = attempt(
    () => resolveProvider(options.provider, options.issuerBaseURL ?? env.ISSUER_BASE_URL, production),
    () => resolveProvider(undefined, 'https://issuer.example.com', production),
  )
  const resources = attempt(
    () => resolveResources(options.authorizationParams),
    () => [],
  )
  const params = attempt(
    () => resolveAuthorizationParams(options.authorizationParams, env, baseURLs.all),
    () => ({}),
  )
  return {
    providerName: name,
    mustNameIssuer: false,
    issuer,
    provider,
    issuerTenants: attempt(() => resolveTenants(options.tenants, issuer)),
    ...attempt(() => resolveClient(options, env, issuer, provider, mistakes)),
    authorizationParams: params,
    resources,
    apis: attempt(() => resolveApis(options.apis, resources)),
    formPost: params.response_mode === 'form_post',
    renewal: attempt(() => resolveRenewal(options.renewal, env)),
    logout: attempt(() => resolveLogout(options.logout, production)),
    ...attempt(() => resolveTimes(options)),
    ...attempt(() => resolveFlags(options)),
    userInfo: attempt(() => resolveUserInfo(options.userInfo)),
    idTokenSigningAlg: attempt(() =>
      oneOf(options.idTokenSigningAlg, 'idTokenSigningAlg', ID_TOKEN_ALGORITHMS, 'RS256'),
    ),
  }
}

function resolveTimes(
  options: AuthOptions,
): Pick<RealmConfig, 'clockToleranceSeconds' | 'httpTimeoutSeconds'> {
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
    idpLogout: flag(options.idpLogout, 'idpLogout', true),
    revokeOnLogout: flag(options.revokeOnLogout, 'revokeOnLogout', true),
    requireLogoutTokenType: flag(options.requireLogoutTokenType, 'requireLogoutTokenType', false),
  }
}
