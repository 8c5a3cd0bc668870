// Every mistake in an option, its name included, is refused at start-up, with that name and what to do about it.
import { auth, ConfigurationError } from '../../src/index.ts'
import { mistakeIn, resolve, SECRET, VALID } from './valid.ts'

const TOO_LONG = 1e15
const BELOW_X = { login: '/x/in', callback: '/x/back', logout: '/x/out', user: '/x/me' }

type Mistake = [name: string, options: object, cure: RegExp]

test.each<Mistake>([
  ['issuerBaseURL', { issuerBaseURL: undefined }, /is required, for example https:/],
  ['issuerBaseURL', { issuerBaseURL: '' }, /is required/],
  ['issuerBaseURL', { issuerBaseURL: 'issuer.example.com' }, /must be an https URL such as https:/],
  ['issuerBaseURL', { issuerBaseURL: 'ftp://issuer.example.com' }, /must be an https URL/],
  ['issuerBaseURL', { issuerBaseURL: new URL('https://issuer.example.com') }, /is required|must be/],
  ['issuerBaseURL', { issuerBaseURL: 'https://me@issuer.example.com' }, /must have no user name/],
  ['issuerBaseURL', { issuerBaseURL: 'https://:word@issuer.example.com' }, /must have no user name/],
  ['issuerBaseURL', { issuerBaseURL: 'https://issuer.example.com?a' }, /must have no .*query/],
  ['issuerBaseURL', { issuerBaseURL: 'https://issuer.example.com#a' }, /must have no .*fragment/],
  ...['microsoftonline.com/common/v2.0', 'microsoftonline.com/Organizations', 'microsoftonline.us/common']
    .map((place) => ({ issuerBaseURL: `https://login.${place}` }))
    .map(
      (options): Mistake => ['tenants', options, /must say whose people.*a list such as.*or name one tenant/],
    ),
  ['tenants', { tenants: [] }, /must be a list such as \['0.*, or a function of \(tid, claims\)/],
  ['tenants', { tenants: 'contoso.com' }, /must be a list/],
  ['tenants', { tenants: true }, /must be a list/],
  ['tenants', { tenants: ['contoso.com'] }, /must hold IDs of tenants .*Directory.*, not "contoso.com"$/],
  ['tenants', { tenants: ['00000000-0000-0000-0000-000000000000', 5] }, /must hold IDs of tenants.*, not 5$/],
  ['baseURL', { baseURL: undefined }, /is required, for example https:/],
  ['baseURL', { baseURL: 'localhost:3000' }, /must be an https URL/],
  ['baseURL', { baseURL: 'javascript:alert(1)' }, /must be an https URL/],
  ['baseURL', { baseURL: 7 }, /is required/],
  ['baseURL', { baseURL: 'https://:word@app.example.com' }, /must have no user name/],
  ['baseURL', { baseURL: [] }, /must hold one URL at least/],
  [
    'baseURL',
    { baseURL: ['https://a.example', 'b.example'] },
    /must be an https URL such as.*, not "b\.example"/,
  ],
  [
    'baseURL',
    { baseURL: ['https://a.example', 'http://localhost'] },
    /must hold https URLs, or http ones, not both/,
  ],
  ['baseURL', { baseURL: ['https://a.example', 'https://a.example/'] }, /holds https:\/\/a\.example\/ twice/],
  [
    'baseURL',
    { baseURL: ['https://a.example/x', 'https://A.example:443/y'] },
    /holds two URLs at a\.example.*baseURL: \{ among, of \}/,
  ],
  [
    'baseURL',
    { baseURL: { among: ['https://a.example'] } },
    /must be a URL, a list of them, or \{ among, of \}/,
  ],
  ['baseURL', { baseURL: { of: () => 'https://a.example' } }, /must be a URL, a list of them, or/],
  ['baseURL', { baseURL: () => 'https://a.example' }, /is required/],
  ['baseURL.amongst', { baseURL: { amongst: [], of: () => '' } }, /did you mean baseURL\.among\?/],
  [
    'session.cookie.domain',
    { baseURL: ['https://a.example.com', 'https://b.test'], session: { cookie: { domain: 'example.com' } } },
    /must be the host of baseURL \(b\.test\)/,
  ],
  [
    'authorizationParams.response_mode',
    {
      baseURL: ['http://localhost', 'http://app.test'],
      authorizationParams: { response_mode: 'form_post' },
    },
    /needs an https baseURL/,
  ],
  ['clientID', { clientID: undefined }, /is required/],
  ['clientID', { clientID: ' ' }, /is required/],
  ['clientID', { clientID: 1234 }, /is required/],
  ['clientSecret', { clientSecret: 1234 }, /must be a string|text/],
  ['secret', { secret: undefined }, /at least 32 characters.*openssl rand/],
  ['secret', { secret: 'x'.repeat(31) }, /at least 32 characters/],
  ['secret', { secret: ' '.repeat(40) }, /at least 32 characters/],
  ['secret', { secret: [] }, /at least 32 characters/],
  ['secret', { secret: [SECRET, 'short'] }, /at least 32 characters/],
  ['secret', { secret: [SECRET, undefined] }, /at least 32 characters/],
  ['secret', { secret: Buffer.alloc(64) }, /at least 32 characters/],
  ['redis', { redis: 'localhost:6379' }, /must be a redis:\/\/ or rediss:\/\/ URL/],
  ['redis', { redis: 'http://localhost:6379' }, /must be a redis:\/\//],
  ['redis', { redis: {} }, /ioredis/],
  ['redis', { redis: 6379 }, /must be a redis:\/\//],
  ['redis', { redis: { keyPrefix: 'staff:' } }, /must be a redis:\/\//],
  ['redis', { redis: { nodes: 'redis://a' } }, /must be a redis:\/\//],
  ['redis', { redis: { sentinels: [] } }, /\{ sentinels, name \}/],
  [
    'redis.keyPrefix',
    { redis: { url: 'redis://a', keyPrefix: '{staff}' } },
    /letters, digits and .*'staff:'/,
  ],
  ['redis.keyPrefix', { redis: 'redis://a/0?keyPrefix={staff}' }, /letters, digits and .*'staff:'/],
  ['redis.keyPrefix', { redis: { url: 'redis://a/?keyPrefix=b:', keyPrefix: 'a:' } }, /is "b:" in the URL/],
  ['redis.keyPrefix', { redis: { url: 'redis://a', keyPrefix: '' } }, /1 to 64/],
  ['redis.prefix', { redis: { url: 'redis://a', prefix: 'x' } }, /is not an option/],
  ['redis.nearCache', { redis: { nodes: [], nearCache: true } }, /two connections of its own/],
  ['userClaims', { userClaims: 'name' }, /must be a list of claims, for example \['name'/],
  ['userClaims', { userClaims: { name: true } }, /must be a list of claims/],
  ['userClaims', { userClaims: ['name', 7] }, /must hold names of claims, not 7/],
  ['userClaims', { userClaims: [''] }, /must hold names of claims, not ""/],
  ['userClaims', { userClaims: ['sid'] }, /must hold claims about the person, not sid/],
  ['userClaims', { userClaims: ['auth_time'] }, /must hold claims about the person, not auth_time/],
  ['allowInMemoryStore', { allowInMemoryStore: 'yes' }, /true or false/],
  ['authorizationParams', { authorizationParams: 'openid' }, /must be an object/],
  ['authorizationParams', { authorizationParams: null }, /must be an object/],
  ['authorizationParams.scope', { authorizationParams: { scope: 'profile' } }, /must include 'openid'/],
  ['authorizationParams.scope', { authorizationParams: { scope: 'openid2' } }, /must include 'openid'/],
  ['authorizationParams.scope', { authorizationParams: { scope: ['openid'] } }, /must be a string/],
  ['authorizationParams.prompt', { authorizationParams: { prompt: '' } }, /must be a string/],
  ['authorizationParams.max_age', { authorizationParams: { max_age: 300 } }, /must be a string/],
  ['authorizationParams.response_type', { authorizationParams: { response_type: 'token' } }, /one of code/],
  [
    'authorizationParams.response_mode',
    { authorizationParams: { response_mode: 'fragment' } },
    /query, form_post/,
  ],
  ['authorizationParams.resource', { authorizationParams: { resource: 'api' } }, /URL of an API/],
  ['authorizationParams.resource', { authorizationParams: { resource: [] } }, /URL of an API/],
  ['authorizationParams.resource', { authorizationParams: { resource: ['https://a.example', 7] } }, /URL/],
  ['authorizationParams.resource', { authorizationParams: { resource: 'https://a.example#b' } }, /fragment/],
  ['apis', { apis: 'https://api.example' }, /must be a list/],
  ['apis', { apis: ['https://a.example', { origin: 'https://a.example' }] }, /a\.example twice/],
  ['apis[0]', { apis: ['api.example'] }, /must have an origin such as https:/],
  ['apis[0]', { apis: ['https://api.example/v1'] }, /without a path/],
  ['apis[0]', { apis: [{ audience: 'a' }] }, /must have an origin/],
  ['apis[1]', { apis: ['https://a.example', { origin: 'https://b.example', audience: '' }] }, /audience/],
  ['apis[0]', { apis: [{ origin: 'https://b.example', scope: 'a  b' }] }, /scope of words/],
  ['apis[0].audiance', { apis: [{ origin: 'https://b.example', audiance: 'a' }] }, /audience\?/],
  [
    'apis[0]',
    {
      apis: [{ origin: 'https://b.example', audience: 'https://b.example' }],
      authorizationParams: { resource: 'https://a.example' },
    },
    /not in authorizationParams\.resource/,
  ],
  ['authRequired', { authRequired: 'false' }, /true or false/],
  ['authRequired', { authRequired: 1 }, /true or false/],
  ['routes', { routes: '/auth' }, /must be an object/],
  ['routes', { routes: ['/login'] }, /must be an object/],
  ['routes.login', { routes: { login: 'login' } }, /must be a path such as '\/login', or false/],
  ['routes.login', { routes: { login: '//evil.example' } }, /must be a path/],
  ['routes.login', { routes: { login: '/log in' } }, /must be a path/],
  ['routes.login', { routes: { login: '/login?x=1' } }, /must be a path/],
  ['routes.login', { routes: { login: true } }, /must be a path/],
  ['routes.login', { routes: { login: '' } }, /must be a path/],
  ['routes.callback', { routes: { callback: false } }, /must be a path such as '\/callback'$/],
  ['routes.logout', { routes: { logout: '/\\evil' } }, /must be a path/],
  ['routes.user', { routes: { user: '/me#' } }, /must be a path/],
  ['routes.postLogoutRedirect', { routes: { postLogoutRedirect: 'https://example.com/' } }, /must be a path/],
  ['routes.postLogoutRedirect', { routes: { postLogoutRedirect: false } }, /must be a path/],
  ['routes', { routes: { login: '/auth', callback: '/auth' } }, /same|twice|another|differ/],
  ['routes', { routes: { logout: '/Login/' } }, /same|twice|another|differ/],
  ['renewal', { renewal: 900 }, /must be an object/],
  ['renewal.afterSeconds', { renewal: { afterSeconds: 0 } }, /number of seconds from 1 to/],
  ['renewal.afterSeconds', { renewal: { afterSeconds: -1 } }, /number of seconds/],
  ['renewal.afterSeconds', { renewal: { afterSeconds: Number.NaN } }, /number of seconds/],
  ['renewal.afterSeconds', { renewal: { afterSeconds: Number.POSITIVE_INFINITY } }, /number of seconds/],
  ['renewal.afterSeconds', { renewal: { afterSeconds: '15m' } }, /number of seconds.*not "15m"/],
  ['renewal.afterSeconds', { renewal: { afterSeconds: {} } }, /number of seconds/],
  ['renewal.afterSeconds', { renewal: { afterSeconds: 900n } }, /number of seconds/],
  ['renewal.afterSeconds', { renewal: { afterSeconds: TOO_LONG } }, /number of seconds/],
  ['renewal.aheadSeconds', { renewal: { aheadSeconds: -1 } }, /number of seconds from 0 to 900/],
  ['renewal.aheadSeconds', { renewal: { afterSeconds: 60, aheadSeconds: 61 } }, /from 0 to 60/],
  ['renewal.timeoutSeconds', { renewal: { timeoutSeconds: 0 } }, /number of seconds/],
  ['renewal.timeoutSeconds', { renewal: { timeoutSeconds: 61 } }, /number of seconds/],
  ['session', { session: 'bff' }, /must be an object/],
  ['session.name', { session: { name: '' } }, /must be a cookie name/],
  ['session.name', { session: { name: 'a b' } }, /must be a cookie name/],
  ['session.name', { session: { name: 'a=b' } }, /must be a cookie name/],
  ['session.name', { session: { name: 'a;b' } }, /must be a cookie name/],
  ['session.name', { session: { name: 7 } }, /must be a cookie name/],
  ['session.name', { baseURL: 'http://localhost', session: { name: '__Host-bff' } }, /only on https/],
  ['session.name', { baseURL: 'http://localhost', session: { name: '__secure-bff' } }, /only on https/],
  ['session.idleTimeoutSeconds', { session: { idleTimeoutSeconds: 0 } }, /number of seconds/],
  ['session.idleTimeoutSeconds', { session: { idleTimeoutSeconds: TOO_LONG } }, /number of seconds/],
  ['session.absoluteTimeoutSeconds', { session: { absoluteTimeoutSeconds: 'week' } }, /number of seconds/],
  ['session.absoluteTimeoutSeconds', { session: { absoluteTimeoutSeconds: TOO_LONG } }, /number of seconds/],
  ['session.cookie', { session: { cookie: 'lax' } }, /must be an object/],
  ['session.cookie.sameSite', { session: { cookie: { sameSite: 'Lax' } } }, /one of lax, strict, none/],
  ['session.cookie.sameSite', { session: { cookie: { sameSite: true } } }, /one of lax/],
  ['session.name', { baseURL: 'http://localhost', session: { name: '__Http-bff' } }, /only on https/],
  ...[{ domain: 'example.com' }, { path: '/x' }].map(
    (cookie): Mistake => [
      'session.name',
      { routes: BELOW_X, session: { name: '__HOST-x', cookie } },
      /prefix __Host-, .* begin it with __Secure-/,
    ],
  ),
  ...['example.org', 'xample.com', 'com', '127.0.0.1', 'a.app.example.com', 'example.com/', '', 7].map(
    (domain): Mistake => [
      'session.cookie.domain',
      { session: { cookie: { domain } } },
      /must be the host of baseURL \(app\.example\.com\) or a domain above it/,
    ],
  ),
  [
    'session.cookie.domain',
    { baseURL: 'https://127.0.0.1', session: { cookie: { domain: '127.0.0.1' } } },
    /or a domain above it/,
  ],
  ...['app', '', '//x', '/a;b', '/a b', 7].map(
    (path): Mistake => ['session.cookie.path', { session: { cookie: { path } } }, /must be a path such as/],
  ),
  [
    'session.cookie.path',
    { baseURL: 'https://app.example.com/shop', session: { cookie: { path: '/sho' } } },
    /routes\.login \(\/shop\/login\) is not below it/,
  ],
  [
    'session.cookie.path',
    { routes: { ...BELOW_X, user: '/me' }, session: { cookie: { path: '/x/' } } },
    /routes\.user \(\/me\) is not below it/,
  ],
  ['session.touches', { session: { touches: '/poll' } }, /must be a function of \(req\)/],
  ['session.cookie.transient', { session: { cookie: { transient: 'yes' } } }, /true or false/],
  [
    'session.cookie.sameSite',
    { baseURL: 'http://localhost', session: { cookie: { sameSite: 'none' } } },
    /only on https/,
  ],
  ['clientAuthMethod', { clientAuthMethod: 'client_secret' }, /one of client_secret_basic/],
  ['clientAuthMethod', { clientSecret: '', clientAuthMethod: 'client_secret_post' }, /needs clientSecret/],
  ['idTokenSigningAlg', { idTokenSigningAlg: 'HS256' }, /one of RS256/],
  ['idTokenSigningAlg', { idTokenSigningAlg: 'none' }, /one of RS256/],
  ['idTokenSigningAlg', { idTokenSigningAlg: 'rs256' }, /one of RS256/],
  ['clockToleranceSeconds', { clockToleranceSeconds: 301 }, /from 0 to 300/],
  ['httpTimeoutSeconds', { httpTimeoutSeconds: 0 }, /number of seconds/],
  ['idpLogout', { idpLogout: 'true' }, /true or false/],
  ['revokeOnLogout', { revokeOnLogout: null }, /true or false/],
  ['allowedOrigins', { allowedOrigins: 'https://admin.example.com' }, /must be a list of origins/],
  ['allowedOrigins', { allowedOrigins: ['https://admin.example.com/'] }, /must hold origins such as/],
  ['allowedOrigins', { allowedOrigins: ['*'] }, /must hold origins such as/],
  ['allowedOrigins', { allowedOrigins: ['null'] }, /must hold origins such as/],
  ['allowedOrigins', { allowedOrigins: [7] }, /must hold origins such as/],
  ['userInfo', { userInfo: 'groups' }, /must be true, a list of claims such as \['groups'\]/],
  ['userInfo', { userInfo: null }, /must be true, a list/],
  ['userInfo', { userInfo: [] }, /must be a list of claims, for example \['groups'/],
  ['userInfo', { userInfo: [7] }, /must hold names of claims, not 7/],
  ['userInfo', { userInfo: ['acr'] }, /claims about the person, not acr, which only an ID token can say/],
  ['userInfo.claims', { userInfo: { claims: 'groups' } }, /must be a list of claims/],
  ['userInfo.claims', { userInfo: { claims: [''] } }, /must hold names of claims/],
  ['userInfo.atRenewal', { userInfo: { atRenewal: 'yes' } }, /true or false/],
  ['userInfo.atrenewal', { userInfo: { atrenewal: true } }, /did you mean userInfo\.atRenewal/],
  ['logout', { logout: 'https://x.example' }, /must be an object/],
  ['logout.endpoint', { logout: { endpoint: '/logout' } }, /must be an https URL such as https:/],
  ['logout.endpoint', { logout: { endpoint: 'https://x.example/out?a' } }, /must have no .*query/],
  ['logout.endPoint', { logout: { endPoint: 'https://x.example' } }, /did you mean logout\.endpoint/],
  ['logout.returnToParam', { logout: { returnToParam: '' } }, /name of a parameter, such as 'logout_uri'/],
  ['logout.returnToParam', { logout: { returnToParam: 'client_id' } }, /name of a parameter/],
  ['logout.params', { logout: { params: ['ui_locales'] } }, /must be an object/],
  ['logout.params.ui_locales', { logout: { params: { ui_locales: 7 } } }, /must be a string, or null/],
  ['logout.params.id_token_hint', { logout: { params: { id_token_hint: 'x' } } }, /null leaves it out/],
  [
    'logout.params.logout_uri',
    { logout: { returnToParam: 'logout_uri', params: { logout_uri: 'https://x.example' } } },
    /is made at every logout/,
  ],
  ['logout.returnTo', { logout: { returnTo: ['https://x.example'] } }, /is now allowedReturnOrigins, which/],
  ['allowedReturnOrigins', { allowedReturnOrigins: 'https://x.example' }, /must be a list of origins/],
  ...[
    'https://x.example/',
    'https://x.example/page',
    'https://x.example:443',
    'https://X.example',
    'https://us@x.example',
    'https://*.x.example',
    'https://é.example',
    'http://x.example',
    'http://localhost.evil.example',
    'http://192.168.0.1',
    'ws://localhost',
    'null',
    '*',
    '',
    'app://x',
    7,
  ].map(
    (one): Mistake => [
      'allowedReturnOrigins',
      { allowedReturnOrigins: [one] },
      /must hold origins such as https:\/\/www\.example\.com, or http:\/\/localhost:5173 on this machine, not/,
    ],
  ),
  ['logout.maxURLBytes', { logout: { maxURLBytes: 10 } }, /whole number from 256/],
  ['logger', { logger: {} }, /warn/],
  ['logger', { logger: 'console' }, /warn/],
])('%s: %j is refused with the cure', (name, options, cure) => {
  const message = mistakeIn(options)
  expect(message).toMatch(cure)
  // The name is said as it is written, with its group.
  expect(message.split(/[\s:,]+/)).toContain(name)
})

test.each(['client_id', 'redirect_uri', 'state', 'nonce', 'code_challenge', 'code_challenge_method'])(
  'authorizationParams.%s is made anew for every login, and refused in the configuration',
  (name) => {
    const message = mistakeIn({ authorizationParams: { [name]: 'mine' } })
    expect(message).toContain(`authorizationParams.${name} `)
    expect(message).toMatch(/leave it out/)
  },
)

test.each([
  ['null', null],
  ['a text', 'options'],
  ['a list', [VALID]],
])('options that are %s are refused as such', (_what, options) => {
  expect(() => auth(options as never)).toThrow(ConfigurationError)
})

test.each([
  ['secret', { secret: 'too short to be taken' }],
  ['secret', { secret: [SECRET, 'too short to be taken'] }],
  ['redis', { redis: 'http://user:too-short@localhost' }],
  ['clientAuthMethod', { clientSecret: 'too short to be taken', clientAuthMethod: 'wrong' }],
  ['issuerBaseURL', { issuerBaseURL: 'https://user:too-short@issuer.example.com' }],
])('a mistake in %s is told without the secret that was given', (_name, options) => {
  expect(mistakeIn(options)).not.toMatch(/too.short/)
})

test('auth() itself throws the mistake, before anything is opened', () => {
  expect(() => auth({ ...VALID, authRequired: 'yes' as never })).toThrow(
    new ConfigurationError('invalid_option', 'auth(): authRequired must be true or false'),
  )
  expect(resolve().authRequired).toBe(false)
})

describe('names that are no options, in groups too', () => {
  test.each<[options: object, given: string, nearest: string]>([
    [{ issuerBaseUrl: 'https://x.example' }, 'issuerBaseUrl', 'issuerBaseURL'],
    [{ baseUrl: 'https://x.example' }, 'baseUrl', 'baseURL'],
    [{ clientId: 'x' }, 'clientId', 'clientID'],
    [{ ClientSecret: 'x' }, 'ClientSecret', 'clientSecret'],
    [{ secrets: 'x' }, 'secrets', 'secret'],
    [{ authorisationParams: {} }, 'authorisationParams', 'authorizationParams'],
    [{ authorizationParameters: {} }, 'authorizationParameters', 'authorizationParams'],
    [{ authRequire: true }, 'authRequire', 'authRequired'],
    [{ idpLogOut: true }, 'idpLogOut', 'idpLogout'],
    [{ alowedOrigins: [] }, 'alowedOrigins', 'allowedOrigins'],
    [{ routes: { log_in: '/in' } }, 'routes.log_in', 'routes.login'],
    [{ routes: { callBack: '/back' } }, 'routes.callBack', 'routes.callback'],
    [{ routes: { postLogoutRedirectUri: '/' } }, 'routes.postLogoutRedirectUri', 'routes.postLogoutRedirect'],
    [{ renewal: { afterSecond: 60 } }, 'renewal.afterSecond', 'renewal.afterSeconds'],
    [{ renewal: { timeoutsSeconds: 5 } }, 'renewal.timeoutsSeconds', 'renewal.timeoutSeconds'],
    [{ session: { Name: 'bff' } }, 'session.Name', 'session.name'],
    [{ session: { idleTimeoutSecs: 5 } }, 'session.idleTimeoutSecs', 'session.idleTimeoutSeconds'],
    [{ session: { cookie: { samesite: 'lax' } } }, 'session.cookie.samesite', 'session.cookie.sameSite'],
  ])('%j is refused with the nearest name', (options, given, nearest) => {
    expect(mistakeIn(options)).toBe(`auth(): ${given} is not an option; did you mean ${nearest}?`)
  })

  test.each<[options: object, given: string, known: string]>([
    [{ zzz: 1 }, 'zzz', 'issuerBaseURL, baseURL, clientID'],
    [{ redisURL: 'x' }, 'redisURL', 'redis'],
    [{ appSession: {} }, 'appSession', 'session'],
    [{ routes: { backchannel: '/x' } }, 'routes.backchannel', 'login, callback, logout, user'],
    [{ renewal: { every: 60 } }, 'renewal.every', 'afterSeconds, aheadSeconds, timeoutSeconds'],
    [{ session: { cookie: { priority: 'high' } } }, 'session.cookie.priority', 'sameSite, domain, path'],
  ])('%j, which is near to nothing, is refused with the names that there are', (options, given, known) => {
    const message = mistakeIn(options)
    expect(message).toContain(`auth(): ${given} is not an option; `)
    expect(message).toContain(known)
  })

  test('a wrong name is refused even where its value is undefined', () => {
    expect(mistakeIn({ clientId: undefined })).toContain('did you mean clientID?')
  })

  test('parameters of the authorization request have any name', () => {
    const params = { acr_values: 'mfa', 'urn:x': '1', ui_locales: 'nb' }
    expect(resolve({ authorizationParams: params }).authorizationParams).toMatchObject(params)
  })
})
