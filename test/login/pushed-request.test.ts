// The authorization request pushed to the provider from server to server (PAR, RFC 9126), and as a signed JWT (JAR,
// RFC 9101), in the browser's address or pushed.
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import type { AuthOptions } from '../../src/index.ts'
import { startApp, type TestApp } from '../support/app/app.ts'
import type { AppSetup } from '../support/app/app-options.ts'
import { expectTryLater } from '../support/app/fault-fixture.ts'
import { Browser } from '../support/browser/browser.ts'
import { createLog, setCookieLines } from '../support/evidence.ts'
import type { ClientOptions } from '../support/provider/client.ts'
import { startProvider } from '../support/provider/provider.ts'
import { unsigned } from '../support/provider/seen-requests.ts'
import { startRedis } from '../support/redis/redis-server.ts'
import { useParts, useStarted } from '../support/servers.ts'

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const ed25519 = generateKeyPairSync('ed25519')
const publicJWK = ({ publicKey }: { publicKey: KeyObject }) => ({ ...publicKey.export({ format: 'jwk' }) })

const provider = useStarted(() =>
  startProvider({
    configure: (configuration) => ({
      ...configuration,
      clientAuthMethods: [...(configuration.clientAuthMethods ?? []), 'private_key_jwt', 'client_secret_jwt'],
      features: { ...configuration.features, requestObjects: { enabled: true } },
      clockTolerance: 0,
    }),
  }),
)
const apps: TestApp[] = []
/** As a page, and answered as a script. */
const OPENED = { headers: { 'sec-fetch-dest': 'document' } }
afterEach(async () => {
  provider.normal()
  await Promise.all(apps.splice(0).map((app) => app.stop()))
})

async function start(setup: AppSetup): Promise<TestApp> {
  const app = await startApp({ provider, ...setup })
  apps.push(app)
  return app
}

