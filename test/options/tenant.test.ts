// The option `tenant`, and the configuration of a tenant: what resolve() answers, over the options of auth().
import { ConfigurationError } from '../../src/errors/errors.ts'
import type { AuthOptions } from '../../src/options/auth-options.ts'
import { resolveOptions } from '../../src/options/resolve-options.ts'
import { SECRET } from './valid.ts'

const LOGGER = { error() {}, warn() {}, info() {} }
const tenant = { key: () => 'a', resolve: () => undefined }
const ANSWER = {
  baseURL: 'https://a.example.com',
  issuerBaseURL: 'https://id.example.net',
  clientID: 'shop',
  clientSecret: 'the client’s secret',
}

function resolve(options: object = {}, env: NodeJS.ProcessEnv = {}) {
  return resolveOptions({ secret: SECRET, tenant, ...options } as AuthOptions, env)
}

function configOf(answer: unknown, options: object = {}, key = 'a', env: NodeJS.ProcessEnv = {}) {
  const [config] = resolve(options, env).tenants?.configsOf(key, answer, LOGGER) ?? []
  if (config === undefined) throw new Error('there are no tenants')
  return config
}

function mistakeIn(make: () => unknown): string {
  try {
    make()
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigurationError)
    return (error as Error).message
  }
  throw new Error('no mistake was found')
}

describe('auth() with tenants starts', () => {
  test('without a provider, a client or an address; and has them of none from the environment', () => {
    const env = {
      ISSUER_BASE_URL: 'https://id.example.org',
      BASE_URL: 'https://b.example.com',
      CLIENT_ID: 'other',
      CLIENT_SECRET: 'another secret',
      AUDIENCE: 'other',
      SCOPE: 'openid all',
      RENEW_AFTER_SECONDS: '300',
    }
    expect(resolve({}, env).tenants).toMatchObject({
      maxTenants: 10_000,
      ageSeconds: 300,
      unknownSeconds: 30,
      timeoutSeconds: 5,
    })
    const { clientSecret: _, ...open } = ANSWER
    const config = configOf(open, {}, 'a', env)
    expect([config.issuer.href, config.baseURL.href, config.clientID, config.clientSecret]).toEqual([
      'https://id.example.net/',
      'https://a.example.com/',
      'shop',
      undefined,
    ])
    expect(config.authorizationParams).toEqual({ scope: 'openid all' })
    expect(config.renewal.afterSeconds).toBe(300)
    // Nor is it told to put them there.
    expect(mistakeIn(() => configOf({}, {}, 'a', env))).toMatch(
      /3 options need a change:\n- baseURL is required.*\n- issuerBaseURL is required.*\n- clientID is required/,
    )
  })

  test.each<[name: string, options: object, mistake: RegExp]>([
    ['no key', { tenant: { resolve: tenant.resolve } }, /tenant\.key is required, a function: \(req\) =>/],
    ['no resolve', { tenant: { key: tenant.key } }, /tenant\.resolve is required, a function: \(key\) =>/],
    [
      'a misspelt name',
      { tenant: { ...tenant, maxTenant: 1 } },
      /tenant\.maxTenant is not an option; did you mean tenant\.maxTenants\?/,
    ],
    ['no room', { tenant: { ...tenant, maxTenants: 0 } }, /tenant\.maxTenants must be a whole number from 1/],
    [
      'no time',
      { tenant: { ...tenant, timeoutSeconds: 0 } },
      /tenant\.timeoutSeconds must be a number of seconds from 0\.1/,
    ],
    [
      'an age of nothing',
      { tenant: { ...tenant, ageSeconds: 0 } },
      /tenant\.ageSeconds must be a number of seconds from 1/,
    ],
    [
      'a former tenant of two lines',
      { tenant: { ...tenant, former: 'a\nb' } },
      /tenant\.former must be the key of a tenant/,
    ],
    [
      'an address of all',
      { baseURL: 'https://app.example.com' },
      /baseURL is of one tenant: leave it out here/,
    ],
    [
      'what no answer can put right',
      { renewal: { afterSeconds: -1 } },
      /renewal\.afterSeconds \(RENEW_AFTER_SECONDS\) must be a number/,
    ],
    ['a list', { tenant: [] }, /tenant must be an object/],
  ])('but not with %s', (_name, options, mistake) => {
    expect(mistakeIn(() => resolve(options))).toMatch(mistake)
  })

  test.each<[name: string, options: object]>([
    ['a way of authentication whose secret is in the answers', { clientAuthMethod: 'client_secret_post' }],
    ['the cookie’s domain, below which every tenant is', { session: { cookie: { domain: 'example.com' } } }],
    ['a provider whose metadata are in the answers', { provider: { discoveryURL: false } }],
    ['a client that is the same at all', { issuerBaseURL: 'https://id.example.net', clientID: 'shop' }],
  ])('with %s', (_name, options) => {
    expect(resolve(options).tenants).toBeDefined()
  })
})

