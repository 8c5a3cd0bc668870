// What the options become: defaults, what the environment says, what production asks for, one configuration that nobody can change.
import { FROM_ENVIRONMENT, mistakeIn, resolve, SECRET, VALID } from './valid.ts'

const OTHER = 'another secret of the option tests and just as long'

const ENVIRONMENT = {
  ISSUER_BASE_URL: 'https://env-issuer.example.com',
  BASE_URL: 'https://env-app.example.com/shop',
  CLIENT_ID: 'env-client',
  CLIENT_SECRET: 'env-client-secret',
  SECRET: `${SECRET},${OTHER}`,
  REDIS_URL: 'rediss://env-redis.example.com',
  SCOPE: 'openid email',
  AUDIENCE: 'https://api.example.com',
  RENEW_AFTER_SECONDS: '60',
}

test('the environment alone is enough', () => {
  const config = resolve(FROM_ENVIRONMENT, ENVIRONMENT)
  expect(config).toMatchObject({
    clientID: 'env-client',
    clientSecret: 'env-client-secret',
    secrets: [SECRET, OTHER],
    redis: { url: 'rediss://env-redis.example.com' },
    authorizationParams: { scope: 'openid email', audience: 'https://api.example.com' },
    renewal: { afterSeconds: 60, aheadSeconds: 12, timeoutSeconds: 5 },
  })
  expect(config.issuer.href).toBe('https://env-issuer.example.com/')
  expect(config.redirectURI.href).toBe('https://env-app.example.com/shop/callback')
})

test('BASE_URL may be several, with commas between: each has its own cookie, addresses and origin', () => {
  const { BASE_URL: one, ...others } = ENVIRONMENT
  const env = { ...others, BASE_URL: `${one}, https://nl.example.com` }
  const config = resolve({ ...FROM_ENVIRONMENT, allowedOrigins: ['https://admin.example.com'] }, env)
  const [other] = config.otherAddresses
  const hrefs = [config, other].map((at) => [at?.baseURL.href, at?.redirectURI.href])
  expect(hrefs).toEqual([
    ['https://env-app.example.com/shop', 'https://env-app.example.com/shop/callback'],
    ['https://nl.example.com/', 'https://nl.example.com/callback'],
  ])
  expect([config, other].map((at) => at?.origins)).toEqual([
    ['https://env-app.example.com', 'https://admin.example.com'],
    ['https://nl.example.com', 'https://admin.example.com'],
  ])
  expect(other?.session.name).toBe('__Host-Http-bff')
  expect(config.isOneOfSeveral).toBe(true)
  expect(resolve(FROM_ENVIRONMENT, ENVIRONMENT)).toMatchObject({ isOneOfSeveral: false, otherAddresses: [] })
})

test('what is given in code goes before the environment', () => {
  const given = {
    redis: 'redis://code',
    renewal: { afterSeconds: 30 },
    authorizationParams: { scope: 'openid' },
  }
  const config = resolve(given, ENVIRONMENT)
  expect(config).toMatchObject({
    clientID: VALID.clientID,
    clientSecret: VALID.clientSecret,
    secrets: [SECRET],
    redis: { url: 'redis://code' },
    renewal: { afterSeconds: 30 },
    authorizationParams: { scope: 'openid', audience: 'https://api.example.com' },
  })
  expect(config.issuer.href).toBe('https://issuer.example.com/')
  expect(config.baseURL.href).toBe('https://app.example.com/')
})

test('what else is said of the server goes with its URL in the environment', () => {
  const given = { redis: { keyPrefix: 'staff:', nearCache: true } }
  expect(resolve({ ...FROM_ENVIRONMENT, ...given }, ENVIRONMENT)).toMatchObject({
    redis: { url: ENVIRONMENT.REDIS_URL, keyPrefix: 'staff:' },
    nearCache: true,
  })
})

test('several secrets in the environment may have spaces after their commas', () => {
  expect(resolve(FROM_ENVIRONMENT, { ...ENVIRONMENT, SECRET: `${SECRET}, ${OTHER}` }).secrets).toEqual([
    SECRET,
    OTHER,
  ])
})

