// The options that all test apps share, and the client that a test app is at the provider.
import type { AuthOptions } from '../../../src/index.ts'
import type { ClientOptions } from '../provider/client.ts'
import type { TestProvider } from '../provider/provider.ts'

export interface AppSetup {
  /** the app becomes a client of this provider, unless `options` name another */
  provider?: TestProvider
  /** a public client: no secret */
  public?: boolean
  /** what else the client is; without it, all apps at a provider are one client */
  client?: ClientOptions
  /** a URL: every server has connections of its own; without one, memory */
  redisUrl?: string
  /** over the defaults: `authorizationParams` are merged, everything else is replaced */
  options?: AuthOptions
}

/** The servers of a deployment are one client, to which its sessions belong. */
export const ONE_CLIENT = { clientId: 'app', clientSecret: 'what all servers of the test app know' }

export const TEST_SECRET = 'a secret for tests, long enough for anybody'

/** No stall of the machine ends what a test does: whoever looks at a deadline gives a shorter one. */
const PATIENT = { httpTimeoutSeconds: 30 }
const PATIENT_RENEWAL = { timeoutSeconds: 20 }

export async function resolveOptions(setup: AppSetup, baseURL: string): Promise<AuthOptions> {
  const { provider, redisUrl, options = {} } = setup
  const given = { baseURL, ...options }
  const client =
    provider && !options.clientID
      ? await provider.registerClient({
          baseURL: typeof given.baseURL === 'string' ? given.baseURL : baseURL,
          public: setup.public ?? false,
          ...(setup.client ?? (setup.public ? {} : ONE_CLIENT)),
        })
      : undefined
  return {
    ...(provider && { issuerBaseURL: provider.issuer }),
    ...(client && { clientID: client.clientId, clientSecret: client.clientSecret }),
    ...(redisUrl && { redis: redisUrl }),
    secret: TEST_SECRET,
    ...PATIENT,
    ...given,
    renewal: { ...PATIENT_RENEWAL, ...options.renewal },
    // oidc-provider gives a refresh token only for offline_access with this prompt.
    authorizationParams: { prompt: 'consent', ...options.authorizationParams },
  }
}
