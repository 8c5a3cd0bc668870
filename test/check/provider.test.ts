// bff.check() at a real provider: each mistake in a set-up that shows without a person is found, with what was expected and the option.
import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import { clockFinding } from '../../src/check/clock.ts'
import type { AuthOptions } from '../../src/index.ts'
import { createLog } from '../support/evidence.ts'
import { freePort } from '../support/listen.ts'
import { createCertificates } from '../support/provider/certificates.ts'
import type { Answer } from '../support/provider/faults.ts'
import { startProvider } from '../support/provider/provider.ts'
import { useParts } from '../support/servers.ts'
import { check, namesWith, told } from './check-set-up.ts'

const BASE = 'http://localhost:3000'
const SECRET = 'the-secret_of-this~client'
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const key = { ...privateKey.export({ format: 'jwk' }), kid: 'new-key' } as { kty: string; kid: string }

const { provider, secure } = useParts(async (start) => {
  const provider = await start(
    startProvider({
      configure: (plain) => ({
        ...plain,
        clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'],
        enabledJWA: { ...plain.enabledJWA, clientAuthSigningAlgValues: ['ES256'] },
        features: { ...plain.features, pushedAuthorizationRequests: { enabled: true } },
      }),
    }),
  )
  const { server, ca } = await createCertificates()
  const client = { baseURL: BASE, clientSecret: SECRET }
  const clients = [
    { ...client, clientId: 'good' },
    { baseURL: BASE, clientId: 'public', public: true },
    { ...client, clientId: 'pushing', metadata: { require_pushed_authorization_requests: true } },
    { ...client, clientId: 'few-scopes', metadata: { scope: 'openid offline_access' } },
    { ...client, clientId: 'no-renewal', metadata: { grant_types: ['authorization_code'] } },
    {
      ...client,
      clientId: 'no-flow',
      metadata: { grant_types: ['refresh_token'], response_types: ['none'] },
    },
    {
      baseURL: BASE,
      clientId: 'signing',
      authMethod: 'private_key_jwt' as const,
      metadata: {
        jwks: { keys: [{ ...createPublicKey(privateKey).export({ format: 'jwk' }), kid: 'old-key' }] },
      },
    },
  ]
  for (const each of clients) await provider.registerClient(each)
  return { provider, secure: await start(startProvider({ tls: { ...server, ca } })) }
})
afterEach(() => provider.normal())

const good = (options: AuthOptions = {}): AuthOptions => ({
  issuerBaseURL: provider.issuer,
  baseURL: BASE,
  clientID: 'good',
  clientSecret: SECRET,
  ...options,
})

test('a set-up that is right: nothing fails, and nobody is logged in, asked or told anything', async () => {
  const { lines, logger } = createLog()
  const findings = await check(good({ logger }))
  expect(lines.filter((line) => !line.includes('to be entered at the provider'))).toEqual([])
  expect(namesWith('failed', findings)).toEqual([])
  expect(namesWith('warning', findings)).toEqual(['store'])
  expect(namesWith('unknown', findings)).toEqual(['backchannel-logout-uri'])
  expect(told(findings['client-credentials'])).toBe(
    "ok: the provider takes this client's (client_secret_basic)",
  )
  expect(told(findings['redirect-uri'])).toBe(`ok: ${BASE}/callback is registered`)
  expect(findings['backchannel-logout-uri'].found).toContain(
    `enter ${BASE}/backchannel-logout at the provider`,
  )
  expect(findings.clock).toEqual({
    name: 'clock',
    status: 'ok',
    found: "by the clock of this machine the provider's is right",
  })
  expect(provider.store.all('Session').filter(({ accountId }) => accountId !== undefined)).toEqual([])
  expect(provider.tokenRequests().map(({ status }) => status)).toEqual([400, 400])
})

test('a public client is said to be one', async () => {
  const findings = await check(good({ clientID: 'public', clientSecret: undefined }))
  expect(told(findings['client-credentials'])).toMatch(/^ok: .*asks it for no secret: it is a public one/)
  expect(namesWith('failed', findings)).toEqual([])
})

