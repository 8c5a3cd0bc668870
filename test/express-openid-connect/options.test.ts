// Each option of express-openid-connect: what it becomes of ours, or the sentence that refuses it. And docs/ say the same.
import { createHash, generateKeyPairSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createClient } from '@redis/client'
import { Redis } from 'ioredis'
import { auth } from '../../src/express-openid-connect/index.ts'
import { OPTIONS } from '../../src/express-openid-connect/options.ts'
import { ROUTES } from '../../src/express-openid-connect/route-options.ts'
import { COOKIE, SESSION } from '../../src/express-openid-connect/session-options.ts'
import { translate } from '../../src/express-openid-connect/translate.ts'
import { ConfigurationError } from '../../src/index.ts'
import type { Config } from '../../src/options/config.ts'
import { resolveOptions } from '../../src/options/resolve-options.ts'

const VALID = {
  issuerBaseURL: 'https://issuer.example.com',
  baseURL: 'https://app.example.com/shop',
  clientID: 'client',
  clientSecret: 'the secret of the client',
  secret: 'a secret of these tests, which is long enough',
}
const environment = { ...process.env }
afterEach(() => {
  process.env = { ...environment }
})

type Given = Record<string, unknown>

const translated = (given: Given = {}) => translate({ ...VALID, ...given } as Parameters<typeof translate>[0])
const configOf = (given: Given): Config => resolveOptions(translated(given).core)

/** @returns the sentence without what stands before all of them */
function refusal(given: Given): string {
  try {
    translated(given)
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigurationError)
    return (error as Error).message.replace('auth(): ', '')
  }
  return 'nothing was refused'
}

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const PEM = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
const store = (client?: object) => ({ get() {}, set() {}, destroy() {}, ...(client && { client }) })

/** Without any of them: the defaults of that package, and not ours. */
test('the defaults are those of express-openid-connect', () => {
  const { core, layer } = translated()
  expect(resolveOptions(core)).toMatchObject({
    authorizationParams: { scope: 'openid profile email' },
    formPost: false,
    idpLogout: false,
    clockToleranceSeconds: 60,
    httpTimeoutSeconds: 5,
    session: { name: '__Host-Http-bff', idleTimeoutSeconds: 86_400, absoluteTimeoutSeconds: 604_800 },
    provider: { refreshSeconds: 600 },
    renewal: { required: false },
    routes: { callback: '/callback', user: false, backchannelLogout: false },
  })
  expect(layer).toMatchObject({
    authRequired: true,
    errorOnRequiredAuth: false,
    attemptSilentLogin: false,
    sessionName: 'appSession',
    login: '/login',
    logout: '/logout',
    postLogoutRedirect: 'https://app.example.com/shop/',
    callbackOfApp: undefined,
  })
})

test('the environment is read as there: a comma in SECRET is a part of it, SCOPE goes before the default', () => {
  Object.assign(process.env, {
    ISSUER_BASE_URL: VALID.issuerBaseURL,
    BASE_URL: VALID.baseURL,
    CLIENT_ID: 'of the environment',
    CLIENT_SECRET: VALID.clientSecret,
    SECRET: VALID.secret,
    SCOPE: 'openid offline_access',
  })
  expect(resolveOptions(translate().core)).toMatchObject({
    clientID: 'of the environment',
    secrets: [VALID.secret],
    authorizationParams: { scope: 'openid offline_access' },
  })
})

