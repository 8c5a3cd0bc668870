// A logout while the provider or the store is out of reach: it ends the session here, or says that it did not.
import { startApp, type TestApp } from '../support/app/app.ts'
import { Browser } from '../support/browser/browser.ts'
import { eventually } from '../support/deadline.ts'
import { authKeys, createLog, setCookieLine, setCookieLines } from '../support/evidence.ts'
import { startProvider, type TestProvider } from '../support/provider/provider.ts'
import { type RedisServer, startRedis } from '../support/redis/redis-server.ts'

let provider: TestProvider
let redis: RedisServer
let app: TestApp
/** The same app in a process that has not talked to the provider yet. */
let late: TestApp
const setup = { options: { httpTimeoutSeconds: 1, logger: createLog().logger } }

beforeAll(async () => {
  ;[provider, redis] = await Promise.all([startProvider(), startRedis()])
  app = await startApp({ ...setup, provider, redisUrl: redis.url })
})
beforeEach(async () => {
  // It would wait five seconds for the provider: a logout does not.
  const options = { ...setup.options, httpTimeoutSeconds: 5 }
  late = await startApp({ provider, redisUrl: redis.url, options })
})
afterEach(async () => {
  provider.normal()
  await provider.up()
  await late.stop()
})
afterAll(async () => {
  await app?.stop()
  await Promise.all([provider?.stop(), redis?.stop()])
})

async function logIn(user: string): Promise<Browser> {
  const browser = new Browser()
  await browser.logIn(app.url, { user })
  return browser
}
const whoIs = async (browser: Browser) => (await browser.request('GET', `${app.url}/public`)).json()

test('while the provider is down the session ends here, and the browser lands home', async () => {
  const browser = await logIn('offline')
  const copy = browser.clone()
  await provider.down()
  const page = await browser.submit(`${late.url}/logout`, {}, { from: late.url })
  expect(page).toMatchObject({ status: 200, url: `${late.url}/` })
  expect(page.json()).toMatchObject({ authenticated: false })
  expect(await whoIs(copy)).toMatchObject({ authenticated: false })
})

test('while the provider hangs the logout does not', async () => {
  const browser = await logIn('hanging')
  provider.holdNext('discovery')
  const began = performance.now()
  const page = await browser.request('POST', `${late.url}/logout`)
  expect(page).toMatchObject({ status: 303, headers: { location: '/' } })
  expect(performance.now() - began).toBeLessThan(4000)
  expect(await whoIs(browser)).toMatchObject({ authenticated: false })
})

test.each([
  ['answers 500', () => provider.answerNext('revocation', { status: 500, body: 'oops' })],
  [
    'answers 400',
    () => provider.answerNext('revocation', { status: 400, body: { error: 'unsupported_token_type' } }),
  ],
  ['resets the connection', () => provider.cutNext('revocation')],
  ['hangs', () => void provider.holdNext('revocation')],
])('a revocation that %s keeps nobody from logging out', async (_name, arm) => {
  const browser = await logIn('unrevoked')
  arm()
  const page = await browser.request('POST', `${app.url}/logout`)
  expect(page.status).toBe(303)
  expect(page.headers.location).toContain('/session/end')
  expect(await whoIs(browser)).toMatchObject({ authenticated: false })
  await eventually('word of it', () => app.events.some(({ name }) => name === 'provider-unavailable'))
  for (const secret of provider.secretsSeen()) expect(JSON.stringify(app.events)).not.toContain(secret)
})

test('while Redis is down the answer is 503 and the cookie stays; afterwards the logout works', async () => {
  const [browser, other] = [await logIn('stuck'), await logIn('stuck')]
  app.app.post('/leave', (_req, res) => res.oidc.logout())
  const keys = await authKeys(redis.connect())
  redis.freeze()
  const began = performance.now()
  try {
    const [page, byHandler] = await Promise.all([
      browser.request('POST', `${app.url}/logout`),
      other.request('POST', `${app.url}/leave`),
    ])
    expect(byHandler).toMatchObject({ status: 503 })
    expect(setCookieLines(byHandler)).toEqual([])
    // The deadline for the store is two seconds, for all that a request wants of it.
    expect(performance.now() - began).toBeLessThan(3500)
    expect(page.status).toBe(503)
    expect(Number(page.headers['retry-after'])).toBeGreaterThan(0)
    expect(page.json()).toMatchObject({ code: 'store_unavailable' })
    expect(setCookieLines(page)).toEqual([])
  } finally {
    redis.thaw()
  }
  await eventually('Redis to answer again', async () => (await whoIs(browser)).sub === 'stuck')
  expect(await authKeys(redis.connect())).toEqual(keys)
  expect(await whoIs(other)).toMatchObject({ sub: 'stuck' })
  const page = await browser.request('POST', `${app.url}/logout`)
  expect(setCookieLine(page, 'bff')).toMatch(/^bff=;/)
  expect(await authKeys(redis.connect())).toHaveLength(keys.length - 1)
})

test('a store that cannot end the session makes the answer 503, and both stay', async () => {
  const browser = await logIn('undeletable')
  const store = redis.connect()
  await store.call('ACL', 'SETUSER', 'default', '-del')
  try {
    const page = await browser.request('POST', `${app.url}/logout`)
    expect(page.status).toBe(503)
    expect(setCookieLines(page)).toEqual([])
  } finally {
    await store.call('ACL', 'SETUSER', 'default', '+del')
  }
  expect(await whoIs(browser)).toMatchObject({ sub: 'undeletable' })
  expect(provider.liveRefreshTokens('undeletable')).toHaveLength(1)
})

test('while Redis is down a callback is 503 and the login can still be completed; so is the back button', async () => {
  const browser = await logIn('patient')
  const done = await browser.startLogin(app.url, { user: 'patient' })
  await browser.navigate(done)
  const callback = await browser.startLogin(app.url, { user: 'patient' })
  const before = provider.tokenRequests().length
  redis.freeze()
  try {
    const pages = await Promise.all([callback, done].map((url) => browser.tab().navigate(url)))
    expect(pages.map(({ status }) => status)).toEqual([503, 503])
    expect(pages.flatMap(setCookieLines)).toEqual([])
    expect(provider.tokenRequests()).toHaveLength(before)
  } finally {
    redis.thaw()
  }
  await eventually('Redis to answer again', async () => (await whoIs(browser)).sub === 'patient')
  expect((await browser.navigate(callback)).json()).toMatchObject({ sub: 'patient' })
})