describe('the configuration of a tenant', () => {
  test('is what the tenant says, over what auth() was given: of a group only what is different', () => {
    const options = {
      issuerBaseURL: 'https://all.example.net',
      renewal: { afterSeconds: 600, aheadSeconds: 60 },
      session: { idleTimeoutSeconds: 1000, cookie: { domain: 'example.com' } },
      clientAssertionSigningKey: undefined,
      authRequired: true,
    }
    const { issuerBaseURL: _, ...own } = ANSWER
    const config = configOf({ ...own, renewal: { aheadSeconds: 30 }, idpLogout: false }, options)
    expect(config.issuer.href).toBe('https://all.example.net/')
    expect(config.renewal).toMatchObject({ afterSeconds: 600, aheadSeconds: 30 })
    expect(config.session).toMatchObject({ idleTimeoutSeconds: 1000, cookie: { domain: 'example.com' } })
    expect([config.idpLogout, config.authRequired]).toEqual([false, true])
    expect([config.tenant, config.isFormer]).toEqual(['a', false])
    expect([config.redirectURI.href, config.origins]).toEqual([
      'https://a.example.com/callback',
      ['https://a.example.com'],
    ])
    expect(Object.isFrozen(config)).toBe(true)
  })

  test('has secrets of its own, which go with those of the app', () => {
    let secret: string | string[] = SECRET
    const { tenants } = resolve({ secret: () => secret, tenant: { ...tenant, former: 'b' } })
    const [a, b] = ['a', 'b'].map((key) => tenants?.configsOf(key, ANSWER, LOGGER)[0])
    const before = a?.secrets
    expect(before).toHaveLength(1)
    expect(before).not.toContain(SECRET)
    expect(b?.secrets).toEqual([expect.not.stringMatching(SECRET), SECRET])
    expect([b?.isFormer, b?.secrets[0] === before?.[0]]).toEqual([true, false])
    secret = ['another secret of these tests, long enough', SECRET]
    expect(a?.secrets).toHaveLength(2)
    expect(a?.secrets[1]).toBe(before?.[0])
  })

  test.each<[name: string, answer: unknown, mistake: RegExp]>([
    ['no object', 'a', /the answer must be an object/],
    ['null', null, /the answer must be an object/],
    ['no address', { ...ANSWER, baseURL: undefined }, /^auth\(\): baseURL is required/],
    [
      'a secret that seals',
      { ...ANSWER, secret: SECRET },
      /secret is one for all tenants: give it to auth\(\)/,
    ],
    ['a store', { ...ANSWER, redis: 'redis://localhost' }, /redis is one for all tenants/],
    ['tenants', { ...ANSWER, tenant }, /tenant is one for all tenants/],
    [
      'a misspelt name',
      { ...ANSWER, clientSecrett: 'x' },
      /clientSecrett is not an option; did you mean clientSecret\?/,
    ],
    [
      'a bad address and a bad time',
      { ...ANSWER, baseURL: 'here', httpTimeoutSeconds: 0 },
      /2 options need a change:\n- baseURL.*\n- httpTimeoutSeconds/,
    ],
  ])('is none where the answer has %s', (_name, answer, mistake) => {
    const message = mistakeIn(() => configOf(answer))
    expect(message).toMatch(mistake)
    expect(message).not.toContain(SECRET)
    expect(message).not.toContain(ANSWER.clientSecret)
  })

  test('a key of one tenant is not mixed with that of another', () => {
    const options = {
      clientAssertionSigningKey: { kty: 'EC', kid: 'of-all' },
      clientAuthMethod: 'private_key_jwt',
    }
    const own = { kty: 'oct' }
    const { clientSecret: _, ...open } = ANSWER
    expect(mistakeIn(() => configOf({ ...open, clientAssertionSigningKey: own }, options))).toMatch(
      /clientAssertionSigningKey/,
    )
  })

  test('with several providers has them by their own clients, whatever one client is the default', () => {
    const { baseURL, ...client } = ANSWER
    const options = { issuerBaseURL: 'https://id.example.org', clientID: 'of-all', clientSecret: 'of all' }
    const config = configOf({ baseURL, providers: { staff: client } }, options)
    expect([config.issuer.href, config.clientID, config.clientSecret]).toEqual([
      'https://id.example.net/',
      client.clientID,
      client.clientSecret,
    ])
  })

  test('leaves what it was given as it was', () => {
    const answer = Object.freeze({ ...ANSWER, renewal: Object.freeze({ afterSeconds: 60 }) })
    const options = Object.freeze({ renewal: Object.freeze({ aheadSeconds: 10 }) })
    expect(configOf(answer, options).renewal).toMatchObject({ afterSeconds: 60, aheadSeconds: 10 })
  })
})