describe('what becomes of each', () => {
  const layerOf = (given: Given) => translated(given).layer
  const jar = { requestObjectSigningKey: PEM, requestObjectSigningAlg: 'ES256' }
  const seen: [option: string, given: Given, becomes: object][] = [
    ['baseURL', { baseURL: 'https://www.example.com/' }, { baseURL: new URL('https://www.example.com/') }],
    ['clientID', { clientID: 'other' }, { clientID: 'other' }],
    ['clientSecret', { clientSecret: undefined }, { clientAuthMethod: 'none' }],
    [
      'issuerBaseURL',
      { issuerBaseURL: 'https://id.example.com' },
      { issuer: new URL('https://id.example.com') },
    ],
    ['secret', { secret: [VALID.secret, 'x'.repeat(32)] }, { secrets: [VALID.secret, 'x'.repeat(32)] }],
    [
      'pushedAuthorizationRequests',
      { pushedAuthorizationRequests: true },
      { pushedAuthorizationRequests: true },
    ],
    ['idTokenSigningAlg', { idTokenSigningAlg: 'ES256' }, { idTokenSigningAlg: 'ES256' }],
    [
      'clientAuthMethod',
      { clientAuthMethod: 'client_secret_post' },
      { clientAuthMethod: 'client_secret_post' },
    ],
    [
      'clientAssertionSigningKey',
      {
        clientSecret: undefined,
        clientAssertionSigningKey: Buffer.from(PEM),
        clientAssertionSigningAlg: 'ES256',
      },
      { clientAuthMethod: 'private_key_jwt', clientAssertion: { alg: 'ES256' } },
    ],
    [
      'requestObjectSigningKey',
      jar,
      { signedAuthorizationRequests: true, clientAuthMethod: 'client_secret_basic' },
    ],
    [
      'requestObjectSigningKeyId',
      { ...jar, requestObjectSigningKeyId: 'k-1' },
      { clientAssertion: { kid: 'k-1' } },
    ],
    [
      'authorizationParams',
      { authorizationParams: { response_type: 'code', max_age: 60, claims: { id_token: {} } } },
      {
        authorizationParams: { scope: 'openid profile email', max_age: '60', claims: '{"id_token":{}}' },
      },
    ],
    [
      'authorizationParams.response_type, of the hybrid flow',
      { authorizationParams: { response_type: 'code id_token' } },
      { authorizationParams: { scope: 'openid profile email' } },
    ],
    [
      'authorizationParams.response_mode',
      { authorizationParams: { response_mode: 'form_post' } },
      { formPost: true },
    ],
    [
      'authorizationParams.redirect_uri',
      { authorizationParams: { redirect_uri: `${VALID.baseURL}/cb` } },
      { routes: { callback: '/cb' } },
    ],
    ['idpLogout', { idpLogout: true }, { idpLogout: true }],
    [
      'auth0Logout',
      { auth0Logout: true },
      {
        idpLogout: true,
        logout: { endpoint: new URL('https://issuer.example.com/v2/logout'), returnToParam: 'returnTo' },
      },
    ],
    [
      'auth0Logout, at a tenant of Auth0',
      { idpLogout: true, issuerBaseURL: 'https://shop.eu.auth0.com' },
      { logout: { endpoint: new URL('https://shop.eu.auth0.com/v2/logout'), returnToParam: 'returnTo' } },
    ],
    [
      'auth0Logout: false',
      { idpLogout: true, auth0Logout: false, issuerBaseURL: 'https://shop.eu.auth0.com' },
      { logout: { endpoint: undefined } },
    ],
    [
      'routes.postLogoutRedirect on another site',
      {
        routes: { postLogoutRedirect: 'https://www.example.com/bye' },
        allowedReturnOrigins: ['https://blog.example.com'],
      },
      { returnOrigins: ['https://www.example.com', 'https://blog.example.com'] },
    ],
    [
      'logoutParams',
      { logoutParams: { federated: true, id_token_hint: null } },
      { logout: { params: { federated: 'true', id_token_hint: null } } },
    ],
    ['clockTolerance', { clockTolerance: 5 }, { clockToleranceSeconds: 5 }],
    ['httpTimeout', { httpTimeout: 2500 }, { httpTimeoutSeconds: 2.5 }],
    ['discoveryCacheMaxAge', { discoveryCacheMaxAge: 0 }, { provider: { refreshSeconds: 1 } }],
    [
      'backchannelLogout',
      { backchannelLogout: true },
      { routes: { backchannelLogout: '/backchannel-logout' } },
    ],
    [
      'backchannelLogout.store',
      { backchannelLogout: { store: store() } },
      { routes: { backchannelLogout: '/backchannel-logout' } },
    ],
    [
      'routes.backchannelLogout',
      { backchannelLogout: true, routes: { backchannelLogout: 'bc' } },
      { routes: { backchannelLogout: '/bc' } },
    ],
    ['routes.callback', { routes: { callback: 'back' } }, { routes: { callback: '/back' } }],
    ['session.name', { session: { name: 'shop' } }, { session: { name: 'shop' } }],
    [
      'session.rolling',
      { session: { rolling: false, absoluteDuration: 60 } },
      { session: { idleTimeoutSeconds: 60, absoluteTimeoutSeconds: 60 } },
    ],
    [
      'session.rollingDuration',
      { session: { rollingDuration: 600 } },
      { session: { idleTimeoutSeconds: 600, absoluteTimeoutSeconds: 604_800 } },
    ],
    [
      'session.absoluteDuration',
      { session: { absoluteDuration: false } },
      { session: { absoluteTimeoutSeconds: 315_360_000 } },
    ],
    [
      'session.cookie',
      { session: { cookie: { domain: 'example.com', path: '/shop', transient: true, sameSite: 'None' } } },
      {
        session: {
          name: '__Secure-bff',
          transient: true,
          cookie: { domain: 'example.com', path: '/shop', sameSite: 'none' },
        },
      },
    ],
    [
      'session.signSessionStoreCookie',
      { session: { signSessionStoreCookie: true, requireSignedSessionStoreCookie: true } },
      {},
    ],
    [
      'session.cookie.secure',
      { session: { cookie: { secure: true, httpOnly: true } } },
      { session: { cookie: { secure: true, httpOnly: true } } },
    ],
    ['useMtls', { useMtls: false }, { mutualTLS: undefined }],
    [
      'what needs nothing',
      {
        enableTelemetry: false,
        legacySameSiteCookie: true,
        transactionCookie: { name: 'a', sameSite: 'Lax' },
      },
      {},
    ],
    [
      'ours beside',
      {
        httpTimeoutSeconds: 2,
        clockToleranceSeconds: 1,
        provider: { refreshSeconds: 30 },
        userInfo: undefined,
        redis: false,
        afterRenewal: () => undefined,
        renewal: { afterSeconds: 60 },
      },
      {
        renewal: { afterSeconds: 60, required: false },
        httpTimeoutSeconds: 2,
        clockToleranceSeconds: 1,
        provider: { refreshSeconds: 30 },
      },
    ],
  ]

  test.each(seen)('%s', (_option, given, becomes) => {
    expect(configOf(given)).toMatchObject(becomes)
  })

  test.each<[option: string, given: Given, becomes: object]>([
    ['authRequired', { authRequired: false }, { authRequired: false }],
    ['errorOnRequiredAuth', { errorOnRequiredAuth: true }, { errorOnRequiredAuth: true }],
    ['attemptSilentLogin', { attemptSilentLogin: true }, { attemptSilentLogin: true }],
    ['identityClaimFilter', { identityClaimFilter: ['sid'] }, { identityClaimFilter: ['sid'] }],
    ['session.name', { session: { name: 'shop' } }, { sessionName: 'shop' }],
    [
      'routes.login, .logout',
      { routes: { login: 'enter', logout: false } },
      { login: '/enter', logout: false },
    ],
    [
      'routes.postLogoutRedirect',
      { routes: { postLogoutRedirect: 'bye' } },
      { postLogoutRedirect: `${VALID.baseURL}/bye` },
    ],
    ['authorizationParams.max_age', { authorizationParams: { max_age: '60' } }, { maxAgeSeconds: 60 }],
    [
      'routes.callback: false, and no other address',
      { routes: { callback: false } },
      { callbackOfApp: '/callback', redirectURI: `${VALID.baseURL}/callback` },
    ],
    [
      'routes.callback: false',
      { routes: { callback: false }, authorizationParams: { redirect_uri: `${VALID.baseURL}/cb` } },
      { callbackOfApp: '/cb', redirectURI: `${VALID.baseURL}/cb` },
    ],
  ])('%s', (_option, given, becomes) => {
    expect(layerOf(given)).toMatchObject(becomes)
  })

  test('session.rolling: no request keeps a session that does not roll', () => {
    const { touches } = configOf({ session: { rolling: false } }).session
    expect(touches?.({} as never)).toBe(false)
    expect(configOf({}).session.touches).toBeUndefined()
  })

  test('customFetch sends what goes to the provider, and httpUserAgent stands in it', async () => {
    const sent: unknown[] = []
    const customFetch = async (...args: unknown[]) => {
      sent.push(args)
      return new Response()
    }
    const request = { method: 'GET', headers: { accept: '*/*' }, body: null, redirect: 'manual' } as never
    await configOf({ customFetch }).provider.fetch?.('https://a.example', request)
    await configOf({ customFetch, httpUserAgent: 'shop/1' }).provider.fetch?.('https://a.example', request)
    expect(sent).toEqual([
      ['https://a.example', request],
      ['https://a.example', expect.objectContaining({ headers: { accept: '*/*', 'user-agent': 'shop/1' } })],
    ])
    expect(configOf({ httpUserAgent: 'shop/1' }).provider.fetch).toBeInstanceOf(Function)
  })
})

