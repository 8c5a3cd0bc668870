// Options for `auth()` in an app's tests: sessions in memory, and a provider in the process.
import { randomBytes } from 'node:crypto'
import type { AuthOptions, ProviderEntry } from '../index.ts'
import { createTestProvider, type TestProvider } from './provider.ts'

const provider = createTestProvider('https://test-provider.invalid')
const secret = randomBytes(32).toString('base64url')

/**
 * The provider of all that is made with `testOptions()` in this process.
 *
 * @example testProvider().block('alice')
 */
export function testProvider(): TestProvider {
  return provider
}

/**
 * Sessions in memory, a provider that lives in the process, and nothing from the environment that would lead elsewhere.
 *
 * @throws Error with `NODE_ENV=production`
 * @param given the app's own options, such as `afterCallback` or `renewal`; they go over these, but for the provider
 * @example const bff = auth(process.env.NODE_ENV === 'test' ? testOptions() : undefined)
 */
export function testOptions(given: AuthOptions = {}): AuthOptions {
  if (process.env.NODE_ENV === 'production')
    throw new Error('testOptions(): its provider believes every name, so it is not for NODE_ENV=production')
  return {
    baseURL: 'http://localhost',
    secret,
    redis: false,
    ...given,
    // Without `profile`: people of whom only `sub` is said are no mistake here that is worth a warning.
    authorizationParams: {
      ...(process.env.SCOPE === undefined && { scope: 'openid offline_access' }),
      ...given.authorizationParams,
    },
    ...(given.providers === undefined
      ? clientOf('test', given)
      : { providers: Object.fromEntries(Object.entries(given.providers).map(entryOf)) }),
  }
}

/** All of them are the one test provider, where each has a client of its own: nobody of one is anybody of another. */
function entryOf([name, entry]: [string, ProviderEntry]): [string, ProviderEntry] {
  return [name, { ...entry, ...clientOf(`test-${name}`, entry) }]
}

function clientOf(clientID: string, given: Pick<AuthOptions, 'provider'>) {
  return {
    issuerBaseURL: provider.issuer,
    clientID,
    clientSecret: 'a-secret-of-the-tests-and-of-nobody-else',
    clientAuthMethod: 'client_secret_basic',
    provider: { ...given.provider, fetch: provider.fetch },
    idTokenSigningAlg: 'RS256',
    // Its issuer is one.
    tenants: undefined,
  } as const
}