describe('pushed', () => {
  const startPushing = (setup: AppSetup = {}) =>
    start({ ...setup, options: { pushedAuthorizationRequests: true, ...setup.options } })

  const log = createLog()
  const { patient, hurried } = useParts(async (note) => {
    const setup = { provider, options: { pushedAuthorizationRequests: true, logger: log.logger } }
    return {
      patient: await note(startApp(setup)),
      // Long enough for the logins before and after what hangs.
      hurried: await note(startApp({ ...setup, options: { ...setup.options, httpTimeoutSeconds: 3 } })),
    }
  })
  beforeEach(() => {
    log.lines.length = 0
    patient.events.length = 0
  })

  const pushed = () => provider.requests({ endpoint: 'pushed_request' })

  test('the browser carries a reference, and the provider has all the rest', async () => {
    const app = await startPushing({ client: { metadata: { require_pushed_authorization_requests: true } } })
    const browser = new Browser()
    const asked = await browser.navigate(`${app.url}/login`, { stopAt: () => true })
    const url = new URL(asked.headers.location ?? '')
    expect(Object.fromEntries(url.searchParams)).toEqual({
      client_id: expect.any(String),
      request_uri: expect.stringMatching(/^urn:ietf:params:oauth:request_uri:/),
    })
    const secret = expect.stringMatching(/^[\w-]{43}$/)
    expect(pushed().at(-1)).toMatchObject({
      method: 'POST',
      status: 201,
      authorization: 'basic',
      params: {
        client_id: url.searchParams.get('client_id'),
        response_type: 'code',
        redirect_uri: `${app.url}/callback`,
        scope: 'openid profile email offline_access',
        prompt: 'consent',
        state: secret,
        nonce: secret,
        code_challenge: secret,
        code_challenge_method: 'S256',
      },
    })

    const page = await browser.finish(await browser.navigate(url.href))
    expect(page.json()).toMatchObject({ home: true, sub: 'alice' })
    expect((await browser.request('POST', `${app.url}/fresh`)).json()).toMatchObject({ generation: 2 })
  })

  type Row = [method: string, client: ClientOptions, options: AuthOptions, authorization: string]
  const clients: Row[] = [
    ['none', { public: true }, {}, 'none'],
    ['client_secret_post', {}, { clientAuthMethod: 'client_secret_post' }, 'post'],
    ['client_secret_jwt', {}, { clientAuthMethod: 'client_secret_jwt' }, 'assertion'],
    [
      'private_key_jwt',
      { metadata: { jwks: { keys: [publicJWK(p256)] } } },
      { clientAssertionSigningKey: p256.privateKey },
      'assertion',
    ],
  ]
  test.each(clients)(
    'a client with %s pushes with that too',
    async (method, client, options, authorization) => {
      const authMethod = method as NonNullable<ClientOptions['authMethod']>
      const app = await startPushing({ client: { authMethod, ...client }, options })
      const before = pushed().length
      expect((await new Browser().logIn(app.url, { user: method })).json()).toMatchObject({ sub: method })
      expect(pushed().slice(before)).toMatchObject([{ authorization, status: 201 }])
    },
  )

  test('each login pushes once, and two tabs both come back', async () => {
    const before = pushed().length
    const browser = new Browser()
    const tab = browser.tab()
    const backs = [
      await browser.startLogin(patient.url, { returnTo: '/public' }),
      await tab.startLogin(patient.url),
    ]
    expect(pushed().length).toBe(before + 2)
    expect((await tab.navigate(backs[1] ?? '')).json()).toMatchObject({ home: true, sub: 'alice' })
    expect((await browser.navigate(backs[0] ?? '')).url).toBe(`${patient.url}/public`)
  })

  test('with form_post too', async () => {
    const app = await startPushing({ options: { authorizationParams: { response_mode: 'form_post' } } })
    const browser = new Browser()
    const page = await browser.finish(await browser.navigate(`${app.url}/login`), { user: 'form' })
    expect(page.json()).toMatchObject({ home: true, sub: 'form' })
    expect(pushed().at(-1)?.params.response_mode).toBe('form_post')
  })

  const html = { 'content-type': 'text/html' }
  type Fault = [what: string, arm: () => void, detail: RegExp]
  const faults: Fault[] = [
    ['answers 500', () => provider.answerNext('pushed_request', { status: 500 }), /unexpected HTTP response/],
    ['answers 503', () => provider.answerNext('pushed_request', { status: 503 }), /unexpected HTTP response/],
    [
      'answers 429',
      () => provider.answerNext('pushed_request', { status: 429, body: { error: 'slow_down' } }),
      /answered 429 slow_down/,
    ],
    ['resets the connection', () => provider.cutNext('pushed_request'), /could not be reached/],
    ['is cut in its answer', () => provider.cutNext('pushed_request', 'midway'), /could not be reached/],
    ['hangs', () => void provider.holdNext('pushed_request'), /did not answer in time/],
    [
      'answers a page',
      () => provider.answerNext('pushed_request', { status: 404, headers: html, body: '<p>no' }),
      /unexpected response content-type/,
    ],
    [
      'redirects',
      () => provider.answerNext('pushed_request', { status: 307, headers: { location: '/elsewhere' } }),
      /unexpected HTTP response/,
    ],
    [
      'answers without end',
      () => provider.answerNext('pushed_request', { status: 201, body: 'x'.repeat(5_000_000) }),
      /ANSWER_TOO_LARGE/,
    ],
  ]
  test.each(faults)(
    'a provider that %s: 503, nothing is begun, and the next login goes well',
    async (what, arm, detail) => {
      const app = what === 'hangs' ? hurried : patient
      const browser = new Browser()
      expect((await browser.logIn(app.url, { path: '/private' })).json()).toMatchObject({ sub: 'alice' })
      const cookies = (await browser.cookies(app.url)).map(String)
      arm()
      const before = pushed().length
      expectTryLater(await browser.request('GET', `${app.url}/login`, OPENED), 'provider_unavailable')
      expect(pushed().length).toBe(before + 1)
      expect(app.events.at(-1)).toEqual({
        name: 'provider-unavailable',
        event: { detail: expect.stringMatching(detail) },
      })
      expect((await browser.cookies(app.url)).map(String)).toEqual(cookies)
      expect((await browser.request('GET', `${app.url}/private`)).json()).toMatchObject({ generation: 1 })
      expect((await browser.logIn(app.url)).json()).toMatchObject({ sub: 'alice' })
    },
  )

  const echo = 'eyJhbGciOiJIUzI1NiJ9'
  test.each([
    ['400 invalid_request', { status: 400, body: { error: 'invalid_request' } }, '400 invalid_request'],
    ['401 invalid_client', { status: 401, body: { error: 'invalid_client' } }, '401 invalid_client'],
    [
      '401 invalid_client with a challenge',
      { status: 401, headers: { 'www-authenticate': 'Basic realm="x", error="invalid_client"' } },
      '401 invalid_client',
    ],
    [
      '403 with a value of ours',
      { status: 403, body: { error: echo, error_description: echo } },
      '403 an error',
    ],
  ])(
    'a provider that answers %s: the log says it, nobody is sent round in circles',
    async (_what, answer, said) => {
      const browser = new Browser()
      await browser.logIn(patient.url)
      const other = new Browser()
      provider.answerAll('pushed_request', answer)
      const before = pushed().length
      const page = await other.navigate(`${patient.url}/private`)
      expect(page.hops.map(({ status }) => status)).toEqual([302, 400])
      expect(page.body).toContain('You were not logged in')
      expect(setCookieLines(page)).toEqual([])
      expect(pushed().length).toBe(before + 1)
      expect(log.lines).toEqual([
        expect.stringContaining(
          `express-bff-session: refused (login_failed): The authorization request could not be made: the provider answered ${said}`,
        ),
      ])
      expect(log.lines[0]).not.toContain(echo)
      expect(patient.events.filter(({ name }) => name === 'refused')).toHaveLength(1)
      expect((await browser.request('POST', `${patient.url}/fresh`)).json()).toMatchObject({ generation: 2 })
    },
  )

  describe('where the provider has no endpoint for it', () => {
    const { redis, without } = useParts(async (note) => ({
      redis: await note(startRedis()),
      without: await note(
        startProvider({
          configure: (configuration) => ({
            ...configuration,
            features: { ...configuration.features, pushedAuthorizationRequests: { enabled: false } },
          }),
        }),
      ),
    }))

    const named =
      /pushedAuthorizationRequests is true, but http:\/\/127.0.0.1:\d+\/ has no pushed_auth.*leave the option out/

    test('ready() says so, with the option and the cure', async () => {
      const app = await startPushing({ provider: without })
      await expect(app.auth.ready()).rejects.toMatchObject({
        name: 'ConfigurationError',
        code: 'invalid_option',
        message: expect.stringMatching(named),
      })
      const plain = await start({ provider: without })
      await expect(plain.auth.ready()).resolves.toBeUndefined()
    })

    test('a login is answered 503, the log says why once, and sessions that there are go on', async () => {
      const { lines, logger } = createLog()
      const plain = await start({ provider: without, redisUrl: redis.url })
      const browser = new Browser()
      await browser.logIn(plain.url)
      const clientID = without.authorizationRequests().at(-1)?.params.client_id ?? ''
      const { client_secret: clientSecret } = without.store.get('Client', clientID) ?? {}
      const app = await startPushing({
        provider: without,
        redisUrl: redis.url,
        options: { logger, clientID, clientSecret: String(clientSecret) },
      })
      for (let log_ins = 0; log_ins < 3; log_ins += 1) {
        expectTryLater(await browser.request('GET', `${app.url}/login`, OPENED), 'provider_unavailable')
      }
      expect(lines).toEqual([expect.stringMatching(named)])
      const told = app.events.filter(({ name }) => name === 'provider-unavailable')
      expect(told).toEqual(
        Array(3).fill({ name: 'provider-unavailable', event: { detail: expect.stringMatching(named) } }),
      )
      expect((await browser.request('POST', `${app.url}/fresh`)).json()).toMatchObject({ generation: 2 })
      expect(without.requests({ endpoint: 'pushed_request' })).toEqual([])
    })
  })
})