describe('session.store', () => {
  const redisOf = (client?: object, more: Given = {}) =>
    translated({ session: { store: store(client) }, ...more }).core.redis

  test('a client of ioredis is used as it is, and stays the app’s to close', async () => {
    const client = new Redis({ lazyConnect: true })
    expect(redisOf(client)).toBe(client)
    const handler = auth({ ...VALID, session: { store: store(client) } })
    await handler.close()
    expect(client.status).toBe('wait')
    client.disconnect()
  })

  test.each<[string, Parameters<typeof createClient>[0], string]>([
    [
      'an URL',
      { url: 'rediss://ada:p%40ss@redis.example.com:6380/2' },
      'rediss://ada:p%40ss@redis.example.com:6380/2',
    ],
    [
      'a socket',
      { socket: { host: '10.0.0.1', port: 7000 }, password: 'p@ss' },
      'redis://:p%40ss@10.0.0.1:7000',
    ],
    ['a path', { socket: { path: '/run/redis.sock', tls: false } }, 'unix:///run/redis.sock'],
    ['nothing', undefined, 'redis://localhost:6379'],
  ])('of a client of node-redis, made of %s, its server is used', (_what, options, url) => {
    expect(redisOf(createClient(options))).toBe(url)
  })

  test('where the client cannot be seen, REDIS_URL says where it is', () => {
    process.env.REDIS_URL = 'redis://elsewhere'
    expect(redisOf({ get() {} })).toBeUndefined()
    expect(configOf({ session: { store: store() } }).redis).toMatchObject({ url: 'redis://elsewhere' })
    expect(redisOf(new Redis({ lazyConnect: true }), { redis: 'redis://said' })).toBe('redis://said')
  })

  test.each<[string, object | undefined, RegExp]>([
    ['connect-redis 8', { get() {}, set() {} }, /cannot be seen from outside .*: set REDIS_URL/],
    ['memory', undefined, /^session\.store is no store on Redis, .*: set REDIS_URL/],
    [
      'a client that asks for its password',
      createClient({
        credentialsProvider: { type: 'async-credentials-provider', credentials: async () => ({}) },
      }),
      /give redis an ioredis client/,
    ],
    [
      'a client with certificates',
      createClient({ socket: { tls: true, ca: 'x' } as never }),
      /give redis an ioredis client/,
    ],
  ])('%s is refused, in production too with that sentence alone', (_what, client, sentence) => {
    delete process.env.REDIS_URL
    process.env.NODE_ENV = 'production'
    expect(refusal({ session: { store: store(client) } })).toMatch(sentence)
  })
})

