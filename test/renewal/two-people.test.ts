// Two people at the same process at the same moment never share anything.
import { startApp, type TestApp } from '../support/app/app.ts'
import { startProvider, type TestProvider } from '../support/provider/provider.ts'
import { type RedisServer, startRedis } from '../support/redis/redis-server.ts'
import { logIn } from '../support/session/logged-in.ts'

let provider: TestProvider
let redis: RedisServer
let app: TestApp

beforeAll(async () => {
  provider = await startProvider()
  redis = await startRedis()
  app = await startApp({ provider, redisUrl: redis.url })
})

afterAll(async () => {
  await app?.stop()
  await redis?.stop()
  await provider?.stop()
})

test('H23: two people and two sessions of one of them, renewed at the same moment, each get their own', async () => {
  const alice = await logIn(provider, app.url)
  const bob = await logIn(provider, app.url)
  const before = provider.refreshCount()
  const second = bob.browser.clone()
  await second.clearCookies('http://localhost')
  await second.logIn(app.url, { user: bob.user })
  const sessions = [alice.browser, bob.browser, second]
  const requests = sessions.map((browser) => browser.request('GET', `${app.url}/fresh?gate=h23`))
  await app.gate('h23').arrived(3)
  app.gate('h23').open()
  const pages = (await Promise.all(requests)).map((page) => page.json())
  expect(pages.map(({ sub }) => sub)).toEqual([alice.user, bob.user, bob.user])
  expect(pages.map(({ generation }) => generation)).toEqual([2, 2, 2])
  expect(provider.refreshCount() - before).toBe(3)
  const tokens = await Promise.all(sessions.map((browser) => browser.request('GET', `${app.url}/token`)))
  expect(new Set(tokens.map((page) => page.json().sha256)).size).toBe(3)
})

test('what a handler sets on the cookie of one empty req.session does not reach another person’s', async () => {
  app.app.get('/remember', (req, res) => {
    req.session.cookie.maxAge = 3_600_000
    res.json({})
  })
  app.app.get('/cookie', (req, res) => void res.json({ maxAge: req.session.cookie.maxAge ?? null }))
  const alice = await logIn(provider, app.url)
  const bob = await logIn(provider, app.url)
  expect((await bob.get(`${app.url}/cookie`)).json()).toEqual({ maxAge: null })
  await alice.get(`${app.url}/remember`)
  expect((await bob.get(`${app.url}/cookie`)).json()).toEqual({ maxAge: null })
})