test('an environment variable that is empty is none', () => {
  const config = resolve(
    { ...FROM_ENVIRONMENT, issuerBaseURL: VALID.issuerBaseURL },
    { ...ENVIRONMENT, CLIENT_SECRET: '', REDIS_URL: '', SCOPE: '', AUDIENCE: '', RENEW_AFTER_SECONDS: '' },
  )
  expect(config).toMatchObject({
    clientSecret: undefined,
    clientAuthMethod: 'none',
    redis: undefined,
    authorizationParams: { scope: 'openid profile email offline_access' },
    renewal: { afterSeconds: 900 },
  })
  expect(config.authorizationParams).not.toHaveProperty('audience')
})

test.each([
  ['ISSUER_BASE_URL', 'issuerBaseURL (ISSUER_BASE_URL)', ''],
  ['BASE_URL', 'baseURL (BASE_URL)', 'nowhere'],
  ['CLIENT_ID', 'clientID (CLIENT_ID)', undefined],
  ['SECRET', 'secret (SECRET)', 'short'],
  ['SECRET', 'secret (SECRET)', `${SECRET},`],
  ['REDIS_URL', 'redis (REDIS_URL)', 'localhost:6379'],
  ['SCOPE', 'authorizationParams.scope (SCOPE)', 'profile'],
  ['RENEW_AFTER_SECONDS', 'renewal.afterSeconds (RENEW_AFTER_SECONDS)', 'often'],
  ['RENEW_AFTER_SECONDS', 'renewal.afterSeconds (RENEW_AFTER_SECONDS)', ' '],
])('a mistake in %s is told as %s', (variable, told, value) => {
  expect(mistakeIn(FROM_ENVIRONMENT, { ...ENVIRONMENT, [variable]: value })).toContain(`auth(): ${told} `)
})

test('the defaults are those of the design', () => {
  expect(resolve()).toMatchObject({
    authorizationParams: { scope: 'openid profile email offline_access' },
    clientAuthMethod: 'client_secret_basic',
    authRequired: false,
    redis: undefined,
    routes: {
      login: '/login',
      callback: '/callback',
      logout: '/logout',
      user: '/me',
      postLogoutRedirect: '/',
    },
    renewal: { afterSeconds: 900, aheadSeconds: 180, timeoutSeconds: 5 },
    session: {
      name: '__Host-Http-bff',
      idleTimeoutSeconds: 86_400,
      absoluteTimeoutSeconds: 604_800,
      cookie: { path: '/', httpOnly: true, secure: true, sameSite: 'lax' },
    },
    idTokenSigningAlg: 'RS256',
    idpLogout: true,
    revokeOnLogout: true,
    origins: ['https://app.example.com'],
  })
  expect(resolve().session.cookie).not.toHaveProperty('domain')
  expect(resolve({ baseURL: 'http://localhost:3000' }).session).toMatchObject({
    name: 'bff',
    cookie: { secure: false },
  })
})

test.each([
  ['https://app.example.com', {}, '__Host-Http-bff'],
  ['https://app.example.com', { path: '/', transient: true, sameSite: 'strict' }, '__Host-Http-bff'],
  ['https://app.example.com', { domain: 'app.example.com' }, '__Secure-bff'],
  ['https://app.example.com', { domain: '.example.com' }, '__Secure-bff'],
  ['https://app.example.com/shop', { path: '/shop' }, '__Secure-bff'],
  ['https://app.example.com/shop', { path: '/shop/' }, '__Secure-bff'],
  ['http://app.example.com/shop', { path: '/shop', domain: 'example.com' }, 'bff'],
] as const)('the cookie of %s with %j is called %s', (baseURL, cookie, name) => {
  expect(resolve({ baseURL, session: { cookie } }).session.name).toBe(name)
})

test('a group with some of its options keeps the defaults of the others', () => {
  expect(resolve({ routes: { user: false } }).routes).toMatchObject({ user: false, login: '/login' })
  expect(resolve({ renewal: { timeoutSeconds: 2 } }).renewal.afterSeconds).toBe(900)
})

test('an option in a group that is undefined is not given', () => {
  expect(resolve({ routes: { login: undefined, user: undefined } }).routes).toEqual(resolve().routes)
  expect(resolve({ renewal: { afterSeconds: undefined } }).renewal).toEqual(resolve().renewal)
  expect(resolve({ session: { name: undefined, cookie: undefined } }).session).toEqual(resolve().session)
  expect(
    resolve({ authorizationParams: { scope: undefined, prompt: undefined } }).authorizationParams,
  ).toEqual(resolve().authorizationParams)
})