describe('signed', () => {
  /** A client that the provider takes nothing else from. */
  async function startSigning(
    pair: { publicKey: KeyObject },
    options: AuthOptions,
    client: ClientOptions = {},
    kid?: string,
  ): Promise<TestApp> {
    const jwk = { ...publicJWK(pair), ...(kid && { kid }) }
    const metadata = { jwks: { keys: [jwk] }, require_signed_request_object: true, ...client.metadata }
    const given = {
      clientAuthMethod: 'client_secret_basic',
      signedAuthorizationRequests: true,
      ...options,
    } as const
    return start({ client: { ...client, metadata }, options: given })
  }

  async function askToLogIn(app: TestApp): Promise<URL> {
    const page = await new Browser().navigate(`${app.url}/login`, { stopAt: () => true })
    return new URL(page.headers.location ?? '')
  }

  type Row = [what: string, pair: typeof rsa, alg: string, options?: AuthOptions]
  const keys: Row[] = [
    ['an RSA key', rsa, 'RS256'],
    ['an RSA key and PS256', rsa, 'PS256', { clientAssertionSigningAlg: 'PS256' }],
    ['a key on P-256', p256, 'ES256'],
    ['an Ed25519 key', ed25519, 'EdDSA'],
  ]
  test.each(keys)(
    '%s signs all of the request, and the login goes well',
    async (_what, pair, alg, options = {}) => {
      const key = { ...pair.privateKey.export({ format: 'jwk' }), kid: 'key-1' }
      const authorizationParams = { max_age: '3600' }
      const app = await startSigning(
        pair,
        { clientAssertionSigningKey: key, authorizationParams, ...options },
        {},
        'key-1',
      )
      const url = await askToLogIn(app)
      const { client_id: clientId, request = '', ...rest } = Object.fromEntries(url.searchParams)
      // OpenID Connect Core §6.1
      expect(rest).toEqual({ response_type: 'code', scope: 'openid' })
      const { header, claims } = unsigned(request)
      // RFC 9101 §4, §10.8
      expect(header).toEqual({ alg, typ: 'oauth-authz-req+jwt', kid: 'key-1' })
      const secret = expect.stringMatching(/^[\w-]{43}$/)
      expect(claims).toEqual({
        iss: clientId,
        aud: provider.issuer,
        client_id: clientId,
        redirect_uri: `${app.url}/callback`,
        response_type: 'code',
        scope: 'openid profile email offline_access',
        prompt: 'consent',
        max_age: 3600,
        state: secret,
        nonce: secret,
        code_challenge: secret,
        code_challenge_method: 'S256',
        jti: expect.any(String),
        iat: claims.nbf,
        nbf: expect.any(Number),
        exp: Number(claims.nbf) + 75,
      })

      const browser = new Browser()
      expect((await browser.logIn(app.url, { user: 'signed' })).json()).toMatchObject({ sub: 'signed' })
      expect((await browser.request('POST', `${app.url}/fresh`)).json()).toMatchObject({ generation: 2 })
    },
  )

  test('what the browser changes in the request is refused by the provider', async () => {
    const app = await startSigning(p256, { clientAssertionSigningKey: p256.privateKey })
    const url = await askToLogIn(app)
    const [header, , signature] = url.searchParams.get('request')?.split('.') ?? []
    const claims = { ...unsigned(url.searchParams.get('request') ?? '').claims, scope: 'openid' }
    const changed = Buffer.from(JSON.stringify(claims)).toString('base64url')
    url.searchParams.set('request', `${header}.${changed}.${signature}`)
    const page = await new Browser().navigate(url.href, { stopAt: ({ origin }) => origin === app.url })
    const error = new URL(page.headers.location ?? '').searchParams.get('error')
    expect(error).toBe('invalid_request_object')
  })

  test('signed and pushed, by a client with a key alone, answered by a form', async () => {
    const before = provider.requests().length
    const app = await startSigning(
      p256,
      {
        clientAuthMethod: undefined,
        clientAssertionSigningKey: p256.privateKey,
        pushedAuthorizationRequests: true,
        authorizationParams: { response_mode: 'form_post' },
      },
      { authMethod: 'private_key_jwt', metadata: { require_pushed_authorization_requests: true } },
    )
    expect([...(await askToLogIn(app)).searchParams.keys()].sort()).toEqual(['client_id', 'request_uri'])
    const browser = new Browser()
    const page = await browser.finish(await browser.navigate(`${app.url}/login`), { user: 'both' })
    expect(page.json()).toMatchObject({ home: true, sub: 'both' })
    expect((await browser.request('POST', `${app.url}/fresh`)).json()).toMatchObject({ generation: 2 })
    await browser.request('POST', `${app.url}/logout`)
    await app.auth.close()
    expect(provider.liveRefreshTokens('both')).toEqual([])

    const said = provider
      .requests()
      .slice(before)
      .filter(({ method, endpoint }) => method === 'POST' && endpoint !== 'other')
    expect(said).toMatchObject([
      { endpoint: 'pushed_request', authorization: 'assertion', status: 201 },
      { endpoint: 'pushed_request', authorization: 'assertion', status: 201 },
      { endpoint: 'token', authorization: 'assertion', status: 200 },
      { endpoint: 'token', authorization: 'assertion', status: 200 },
      { endpoint: 'revocation', authorization: 'assertion', status: 200 },
    ])
    // RFC 9126 §3: everything is in the signed request.
    expect(Object.keys(said[0]?.params ?? {}).sort()).toEqual([
      'client_assertion_type',
      'client_id',
      'request',
    ])
    expect(unsigned(said[0]?.params.request ?? '').claims).toMatchObject({ response_mode: 'form_post' })
  })
})