const CREDENTIALS =
  /the provider answered 401 invalid_client: it does not accept this client's credentials. Check clientID \(CLIENT_ID\), clientSecret \(CLIENT_SECRET\).*and clientAuthMethod/

test.each<[what: string, options: AuthOptions, name: string, said: RegExp]>([
  ['a wrong secret', { clientSecret: 'a wrong one' }, 'client-credentials', CREDENTIALS],
  ['none where one is needed', { clientSecret: undefined }, 'client-credentials', CREDENTIALS],
  ['one at a public client', { clientID: 'public' }, 'client-credentials', CREDENTIALS],
  [
    'a key that the provider does not know',
    { clientID: 'signing', clientSecret: undefined, clientAssertionSigningKey: { ...key, crv: 'P-256' } },
    'client-credentials',
    /does not accept this client's assertion. It may not know the key \(ES256, kid "new-key"\)/,
  ],
  [
    'a redirect URI that is not registered',
    { baseURL: 'http://127.0.0.1:3000' },
    'redirect-uri',
    /http:\/\/127\.0\.0\.1:3000\/callback: the provider answered 400 by a page of its own; its words: "redirect_uri.*and a redirect back here was expected → enter http:\/\/127\.0\.0\.1:3000\/callback at the provider, to the letter, and check clientID \(CLIENT_ID\)/,
  ],
  [
    'an unknown client',
    { clientID: 'nobody' },
    'redirect-uri',
    /answered 400 by a page.*check clientID \(CLIENT_ID\)/,
  ],
  [
    'a redirect URI that is not registered, where requests are pushed',
    { baseURL: 'http://127.0.0.1:3000', pushedAuthorizationRequests: true },
    'redirect-uri',
    /redirect_uri.*→ enter http:\/\/127\.0\.0\.1:3000\/callback at the provider/,
  ],
  [
    'pushed requests that the client has to use',
    { clientID: 'pushing' },
    'login',
    /set pushedAuthorizationRequests: true/,
  ],
  [
    'a scope that is not allowed',
    { clientID: 'few-scopes' },
    'login',
    /invalid_scope to 'openid profile email offline_access'.*SCOPE/,
  ],
  [
    'a flow that is off',
    { clientID: 'no-flow' },
    'login',
    /answered invalid_request.*words: "requested response_type is not allowed/,
  ],
  [
    'another algorithm',
    { idTokenSigningAlg: 'PS256' },
    'id-token-algorithm',
    /idTokenSigningAlg is PS256, but .* signs ID tokens with RS256 only/,
  ],
  [
    'no key for the algorithm',
    { idTokenSigningAlg: 'ES256' },
    'keys',
    /jwks signs with idTokenSigningAlg, ES256: there are RSA RS256 sig/,
  ],
])('%s', async (_what, options, name, said) => {
  const findings = await check(good(options))
  const finding = findings[name as 'login']
  expect(told(finding)).toMatch(said)
  expect(finding.status).toBe('failed')
})

const toLogin = (error: string) => ({
  status: 302,
  headers: {
    location: `${BASE}/callback?error=${error}&error_description=no%20${encodeURIComponent(SECRET)}`,
  },
})

test.each<[error: string, said: RegExp]>([
  [
    'invalid_scope',
    /^failed: .*invalid_scope to 'openid profile email offline_access': allow these to this client there.*; its words: "no \[…\]"$/,
  ],
  [
    'unauthorized_client',
    /^failed: .*unauthorized_client: the authorization code flow \(Keycloak: 'Standard flow'\) may be off/,
  ],
  ['temporarily_unavailable', /^unknown: /],
  ['consent_required', /^ok: without a person the provider answers consent_required/],
])('a provider that leads a login back with %s', async (error, said) => {
  provider.answerNext('authorization', toLogin(error))
  const findings = await check(good())
  expect(told(findings.login)).toMatch(said)
  expect(findings['redirect-uri'].status).toBe('ok')
})

