// Keys that do not end, drip or lead elsewhere: bounded time and memory, a clear error, and no refresh token lost.
import { startApp, type TestApp } from '../support/app/app.ts'
import { Browser } from '../support/browser/browser.ts'
import { createLog, setCookieLine } from '../support/evidence.ts'
import { type HostileServer, MANNERS, startHostileServer } from '../support/provider/hostile-server.ts'
import { startProvider, type TestProvider } from '../support/provider/provider.ts'
import { type RedisServer, startRedis } from '../support/redis/redis-server.ts'
import { endBackOff } from '../support/session/age-session.ts'
import { logIn } from '../support/session/logged-in.ts'

const client = { clientId: 'patient', clientSecret: 'known to all of its processes' }
let provider: TestProvider
let redis: RedisServer
let hostile: HostileServer
let keys: Record<string, unknown>
const opened: TestApp[] = []

beforeAll(async () => {
  ;[provider, redis, hostile] = await Promise.all([startProvider(), startRedis(), startHostileServer()])
  keys = (await new Browser().request('GET', `${provider.issuer}/jwks`)).json()
})
afterEach(() => provider.normal())
afterAll(async () => {
  await Promise.all(opened.map((app) => app.stop()))
  await Promise.all([provider, redis, hostile].map((each) => each?.stop()))
})

/** A process that has not asked for the keys yet, and finds them at the hostile server. */
async function open(): Promise<TestApp> {
  const app = await startApp({
    redisUrl: redis.url,
    options: {
      issuerBaseURL: provider.issuer,
      clientID: client.clientId,
      clientSecret: client.clientSecret,
      httpTimeoutSeconds: 2,
      renewal: { timeoutSeconds: 2 },
      logger: createLog().logger,
    },
  })
  opened.push(app)
  await provider.registerClient({ ...client, baseURL: app.url })
  provider.rewriteNext('discovery', (json) => ({ ...json, jwks_uri: `${hostile.url}/keys` }))
  await app.auth.ready()
  return app
}

test.each(MANNERS)('keys of %s make no session, and the next login works', async (_what, manner, detail) => {
  hostile.answer(manner, keys)
  const app = await open()
  const browser = new Browser()
  const callback = await browser.startLogin(app.url, { user: 'alice' })
  const page = await hostile.bounded(() => browser.navigate(callback))
  expect([page.status, setCookieLine(page, 'bff')]).toEqual([503, undefined])
  expect(app.events).toEqual([
    { name: 'provider-unavailable', event: { detail: expect.stringMatching(detail) } },
  ])
  expect((await browser.request('GET', `${app.url}/public`)).json()).toMatchObject({ authenticated: false })
  hostile.answer('right', keys)
  expect((await browser.logIn(app.url, { user: 'alice' })).json()).toMatchObject({ sub: 'alice' })
})

test.each(MANNERS)(
  'keys of %s at a renewal are asked for once, and cost no refresh token',
  async (_what, manner, detail) => {
    hostile.answer('right', keys)
    const { browser, get, renewals, user } = await logIn(provider, (await open()).url)
    hostile.answer(manner, keys)
    const app = await open()
    const asked = hostile.paths().length
    for (let round = 0; round < 3; round += 1) {
      const refused = await hostile.bounded(() => get(`${app.url}/fresh`))
      expect([refused.status, refused.json().code]).toEqual([503, 'provider_unavailable'])
    }
    expect([hostile.paths().length - asked, renewals()]).toEqual([1, 1])
    expect(app.events).toMatchObject([
      { name: 'renewed', event: { idToken: 'rejected', detail: expect.stringMatching(detail) } },
    ])
    expect((await get(`${app.url}/private`)).json()).toMatchObject({ sub: user, generation: 2 })
    hostile.answer('right', keys)
    await endBackOff(redis.connect(), browser)
    expect((await get(`${app.url}/fresh`)).json()).toMatchObject({ sub: user, generation: 3 })
  },
)
