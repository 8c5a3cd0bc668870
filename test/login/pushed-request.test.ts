// The authorization request pushed to the provider from server to server (PAR, RFC 9126).
import { generateKeyPairSync } from 'node:crypto'
import type { AuthOptions } from '../../src/index.ts'
import { startApp, type TestApp } from '../support/app/app.ts'
import type { AppSetup } from '../support/app/app-options.ts'
import { expectTryLater } from '../support/app/fault-fixture.ts'
import { Browser } from '../support/browser/browser.ts'
import { createLog, setCookieLines } from '../support/evidence.ts'
import type { ClientOptions } from '../support/provider/client.ts'
import { startProvider, type TestProvider } from '../support/provider/provider.ts'
import { type RedisServer, startRedis } from '../support/redis/redis-server.ts'

const PUSHED = { pushedAuthorizationRequests: true }
const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const jwks = { keys: [{ ...publicKey.export({ format: 'jwk' }) }] }

let provider: TestProvider
const apps: TestApp[] = []

beforeAll(async () => {
  provider = await startProvider({
    configure: (configuration) => ({
      ...configuration,
      clientAuthMethods: [...(configuration.clientAuthMethods ?? []), 'private_key_jwt', 'client_secret_jwt'],
    }),
  })
})
afterEach(async () => {
  provider.normal()
  await Promise.all(apps.splice(0).map((app) => app.stop()))
})
afterAll(() => provider?.stop())

async function start(setup: AppSetup = {}): Promise<TestApp> {
  const app = await startApp({ provider, ...setup, options: { ...PUSHED, ...setup.options } })
  apps.push(app)
  return app
}

const pushed = () => provider.requests({ endpoint: 'pushed_request' })

test('the browser carries a reference, and the provider has all the rest', async () => {
  const app = await start({ client: { metadata: { require_pushed_authorization_requests: true } } })
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
  ['private_key_jwt', { metadata: { jwks } }, { clientAssertionSigningKey: privateKey }, 'assertion'],
]
test.each(clients)(
  'a client with %s pushes with that too',
  async (method, client, options, authorization) => {
    const authMethod = method as NonNullable<ClientOptions['authMethod']>
    const app = await start({ client: { authMethod, ...client }, options })
    const before = pushed().length
    expect((await new Browser().logIn(app.url, { user: method })).json()).toMatchObject({ sub: method })
    expect(pushed().slice(before)).toMatchObject([{ authorization, status: 201 }])
  },
)

test('each login pushes once, and two tabs both come back', async () => {
  const app = await start()
  const before = pushed().length
  const browser = new Browser()
  const tab = browser.tab()
  const backs = [await browser.startLogin(app.url, { returnTo: '/public' }), await tab.startLogin(app.url)]
  expect(pushed().length).toBe(before + 2)
  expect((await tab.navigate(backs[1] ?? '')).json()).toMatchObject({ home: true, sub: 'alice' })
  expect((await browser.navigate(backs[0] ?? '')).url).toBe(`${app.url}/public`)
})

test('with form_post too', async () => {
  const app = await start({ options: { authorizationParams: { response_mode: 'form_post' } } })
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
  async (_what, arm, detail) => {
    const app = await start({ options: { httpTimeoutSeconds: 2 } })
    const browser = new Browser()
    expect((await browser.logIn(app.url, { path: '/private' })).json()).toMatchObject({ sub: 'alice' })
    const cookies = (await browser.cookies(app.url)).map(String)
    arm()
    const before = pushed().length
    expectTryLater(await browser.request('GET', `${app.url}/login`), 'provider_unavailable')
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
    const { lines, logger } = createLog()
    const app = await start({ options: { logger } })
    const browser = new Browser()
    await browser.logIn(app.url)
    const other = new Browser()
    provider.answerAll('pushed_request', answer)
    const before = pushed().length
    const page = await other.navigate(`${app.url}/private`)
    expect(page.hops.map(({ status }) => status)).toEqual([302, 400])
    expect(page.body).toContain('You were not logged in')
    expect(setCookieLines(page)).toEqual([])
    expect(pushed().length).toBe(before + 1)
    expect(lines).toEqual([
      `express-bff-session: refused (login_failed): The authorization request could not be made: the provider answered ${said}`,
    ])
    expect(app.events.filter(({ name }) => name === 'refused')).toHaveLength(1)
    expect((await browser.request('POST', `${app.url}/fresh`)).json()).toMatchObject({ generation: 2 })
  },
)

describe('where the provider has no endpoint for it', () => {
  let without: TestProvider
  let redis: RedisServer
  beforeAll(async () => {
    redis = await startRedis()
    without = await startProvider({
      configure: (configuration) => ({
        ...configuration,
        features: { ...configuration.features, pushedAuthorizationRequests: { enabled: false } },
      }),
    })
  })
  afterAll(async () => {
    await redis?.stop()
    await without?.stop()
  })

  const named =
    /pushedAuthorizationRequests is true, but http:\/\/127.0.0.1:\d+\/ has no pushed_auth.*leave the option out/

  test('ready() says so, with the option and the cure', async () => {
    const app = await start({ provider: without })
    await expect(app.auth.ready()).rejects.toMatchObject({
      name: 'ConfigurationError',
      code: 'invalid_option',
      message: expect.stringMatching(named),
    })
    const plain = await start({ provider: without, options: { pushedAuthorizationRequests: false } })
    await expect(plain.auth.ready()).resolves.toBeUndefined()
  })

  test('a login is answered 503, the log says why once, and sessions that there are go on', async () => {
    const { lines, logger } = createLog()
    const plain = await start({
      provider: without,
      redisUrl: redis.url,
      options: { pushedAuthorizationRequests: false },
    })
    const browser = new Browser()
    await browser.logIn(plain.url)
    const clientID = without.authorizationRequests().at(-1)?.params.client_id ?? ''
    const { client_secret: clientSecret } = without.store.get('Client', clientID) ?? {}
    const app = await start({
      provider: without,
      redisUrl: redis.url,
      options: { logger, clientID, clientSecret: String(clientSecret) },
    })
    for (let log_ins = 0; log_ins < 3; log_ins += 1) {
      expectTryLater(await browser.request('GET', `${app.url}/login`), 'provider_unavailable')
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