test.each<[what: string, answer: Answer, said: RegExp]>([
  [
    'a page',
    { status: 200, body: '<h1>AADSTS50011</h1>' },
    /^warning: .*answered 200 by a page of its own, and a redirect back here was expected; it may not be/,
  ],
  [
    'another site',
    { status: 302, headers: { location: 'https://elsewhere.example.com/login?x' } },
    /^warning: .*302 with a redirect to https:\/\/elsewhere\.example\.com, and/,
  ],
  [
    'an address that only begins like ours',
    { status: 302, headers: { location: `${BASE}/callback2` } },
    /^warning: /,
  ],
])('a provider that answers a login with %s', async (_what, answer, said) => {
  provider.answerNext('authorization', answer)
  const findings = await check(good())
  expect(told(findings['redirect-uri'])).toMatch(said)
  expect(findings.login.status).toBe('unknown')
})

test.each<[clientID: string, answer: Answer | undefined, said: RegExp]>([
  [
    'good',
    { status: 400, body: { error: 'unauthorized_client' } },
    /^warning: this client may not renew: .*→ .*refresh_token grant/,
  ],
  ['good', { status: 400, body: { error: 'unsupported_grant_type' } }, /^warning: /],
  [
    'no-renewal',
    undefined,
    /^unknown: .*invalid_request.*grant type is not allowed.*→ .*refresh_token grant/,
  ],
])('a client (%s) that may not renew', async (clientID, answer, said) => {
  if (answer !== undefined) provider.answerNext('token', answer, { grantType: 'refresh_token' })
  expect(told((await check(good({ clientID })))['refresh-grant'])).toMatch(said)
})

test('where requests are pushed, the provider says of the pushed one', async () => {
  const findings = await check(good({ clientID: 'pushing', pushedAuthorizationRequests: true }))
  expect(namesWith('failed', findings)).toEqual([])
  expect([findings['redirect-uri'].status, findings.login.status]).toEqual(['ok', 'ok'])
  expect(provider.requests({ endpoint: 'pushed_request' }).at(-1)?.params).toMatchObject({ prompt: 'none' })
})

test('a login whose answer is a form is asked for as a redirect here', async () => {
  const { login } = await check(good({ authorizationParams: { response_mode: 'form_post' } }))
  expect(login.status).toBe('ok')
})

test('where no refresh token is needed, none has to be asked for', async () => {
  const options = { authorizationParams: { scope: 'openid' }, renewal: { required: false } }
  expect((await check(good(options))).scopes.status).toBe('ok')
})

test.each<[keys: unknown, said: RegExp]>([
  [[{ kty: 'RSA' }, { kty: 'EC', crv: 'P-256' }], /^ok: 1 at .* can sign with RS256/],
  [[{ kty: 'RSA', use: 'enc' }], /^failed: none at .*there are RSA enc → set idTokenSigningAlg/],
  [[{ kty: 'EC', crv: 'P-256' }], /^failed: .*there are EC P-256 →/],
  [[], /^failed: .*there are none at all/],
  [undefined, /^failed: .* answered 200, and keys were expected/],
])('the keys %j', async (keys, said) => {
  provider.answerNext('jwks', { status: 200, body: { keys } })
  expect(told((await check(good())).keys)).toMatch(said)
})

test('what was refused is not tried a second time', async () => {
  const before = provider.tokenRequests().length
  const findings = await check(good({ clientSecret: 'a wrong one' }))
  expect(provider.tokenRequests()).toHaveLength(before + 1)
  expect(told(findings['refresh-grant'])).toBe('unknown: was not asked: see client-credentials')
})

test.each<[what: string, options: AuthOptions, name: string, said: RegExp]>([
  [
    'a page after the logout that is not registered',
    { routes: { postLogoutRedirect: '/bye' } as never },
    'post-logout-uri',
    /3000\/bye: the provider answered 400.*→ enter http:\/\/localhost:3000\/bye at the provider/,
  ],
  [
    'a scope that is not offered',
    { authorizationParams: { scope: 'openid offline_access orders' } },
    'scopes',
    /'orders' is asked for.*SCOPE/,
  ],
  [
    'no offline_access',
    { authorizationParams: { scope: 'openid' } },
    'scopes',
    /\(SCOPE\) has no 'offline_access'/,
  ],
])('%s is a warning', async (_what, options, name, said) => {
  const finding = (await check(good(options)))[name as 'login']
  expect(told(finding)).toMatch(said)
  expect(finding.status).toBe('warning')
})

