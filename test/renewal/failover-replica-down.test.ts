// H19, the time before and after a failover: a replica is missing, and only what needs it may wait for it.
import { startApp, type TestApp } from '../support/app/app.ts'
import { startProvider, type TestProvider } from '../support/provider/provider.ts'
import { type RedisServer, startRedis } from '../support/redis/redis-server.ts'
import { ageSession } from '../support/session/age-session.ts'
import { type LoggedIn, logIn } from '../support/session/logged-in.ts'

let provider: TestProvider
let redis: RedisServer
let app: TestApp

beforeAll(async () => {
  ;[provider, redis] = await Promise.all([startProvider(), startRedis()])
  app = await startApp({
    provider,
    redisUrl: redis.url,
    options: { waitReplicas: 1, redisTimeoutSeconds: 0.5, renewal: { afterSeconds: 900, timeoutSeconds: 1 } },
  })
})

afterAll(async () => {
  await redis?.flush()
  await Promise.all([app, redis, provider].map((each) => each?.stop()))
})

test('H19: while the replica is missing sessions are renewed, and nobody else waits for it', async () => {
  const due: LoggedIn[] = []
  for (let count = 0; count < 8; count += 1) due.push(await logIn(provider, app.url))
  const other = await logIn(provider, app.url)
  const ask = async () => {
    const began = performance.now()
    const { status } = await other.get(`${app.url}/private`)
    return { status, ms: performance.now() - began }
  }
  for (const { browser } of due) await ageSession(redis.connect(), browser, 901)
  const before = provider.refreshCount()
  const renewed = Promise.all(due.map(({ get }) => get(`${app.url}/private`)))
  const asked = []
  for (let count = 0; count < 10; count += 1) asked.push(await ask())
  expect((await renewed).map(({ status }) => status)).toEqual(Array(8).fill(200))
  for (let count = 0; count < 10; count += 1) asked.push(await ask())
  expect(asked.map(({ status }) => status)).toEqual(Array(20).fill(200))
  expect(
    (await Promise.all(due.map(({ get }) => get(`${app.url}/private`)))).map((page) => page.status),
  ).toEqual(Array(8).fill(200))
  expect(provider.refreshCount() - before).toBe(8)
})
