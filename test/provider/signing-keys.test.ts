// The provider's keys: they change, they lack a kid, there are too many of them.
import type { JWK } from 'jose'
import { startApp, type TestApp } from '../support/app/app.ts'
import { Browser } from '../support/browser/browser.ts'
import { createLog, setCookieLine } from '../support/evidence.ts'
import { type Forge, forgeNext, signed } from '../support/provider/forge-id-token.ts'
import { startProvider, type TestProvider } from '../support/provider/provider.ts'
import { createSigningKey, type SigningKey, sharedSigningKey } from '../support/provider/signing-key.ts'
import { type RedisServer, startRedis } from '../support/redis/redis-server.ts'
import { sessionIdOf, storedRecord } from '../support/session/age-session.ts'

const client = { clientId: 'two-apps', clientSecret: 'known to both of them' }
let provider: TestProvider
let redis: RedisServer
let old: SigningKey
let next: SigningKey
/** two processes as far as anybody can tell, new for each test: neither has asked for the keys yet */
let app: TestApp
let other: TestApp

beforeAll(async () => {
  ;[provider, redis, old, next] = await Promise.all([
    startProvider(),
    startRedis(),
    sharedSigningKey(),
    createSigningKey(),
  ])
})
beforeEach(async () => {
  const options = {
    issuerBaseURL: provider.issuer,
    clientID: client.clientId,
    clientSecret: client.clientSecret,
    logger: createLog().logger,
  }
  app = await startApp({ redisUrl: redis.url, options })
  other = await startApp({ redisUrl: redis.url, options })
  await provider.registerClient({ ...client, baseURL: app.url })
  await Promise.all([app.auth.ready(), other.auth.ready()])
})
afterEach(async () => {
  provider.normal()
  await Promise.all([app, other].map((each) => each?.stop()))
})
afterAll(async () => {
  await Promise.all([provider?.stop(), redis?.stop()])
})

const keyRequests = () => provider.requests({ endpoint: 'jwks' }).length
const byKey = ({ jwk }: SigningKey): Forge => signed(undefined, { key: jwk, header: { kid: jwk.kid } })
const withoutKid = signed(undefined, { header: { kid: undefined } })

function publish(...keys: unknown[]): void {
  provider.normal('jwks')
  provider.answerAll('jwks', { status: 200, body: { keys } })
}

/** `beforeSigning` is what the provider does after it showed the login page. */
async function logIn(forge: Forge = signed(), beforeSigning = () => {}) {
  const browser = new Browser()
  const callback = await browser.startLogin(app.url, { user: 'alice' })
  beforeSigning()
  void forgeNext(provider, forge)
  return { browser, page: await browser.navigate(callback) }
}

async function expectNoSession({ browser, page }: Awaited<ReturnType<typeof logIn>>, status: number) {
  expect([page.status, setCookieLine(page, 'bff')]).toEqual([status, undefined])
  expect((await browser.request('GET', `${app.url}/public`)).json()).toMatchObject({ authenticated: false })
}

/** A renewal by a process that needs the keys first: it does not count, and the refresh token beside it is kept. */
async function expectRenewalKept(browser: Browser, forge: Forge) {
  const before = (await browser.request('GET', `${app.url}/private`)).json()
  const rotated = forgeNext(provider, forge)
  const refused = await browser.request('GET', `${other.url}/fresh`)
  expect([refused.status, refused.json().code]).toEqual([503, 'provider_unavailable'])
  const after = (await browser.request('GET', `${app.url}/private`)).json()
  expect(after).toMatchObject({ sub: 'alice', generation: 2, renewedAt: before.renewedAt })
  const stored = await storedRecord(redis.connect(), await sessionIdOf(browser))
  expect(stored?.refreshToken).toBe(await rotated)
}

// OpenID Connect Core §10.1.1: an unfamiliar kid is the sign to ask for the keys again.
test('signing-key-rotation: the second login comes by a new key, and is accepted', async () => {
  expect((await logIn()).page.status).toBe(200)
  publish(next.publicJwk)
  const { page } = await logIn(byKey(next))
  expect(page.status).toBe(200)
  expect(page.json()).toMatchObject({ sub: 'alice' })
})