test.each<[change: object, options: AuthOptions, name: string, said: RegExp]>([
  [{ end_session_endpoint: undefined }, {}, 'logout-endpoint', /^warning: .*logout\.endpoint/],
  [
    { revocation_endpoint: undefined },
    {},
    'revocation-endpoint',
    /^warning: .*names no revocation_endpoint.*revokeOnLogout/,
  ],
  [
    { userinfo_endpoint: undefined },
    { userInfo: true },
    'userinfo-endpoint',
    /^failed: .*userinfo_endpoint; leave the option out/,
  ],
  [{ grant_types_supported: ['authorization_code'] }, {}, 'grants', /^warning: refresh_token is not among/],
  [
    { scopes_supported: ['openid', 'profile', 'email'] },
    {},
    'scopes',
    /^warning: 'offline_access' is asked for.*→ .*refresh_token grant/,
  ],
  [
    { pushed_authorization_request_endpoint: undefined },
    { pushedAuthorizationRequests: true },
    'login-parameters',
    /^failed: .*switch PAR on/,
  ],
  [
    { require_pushed_authorization_requests: true },
    {},
    'login-parameters',
    /^failed: .*pushedAuthorizationRequests: true/,
  ],
  [
    { require_signed_request_object: true },
    {},
    'login-parameters',
    /^failed: .*signedAuthorizationRequests: true/,
  ],
  [{ code_challenge_methods_supported: ['plain'] }, {}, 'login-parameters', /^failed: PKCE/],
  [
    { response_modes_supported: ['query'] },
    { authorizationParams: { response_mode: 'form_post' } },
    'login-parameters',
    /^failed: .*form_post/,
  ],
])('a document with %j', async (change, options, name, said) => {
  provider.changeAll('discovery', async (answer) => ({
    ...answer,
    body: JSON.stringify({ ...JSON.parse(String(answer.body)), ...change }),
  }))
  expect(told((await check(good(options)))[name as 'login'])).toMatch(said)
})

test('an issuer that is written with what moves a cursor is shown without', async () => {
  provider.changeAll('discovery', async (answer) => ({
    ...answer,
    body: JSON.stringify({ ...JSON.parse(String(answer.body)), issuer: `${provider.issuer}\u001b\n` }),
  }))
  expect(told((await check(good())).discovery)).toMatch(/its issuer is http:\/\/127\.0\.0\.1:\d+\?$/)
})

const ADDRESS = /^unknown: enter http:\/\/localhost:3000\/callback at the provider/