describe('what cannot be had is refused, with what to do', () => {
  const refused: [option: string, given: Given, sentence: RegExp][] = [
    [
      'authorizationParams.response_type',
      { authorizationParams: { response_type: 'id_token' } },
      /is "id_token", and no token comes by way of the browser .*leave it out/,
    ],
    [
      'authorizationParams.redirect_uri',
      { authorizationParams: { redirect_uri: 'https://evil.example/callback' } },
      /must be an address below baseURL/,
    ],
    [
      'authorizationParams.redirect_uri',
      { authorizationParams: { redirect_uri: `${VALID.baseURL}.evil.example/` } },
      /must be an address below baseURL/,
    ],
    ['routes.login', { routes: { login: '//evil.example' } }, /must be a path such as '\/login'/],
    ['routes.postLogoutRedirect', { routes: { postLogoutRedirect: false } }, /must be a path, or the URL/],
    ['session.genid', { session: { genid: () => '1' } }, /ids are random/],
    ['session.signSessionStoreCookie', { session: { signSessionStoreCookie: false } }, /is always so here/],
    [
      'session.requireSignedSessionStoreCookie',
      { session: { requireSignedSessionStoreCookie: false } },
      /is always so here/,
    ],
    ['session.rollingDuration', { session: { rolling: false, rollingDuration: 60 } }, /leave it out/],
    [
      'session.rollingDuration',
      { session: { rollingDuration: '1d' } },
      /must be a number of seconds from 1 to 315360000, not "1d"/,
    ],
    ['session.absoluteDuration', { session: { rolling: false, absoluteDuration: false } }, /would never end/],
    ['session.cookie.httpOnly', { session: { cookie: { httpOnly: false } } }, /is always so here/],
    ['session.cookie.secure', { session: { cookie: { secure: false } } }, /follows baseURL/],
    ['backchannelLogout.onLogoutToken', { backchannelLogout: { onLogoutToken() {} } }, /session-ended/],
    ['backchannelLogout.isLoggedOut', { backchannelLogout: { isLoggedOut: false } }, /session-ended/],
    ['tokenEndpointParams', { tokenEndpointParams: { a: 1 } }, /cannot be had/],
    ['useMtls', { useMtls: true }, /mutualTLS: \{ cert, key \}/],
    ['httpAgent', { httpAgent: {} }, /customFetch/],
    ['httpUserAgent', { httpUserAgent: 'a\nb' }, /must be a string/],
    [
      'logoutParams.returnTo',
      { logoutParams: { returnTo: 'https://evil.example' } },
      /routes\.postLogoutRedirect/,
    ],
    [
      'requestObjectSigningKey',
      {
        requestObjectSigningKey: PEM,
        clientAssertionSigningKey: privateKey,
        clientAuthMethod: 'private_key_jwt',
      },
      /one key signs both/,
    ],
    [
      'requestObjectSigningKey',
      { requestObjectSigningKey: 'no key', requestObjectSigningKeyId: 'k' },
      /is no private key/,
    ],
    ['requestObjectSigningAlg', { requestObjectSigningAlg: 'RS256' }, /give that too/],
    ['httpTimeout', { httpTimeout: 100 }, /must be a number of milliseconds from 500 to 60000/],
    ['discoveryCacheMaxAge', { discoveryCacheMaxAge: -1 }, /milliseconds/],
    ['clockTolerance', { clockTolerance: 301 }, /must be a number of seconds from 0 to 300/],
    ['identityClaimFilter', { identityClaimFilter: 'sid' }, /must be a list/],
    ['afterCallback', { afterCallback: {} }, /must be a function of \(req, res, session, decodedState\)/],
    ['getLoginState', { getLoginState: {} }, /must be a function/],
    ['baseURL', { baseURL: [VALID.baseURL, 'https://www.example.com'] }, /must be one URL here/],
    ['secret', { secret: 'too short' }, /at least 32 characters/],
    ['idTokenSigningAlg', { idTokenSigningAlg: 'HS256' }, /must be one of/],
    ['login.params', { login: { params: ['ui_locales'] } }, /res\.oidc\.login/],
    ['login.appState', { login: { appState: () => ({}) } }, /getLoginState/],
    ['allowedReturnOrigins', { allowedReturnOrigins: 'https://www.example.com' }, /must be a list/],
    ['errorOnRequiredAut', { errorOnRequiredAut: true }, /did you mean errorOnRequiredAuth\?/],
    ['session.rollingDuraton', { session: { rollingDuraton: 1 } }, /did you mean session\.rollingDuration\?/],
    ['session.cookie.maxAge', { session: { cookie: { maxAge: 1 } } }, /is not an option/],
  ]

  test.each(refused)('%s', (option, given, sentence) => {
    const said = refusal(given)
    expect(said.startsWith(option)).toBe(true)
    expect(said).toMatch(sentence)
    expect(said.split('\n')).toHaveLength(1)
  })

  test('all of them at once, those that ours would refuse among them', () => {
    const given = {
      useMtls: true,
      secret: 'short',
      session: { genid: () => '', name: 'a b' },
      routes: { callback: '//' },
    }
    expect(refusal(given).split('\n')).toEqual([
      '5 options need a change:',
      expect.stringMatching(/^- useMtls /),
      expect.stringMatching(/^- session\.genid /),
      expect.stringMatching(/^- routes\.callback /),
      expect.stringMatching(/^- session\.name /),
      expect.stringMatching(/^- secret /),
    ])
  })

  test('no sentence shows a secret', () => {
    const given = {
      clientSecret: '',
      requestObjectSigningKey: `${PEM}x`,
      requestObjectSigningKeyId: 'k',
      secret: 'hush',
      tokenEndpointParams: { client_secret: 'hush' },
    }
    expect(refusal(given)).not.toMatch(
      new RegExp(`hush|${createHash('sha256').update('').digest('hex')}|BEGIN`),
    )
  })
})

describe('docs/from-express-openid-connect.md', () => {
  const text = readFileSync(join(import.meta.dirname, '../../docs/from-express-openid-connect.md'), 'utf8')
  const table = /^## Options\n(.*?)^## /ms.exec(text)?.[1] ?? ''
  /** `session.store`, `.genid` are both of `session`. */
  const named = [...table.matchAll(/^\| (.*?) \|/gm)].flatMap(([, cell = '']) => {
    let group = ''
    return [...cell.matchAll(/`([\w.]+)[^`]*`/g)].map(([, name = '']) => {
      if (!name.startsWith('.')) group = name.slice(0, name.lastIndexOf('.') + 1)
      return name.startsWith('.') ? group + name.slice(1) : name
    })
  })
  const known = [
    ...Object.keys(OPTIONS),
    ...Object.keys(SESSION).map((name) => `session.${name}`),
    ...Object.keys(COOKIE).map((name) => `session.cookie.${name}`),
    ...Object.keys(ROUTES).map((name) => `routes.${name}`),
  ]

  test('its table has a row for each option that there is a row for here, and no other', () => {
    expect([...new Set(named)].sort()).toEqual([...known].sort())
  })
})
