// ID tokens that must not make a session, named after the relying-party modules of the OpenID Foundation.
import type { Redis } from 'ioredis'
import { type KnownApp, startKnownApp } from '../support/app/known-app.ts'
import type { Browser } from '../support/browser/browser.ts'
import { authKeys, createLog, setCookieLine } from '../support/evidence.ts'
import { type Forge, forgeNext, signed } from '../support/provider/forge-id-token.ts'
import { FORGED_CLAIMS, FORGED_SIGNATURES, UNUSUAL } from '../support/provider/id-token-forgeries.ts'
import { startProvider, type TestProvider } from '../support/provider/provider.ts'
import { type RedisServer, startRedis } from '../support/redis/redis-server.ts'

let provider: TestProvider
let redis: RedisServer
let app: KnownApp
let store: Redis
const log = createLog()

beforeAll(async () => {
  ;[provider, redis] = await Promise.all([startProvider(), startRedis()])
  store = redis.connect()
  app = await startKnownApp({ provider, redisUrl: redis.url, options: { logger: log.logger } }, 'alice')
})
afterEach(() => provider.normal())
afterAll(async () => {
  await app?.stop()
  await Promise.all([provider?.stop(), redis?.stop()])
})

/** Logs in while the provider's ID token is replaced; the callback's answer. */
async function logInWith(forge: Forge, browser: Browser = app.visitor()) {
  const callback = await browser.startLogin(app.url, { returnTo: '/private' })
  void forgeNext(provider, forge)
  log.lines.length = 0
  app.events.length = 0
  const answer = await browser.navigate(callback, { stopAt: () => true })
  return { browser, answer }
}

async function expectNoSession(forge: Forge, status = 400): Promise<void> {
  const keys = await authKeys(store)
  const { browser, answer } = await logInWith(forge)
  expect(answer.status).toBe(status)
  expect(setCookieLine(answer, 'bff')).toBeUndefined()
  expect(await authKeys(store)).toEqual(keys)
  expect((await browser.request('GET', `${app.url}/public`)).json()).toMatchObject({ authenticated: false })
  const said = answer.body + log.lines.join() + JSON.stringify(app.events)
  for (const secret of provider.secretsSeen()) expect(said).not.toContain(secret)
}

test.each<[string, Forge]>([
  ...FORGED_CLAIMS,
  ...FORGED_SIGNATURES,
  ['missing-nonce', signed(() => ({ nonce: undefined }))],
  ['no ID token', () => undefined],
])('%s makes no session', async (_name, forge) => {
  await expectNoSession(forge)
  expect(log.lines).toEqual([
    expect.stringMatching(/^express-bff-session: refused \(login_failed\): .{10,200}$/),
  ])
})

test('an ID token that is none is an answer that was not understood', async () => {
  await expectNoSession(() => 'not.a.token', 503)
})

test.each<[string, Forge]>([
  ...UNUSUAL,
  ['aud of several with our azp', signed(({ aud }) => ({ aud: [aud, 'other'], azp: aud }))],
])('%s is accepted', async (_name, forge) => {
  const { browser, answer } = await logInWith(forge)
  expect(answer).toMatchObject({ status: 303, headers: { location: '/private' } })
  expect((await browser.request('GET', `${app.url}/me`)).json()).toMatchObject({
    authenticated: true,
    user: { sub: 'alice' },
  })
})

test('after a refused ID token the same browser can log in', async () => {
  const { browser } = await logInWith(signed(undefined, { alg: 'none' }))
  expect((await browser.logIn(app.url, { user: 'alice' })).json()).toMatchObject({ sub: 'alice' })
})

test('a refused ID token leaves the session that was there as it is', async () => {
  const { browser } = await logInWith(signed())
  const before = (await browser.request('GET', `${app.url}/private`)).json()
  const { answer } = await logInWith(
    signed(() => ({ sub: 'mallory', aud: 'other' })),
    browser,
  )
  expect([answer.status, setCookieLine(answer, 'bff')]).toEqual([400, undefined])
  expect((await browser.request('GET', `${app.url}/private`)).json()).toEqual(before)
})