test('authorizationParams are merged over the defaults', () => {
  expect(resolve({ authorizationParams: { prompt: 'consent' } }).authorizationParams).toEqual({
    scope: 'openid profile email offline_access',
    prompt: 'consent',
  })
})

test('the resolved configuration is frozen, down to its lists', () => {
  const config = resolve({ allowedOrigins: ['https://admin.example.com'], redis: 'redis://localhost' })
  const plain = (value: unknown) => Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype
  function thawed(value: object, path: string): string[] {
    const below = Object.entries(value).filter(
      ([, one]) => typeof one === 'object' && one !== null && plain(one),
    )
    return [
      ...(Object.isFrozen(value) ? [] : [path]),
      ...below.flatMap(([name, one]) => thawed(one as object, `${path}.${name}`)),
    ]
  }
  expect(thawed({ ...config, logger: undefined }, 'config').slice(1)).toEqual([])
  expect(Object.isFrozen(config)).toBe(true)
})

test('the caller’s object is neither changed nor kept', () => {
  const given = {
    ...VALID,
    secret: [SECRET, OTHER],
    authorizationParams: { prompt: 'consent' },
    routes: { login: '/in' },
    renewal: { afterSeconds: 60 },
    session: { cookie: { sameSite: 'strict' } },
    allowedOrigins: ['https://admin.example.com'],
  }
  const before = structuredClone(given)
  const config = resolve(given)
  expect(given).toEqual(before)
  expect(Object.isFrozen(given.secret)).toBe(false)

  given.secret[0] = 'x'
  given.authorizationParams.prompt = 'none'
  given.routes.login = '/out'
  given.renewal.afterSeconds = 1
  given.session.cookie.sameSite = 'lax'
  given.allowedOrigins.push('https://evil.example')
  expect(config).toMatchObject({
    secrets: [SECRET, OTHER],
    authorizationParams: { prompt: 'consent' },
    routes: { login: '/in' },
    renewal: { afterSeconds: 60 },
    session: { cookie: { sameSite: 'strict' } },
    origins: ['https://app.example.com', 'https://admin.example.com'],
  })
})

describe('with NODE_ENV=production: https, and a store that outlives the process, unless this machine or memory is meant', () => {
  const PRODUCTION = { NODE_ENV: 'production', REDIS_URL: 'redis://redis' }

  test.each([
    ['baseURL', 'http://app.example.com'],
    ['baseURL', 'http://192.168.1.7'],
    ['baseURL', 'http://0.0.0.0:3000'],
    ['baseURL', 'http://localhost.evil.example'],
    ['baseURL', 'http://127.0.0.1.evil.example'],
    ['baseURL', 'http://128.0.0.1'],
    ['baseURL', 'http://[::2]'],
    ['baseURL', 'http://mylocalhost'],
    ['issuerBaseURL', 'http://issuer.example.com'],
    ['issuerBaseURL', 'http://[::ffff:8.8.8.8]'],
  ])('%s: %s is refused', (option, url) => {
    expect(mistakeIn({ [option]: url }, PRODUCTION)).toMatch(
      new RegExp(`${option} .*must be https in production`),
    )
    expect(resolve({ [option]: url })).toBeDefined()
  })

  test.each([
    'http://localhost:3000',
    'http://127.0.0.1:3000',
    'http://127.8.9.1',
    'http://[::1]:3000',
    'http://app.localhost',
    'https://app.example.com',
  ])('%s is taken', (url) => {
    expect(resolve({ baseURL: url, issuerBaseURL: url }, PRODUCTION).baseURL.href).toBe(new URL(url).href)
  })

  test('sessions in memory are refused, unless asked for by name', () => {
    const env = { NODE_ENV: 'production' }
    const message = mistakeIn({}, env)
    expect(message).toMatch(/redis \(REDIS_URL\) is required in production/)
    expect(message).toMatch(/allowInMemoryStore: true/)
    expect(mistakeIn({ allowInMemoryStore: false }, env)).toBe(message)
    expect(mistakeIn({}, { ...env, REDIS_URL: '' })).toBe(message)
    expect(resolve({ allowInMemoryStore: true }, env).redis).toBeUndefined()
    expect(resolve({ redis: 'rediss://redis' }, env).redis).toEqual({ url: 'rediss://redis' })
    expect(resolve({}, { NODE_ENV: 'development' }).redis).toBeUndefined()
    expect(resolve({}, {}).redis).toBeUndefined()
  })
})