test.each<[what: string, issuer: () => Promise<string> | string, said: RegExp]>([
  [
    'a slash too many',
    () => `${provider.issuer}//`,
    /is that of the issuer "http:\/\/[\d.:]+", but issuerBaseURL is "http:\/\/[\d.:]+\/\/".*to the letter/,
  ],
  [
    'localhost for 127.0.0.1',
    () => provider.issuer.replace('127.0.0.1', 'localhost'),
    /is that of the issuer "http:\/\/127.*but issuerBaseURL is "http:\/\/localhost.*to the letter/,
  ],
  [
    'another path',
    () => `${provider.issuer}/realms/none`,
    /realms\/none\/\.well-known\/openid-configuration answered 404.*realms\/REALM of Keycloak/,
  ],
  [
    'no listener',
    async () => `http://127.0.0.1:${await freePort()}`,
    /openid-configuration could not be read: .*\(ECONNREFUSED\): nobody listens/,
  ],
  ['an unknown host', () => 'https://nowhere.invalid', /\((?:ENOTFOUND|EAI_AGAIN)\): the name of the host/],
  ['https for http', () => provider.issuer.replace('http:', 'https:'), /\((?:ERR_SSL_|EPROTO).*in http/],
  ['a certificate of nobody', () => secure.issuer, /not trusted: .*NODE_EXTRA_CA_CERTS.*provider\.ca/],
])(
  'an issuer with %s: it is said, the rest is not asked, and the addresses are there all the same',
  async (_what, issuer, said) => {
    const findings = await check(good({ issuerBaseURL: await issuer() }))
    expect(told(findings.discovery)).toMatch(said)
    expect(namesWith('failed', findings)).toEqual(['discovery'])
    expect(told(findings['client-credentials'])).toBe('unknown: was not asked: see discovery')
    expect(told(findings['redirect-uri'])).toMatch(ADDRESS)
    expect(findings['post-logout-uri'].found).toContain('enter http://localhost:3000/ at the provider')
  },
)

test('a question that goes wrong keeps none from being asked', async () => {
  provider.answerAll('jwks', { status: 500 })
  provider.cutAll('token')
  provider.answerAll('authorization', { status: 503 })
  provider.answerAll('end_session', { status: 502 })
  const findings = await check(good())
  expect(namesWith('failed', findings)).toEqual(['keys', 'client-credentials'])
  expect(told(findings['redirect-uri'])).toMatch(/^unknown: .*answered 503/)
  expect(told(findings['post-logout-uri'])).toMatch(/^unknown: .*answered 502/)
  expect(findings.scopes.status).toBe('ok')
})

test('a provider that hangs holds nobody up for longer than httpTimeoutSeconds allows', async () => {
  for (const endpoint of ['jwks', 'token', 'authorization', 'end_session'] as const)
    provider.delayAll(endpoint, 20_000)
  const began = performance.now()
  const findings = await check(good({ httpTimeoutSeconds: 0.3 }))
  expect(told(findings['client-credentials'])).toMatch(/^failed: the provider did not answer in time/)
  expect(findings.login.status).toBe('unknown')
  expect(performance.now() - began).toBeLessThan(5000)
})

test('a date that a cache has kept says nothing of the clock', async () => {
  const headers = { date: new Date(Date.now() - 60_000).toUTCString(), age: '60' }
  for (const endpoint of ['discovery', 'jwks', 'authorization', 'end_session'] as const)
    provider.changeAll(endpoint, async (answer) => ({
      ...answer,
      headers: { ...answer.headers, ...headers },
    }))
  expect(told((await check(good())).clock)).toBe('unknown: nobody told the time')
})

test.each<[provider: number | undefined, store: number | undefined, said: RegExp]>([
  [
    0,
    60,
    /^failed: .*the provider's is right and Redis's is 60 s ahead, more than clockToleranceSeconds \(30\)/,
  ],
  [60, 60, /^warning: .*the provider's is 60 s ahead and Redis's is 60 s ahead → set the clocks/],
  [-10, undefined, /^warning: .*10 s behind →/],
  [1.5, -1.5, /^ok: /],
])('clocks that are %j and %j seconds ahead of ours', (ahead, store, said) => {
  const inMilliseconds = (seconds: number | undefined) => seconds && seconds * 1000
  const clocks = { provider: inMilliseconds(ahead), store: inMilliseconds(store) }
  expect(told(clockFinding(clocks, 30))).toMatch(said)
})

test('a clientSecret() that throws is named, and what it threw is not', async () => {
  const clientSecret = () => {
    throw new Error(SECRET)
  }
  const { found, status } = (await check(good({ clientSecret })))['client-credentials']
  expect([status, found]).toEqual(['failed', 'clientSecret() threw an error'])
})

test('a provider whose clock is wrong by more than is allowed', async () => {
  const date = new Date(Date.now() - 60_000).toUTCString()
  for (const endpoint of ['discovery', 'jwks', 'authorization', 'end_session'] as const)
    provider.changeAll(endpoint, async (answer) => ({ ...answer, headers: { ...answer.headers, date } }))
  expect(told((await check(good())).clock)).toMatch(
    /^failed: by the clock of this machine the provider's is (?:59|60|61)(?:\.\d)? s behind, more than clockToleranceSeconds \(30\).*→ set the clocks/,
  )
})

test('the provider’s words hold no secret', async () => {
  provider.answerNext('token', {
    status: 401,
    body: { error: 'invalid_client', error_description: `no ${SECRET}` },
  })
  const { found } = (await check(good()))['client-credentials']
  expect(found).toMatch(/words: "no \[…\]"$/)
})

test('nor does an error code that is one', async () => {
  const secret = 'Sesame-1'
  provider.answerNext('authorization', toLogin(secret))
  const { found } = (await check({ ...good(), clientSecret: secret })).login
  expect(found).toMatch(/^the provider answered an error; /)
})