test('signing-key-rotation: a renewal after the login comes by a new key, and counts', async () => {
  const { browser } = await logIn()
  publish(next.publicJwk)
  void forgeNext(provider, byKey(next))
  const page = await browser.request('GET', `${app.url}/fresh`)
  expect(page.json()).toMatchObject({ sub: 'alice', generation: 2 })
})

test('signing-key-rotation-just-before-signing: a login is accepted, and so is a renewal', async () => {
  const { browser, page } = await logIn(byKey(next), () => publish(next.publicJwk))
  expect(page.json()).toMatchObject({ sub: 'alice', generation: 1 })
  publish(old.publicJwk)
  expect((await browser.request('GET', `${other.url}/fresh`)).json()).toMatchObject({ generation: 2 })
})

test('a key that the provider does not show any more signs nobody in', async () => {
  publish(next.publicJwk)
  await expectNoSession(await logIn(), 400)
})

test('kids that nobody knows do not make the app ask for the keys again and again', async () => {
  await logIn()
  const before = keyRequests()
  for (let round = 0; round < 8; round += 1) {
    await expectNoSession(await logIn(signed(undefined, { header: { kid: `unknown-${round}` } })), 400)
  }
  expect(keyRequests() - before).toBeLessThanOrEqual(1)
  expect((await logIn()).page.json()).toMatchObject({ sub: 'alice' })
})

test('kid-absent-multiple-jwks: no crash, no session, and with a kid the next one is logged in', async () => {
  publish(old.publicJwk, next.publicJwk)
  await expectNoSession(await logIn(withoutKid), 400)
  const { browser, page } = await logIn()
  expect(page.json()).toMatchObject({ sub: 'alice' })
  await expectRenewalKept(browser, withoutKid)
})

test('kid-absent-multiple-jwks: one key that can have signed is enough', async () => {
  const elliptic = await createSigningKey('ES256')
  publish(elliptic.publicJwk, { ...next.publicJwk, use: 'enc' }, old.publicJwk)
  expect((await logIn(withoutKid)).page.json()).toMatchObject({ sub: 'alice' })
})

const tenThousand = (key: JWK) => Array.from({ length: 10_000 }, (_, at) => ({ ...key, kid: `key-${at}` }))
const tiny = { kty: 'RSA', n: 'AQAB', e: 'AQAB' }

const KEY_SETS: [string, status: number, Forge, keys: () => unknown[]][] = [
  ['10,000 small keys and ours', 200, signed(), () => [...tenThousand(tiny), old.publicJwk]],
  [
    '10,000 small keys and ours, to a token without kid',
    400,
    withoutKid,
    () => [...tenThousand(tiny), old.publicJwk],
  ],
  ['10,000 keys of 2048 bits', 503, signed(), () => [old.publicJwk, ...tenThousand(next.publicJwk)]],
  ['ours twice', 400, signed(), () => [old.publicJwk, { ...next.publicJwk, kid: old.publicJwk.kid }]],
  ['ours with another modulus', 400, signed(), () => [{ ...old.publicJwk, n: 'AQAB' }]],
  ['ours for encryption', 400, signed(), () => [{ ...old.publicJwk, use: 'enc' }]],
  ['nothing that is a key', 503, signed(), () => [null, 1, 'key']],
]

test.each(KEY_SETS)('JWKS with %s makes a login %s, in no time', async (_what, status, forge, keys) => {
  publish(...keys())
  const began = performance.now()
  const { browser, page } = await logIn(forge)
  expect(performance.now() - began).toBeLessThan(8000)
  if (status === 200) expect(page.json()).toMatchObject({ sub: 'alice' })
  else await expectNoSession({ browser, page }, status)
})

test.each(KEY_SETS.filter(([, status]) => status !== 200))(
  'JWKS with %s makes no renewal, and loses no refresh token',
  async (_what, _status, forge, keys) => {
    const { browser } = await logIn()
    publish(...keys())
    const began = performance.now()
    await expectRenewalKept(browser, forge)
    expect(performance.now() - began).toBeLessThan(8000)
  },
)
