// The discovery document: of another issuer, without what it needs, endless; and that its jwks_uri is where keys are.
import { startApp, type TestApp } from '../support/app/app.ts'
import { Browser } from '../support/browser/browser.ts'
import { eventually } from '../support/deadline.ts'
import { createLog, setCookieLine, setCookieLines } from '../support/evidence.ts'
import type { Json } from '../support/provider/fault-controls.ts'
import { type Forge, forgeNext, signed } from '../support/provider/forge-id-token.ts'
import { type HostileServer, MANNERS, startHostileServer } from '../support/provider/hostile-server.ts'
import { startProvider, type TestProvider } from '../support/provider/provider.ts'
import { createSigningKey } from '../support/provider/signing-key.ts'
import { type RedisServer, startRedis } from '../support/redis/redis-server.ts'
import { type LoggedIn, logIn } from '../support/session/logged-in.ts'

const client = { clientId: 'careful', clientSecret: 'known to both of them' }
let provider: TestProvider
let redis: RedisServer
let hostile: HostileServer
let metadata: Json
/** somebody who logged in while the provider was as it should be */
let session: LoggedIn
let older: TestApp
/** a fresh one for each test: it has not discovered the provider yet */
let app: TestApp | undefined

beforeAll(async () => {
  ;[provider, redis, hostile] = await Promise.all([startProvider(), startRedis(), startHostileServer()])
  older = await open()
  await provider.registerClient({ ...client, baseURL: older.url })
  session = await logIn(provider, older.url)
  const address = `${provider.issuer}/.well-known/openid-configuration`
  metadata = (await new Browser().request('GET', address)).json()
})
afterEach(async () => {
  provider.normal()
  await app?.stop()
})
afterAll(async () => {
  await older?.stop()
  await Promise.all([provider, redis, hostile].map((each) => each?.stop()))
})

function open(issuerBaseURL = provider.issuer): Promise<TestApp> {
  const { clientId: clientID, clientSecret } = client
  const options = { issuerBaseURL, clientID, clientSecret, httpTimeoutSeconds: 2, logger: createLog().logger }
  return startApp({ redisUrl: redis.url, options })
}

/** Nothing leads to the provider: no login begins, no refresh token is sent. */
async function expectNobodySentThere({ url }: TestApp) {
  const before = provider.requests((seen) => seen.endpoint !== 'discovery').length
  const page = await new Browser().navigate(`${url}/login`)
  expect([page.status, page.headers.location, setCookieLines(page)]).toEqual([503, undefined, []])
  const problem = await new Browser().request('GET', `${url}/login`)
  expect([problem.status, problem.json().code]).toEqual([503, 'provider_unavailable'])
  const fresh = await session.get(`${url}/fresh`)
  expect([fresh.status, fresh.json().code]).toEqual([503, 'provider_unavailable'])
  expect((await session.get(`${url}/private`)).json()).toMatchObject({ sub: session.user, generation: 1 })
  expect(provider.requests((seen) => seen.endpoint !== 'discovery')).toHaveLength(before)
}

test.each<[string, issuer: (own: string) => unknown]>([
  ['+ "1"', (own) => `${own}1`],
  ['with a path', (own) => `${own}/1`],
  ['with a query', (own) => `${own}?1`],
  ['of another host', (own) => own.replace('127.0.0.1', 'localhost')],
  ['of another scheme', (own) => own.replace('http:', 'https:')],
  ['in a list', (own) => [own]],
  ['missing', () => undefined],
])('discovery-issuer-mismatch: %s, no authorization request at all', async (_what, issuer) => {
  provider.answerAll('discovery', { status: 200, body: { ...metadata, issuer: issuer(provider.issuer) } })
  app = await open()
  await expectNobodySentThere(app)
  expect(app.events[0]).toEqual({
    name: 'provider-unavailable',
    event: { detail: expect.stringMatching(/^Discovery of .* failed: /) },
  })
})

test.each([
  ['no authorization_endpoint', undefined],
  ['an authorization_endpoint that is a number', 5],
  ['an authorization_endpoint without a host', '/auth'],
  ['an authorization_endpoint that is a script', 'javascript:alert(1)'],
])('discovery with %s begins no login, and shows nobody what is wrong inside', async (_what, endpoint) => {
  provider.answerAll('discovery', { status: 200, body: { ...metadata, authorization_endpoint: endpoint } })
  app = await open()
  const page = await new Browser().navigate(`${app.url}/login`)
  expect([400, 503]).toContain(page.status)
  expect([page.headers.location, setCookieLines(page)]).toEqual([undefined, []])
  expect(page.body).not.toMatch(/authorization server metadata|node_modules|javascript:/)
})

test('discovery-jwks-uri-keys: the keys at the jwks_uri of the document sign, and no others', async () => {
  const { jwk, publicJwk } = await createSigningKey()
  hostile.answer('right', { keys: [publicJwk] })
  provider.rewriteNext('discovery', (json) => ({ ...json, jwks_uri: `${hostile.url}/other/keys` }))
  app = await startApp({ provider, options: { logger: createLog().logger } })
  const { url } = app
  const elsewhere = provider.requests({ endpoint: 'jwks' }).length

  const logIn = async (forge: Forge) => {
    const browser = new Browser()
    const callback = await browser.startLogin(url, { user: 'alice' })
    void forgeNext(provider, forge)
    return browser.navigate(callback)
  }
  expect((await logIn(signed(undefined, { key: jwk, header: { kid: jwk.kid } }))).status).toBe(200)
  for (const forge of [signed(), signed(undefined, { header: { kid: jwk.kid } })]) {
    const refused = await logIn(forge)
    expect([refused.status, setCookieLine(refused, 'bff')]).toEqual([400, undefined])
  }
  // Once more for a kid that is not among them.
  expect(hostile.paths()).toEqual(['/other/keys', '/other/keys'])
  expect(provider.requests({ endpoint: 'jwks' })).toHaveLength(elsewhere)
})

test.each(MANNERS)('discovery of %s is 503, and is tried again by itself', async (_what, manner, detail) => {
  const document = { ...metadata, issuer: hostile.url }
  hostile.answer(manner, document)
  app = await open(hostile.url)
  const page = await hostile.bounded(() => new Browser().navigate(`${app?.url}/login`))
  expect([page.status, setCookieLines(page)]).toEqual([503, []])
  expect(app.events).toEqual([
    { name: 'provider-unavailable', event: { detail: expect.stringMatching(detail) } },
  ])
  const asked = hostile.paths().length
  const began = performance.now()
  await expectNobodySentThere(app)
  const seconds = Math.floor((performance.now() - began) / 1000)
  expect(hostile.paths().length - asked).toBeLessThanOrEqual(seconds)
  hostile.answer('right', document)
  await eventually('discovery', () => app?.auth.ready().then(() => true))
  expect((await new Browser().request('GET', `${app.url}/login`)).status).toBe(302)
})
