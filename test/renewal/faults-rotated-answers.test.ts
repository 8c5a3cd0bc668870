// H11: the provider rotated, and what it answered is unusable: the new refresh token is the only one that still counts.
import { startApp, type TestApp } from '../support/app/app.ts'
import { TIMES } from '../support/app/fault-fixture.ts'
import { startProvider, type TestProvider } from '../support/provider/provider.ts'
import { type RedisServer, startRedis } from '../support/redis/redis-server.ts'
import { ageSession, endBackOff } from '../support/session/age-session.ts'
import { logIn } from '../support/session/logged-in.ts'

let provider: TestProvider
let redis: RedisServer
let app: TestApp

beforeAll(async () => {
  provider = await startProvider()
  redis = await startRedis()
  app = await startApp({ provider, redisUrl: redis.url, options: TIMES })
})

afterAll(async () => {
  await app?.stop()
  await redis?.stop()
  await provider?.stop()
})

test.each([
  ['an access_token that is a number', { access_token: 12 }],
  ['no access_token', { access_token: undefined }],
  ['token_type mac', { token_type: 'mac' }],
  ['no token_type', { token_type: undefined }],
  ['an expires_in that is a text', { expires_in: 'an hour' }],
  ['an id_token that is a number', { id_token: 12 }],
])(
  'H11: the refresh token that comes with %s is kept, and the session renewed by it',
  async (_what, change) => {
    const { browser, get, renewals, user } = await logIn(provider, app.url)
    await ageSession(redis.connect(), browser, 901)
    provider.rewriteNext('token', (json) => ({ ...json, ...change }))
    const page = await get(`${app.url}/private`)
    expect([page.status, page.json().sub]).toEqual([200, user])
    expect(renewals()).toBe(1)
    await endBackOff(redis.connect(), browser)
    expect((await get(`${app.url}/fresh`)).json()).toMatchObject({ sub: user })
    expect(renewals()).toBe(2)
  },
)

// RFC 6749 §7.1: an access token of a type that is not understood must not be used.
test('H11: an access token of type mac is handed to nobody', async () => {
  const { browser, get, user } = await logIn(provider, app.url)
  const before = (await get(`${app.url}/token`)).json().sha256
  await ageSession(redis.connect(), browser, 901)
  provider.rewriteNext('token', (json) => ({ ...json, token_type: 'mac' }))
  const page = await get(`${app.url}/token`)
  expect([page.status, page.json().sub]).toEqual([200, user])
  expect(page.json().sha256).toBe(before)
})
