// Sign-out everywhere where it is hard: log-ins under way, replicas that are missing, two apps on one store.
import { Redis } from 'ioredis'
import { startApp, type TestApp } from '../support/app.ts'
import { Browser } from '../support/browser.ts'
import { eventually } from '../support/deadline.ts'
import { type LogoutBench, startLogoutBench } from '../support/logout-bench.ts'
import { sendLogout } from '../support/logout-client.ts'

let bench: LogoutBench
let app: TestApp

beforeAll(async () => {
  bench = await startLogoutBench()
  app = await bench.start()
})
afterAll(() => bench?.stop())

test('a log-in that began before the sign-out ends in no session; one that begins after it does', async () => {
  const browser = new Browser()
  const callback = await browser.startLogin(app.url, { user: 'waiting' })
  await app.auth.sessions.revokeAll('waiting')
  expect(await browser.navigate(callback)).toMatchObject({ status: 400 })
  expect(await bench.isIn(browser)).toBe(false)
  expect(await app.auth.sessions.list('waiting')).toEqual([])
  await eventually('its token to be revoked', () => bench.provider.liveRefreshTokens('waiting').length === 0)
  expect(await bench.isIn(await bench.logIn('waiting'))).toBe(true)
})

test('replicas that are missing hold nobody up', async () => {
  const waiting = await bench.start({ waitReplicas: 1, redisTimeoutSeconds: 0.5 })
  const browsers = []
  for (let count = 0; count < 12; count += 1) browsers.push(await bench.logIn('many'))
  expect(await waiting.auth.sessions.revokeAll('many')).toBe(12)
  for (const browser of browsers) expect(await bench.isIn(browser)).toBe(false)
})

test('a log-in takes the place of the one before: nothing is left of that', async () => {
  const browser = new Browser()
  for (let count = 0; count < 3; count += 1) await browser.logIn(app.url, { user: 'again' })
  expect(await app.auth.sessions.list('again')).toHaveLength(1)
  const [key = ''] = await bench.store.keys('bff:sessions:sub:*')
  const sizes = await Promise.all(
    (await bench.store.keys('bff:sessions:sub:*')).map((one) => bench.store.zcard(one)),
  )
  expect([typeof key, Math.max(...sizes)]).toEqual(['string', 1])
})

test('another app of the same provider on the same Redis keeps its sessions', async () => {
  const { provider, redis } = bench
  const other = await startApp({ provider, redisUrl: redis.url })
  try {
    const [here, there] = [await bench.logIn('both'), new Browser()]
    await there.logIn(other.url, { user: 'both' })
    expect(await app.auth.sessions.revokeAll('both')).toBe(1)
    const again = await bench.logIn('both')
    expect(await sendLogout(app.url, await bench.client.token({ sub: 'both' }))).toMatchObject({
      status: 200,
    })
    expect([await bench.isIn(here), await bench.isIn(again)]).toEqual([false, false])
    expect(await bench.isIn(there, other)).toBe(true)
    expect(other.events.map(({ name }) => name)).not.toContain('record-unreadable')
  } finally {
    await other.stop()
  }
})

test('an app’s own client that speaks RESP3 ends them too', async () => {
  const client = new Redis(bench.redis.url, { protocol: 3, replyMapping: 'resp3' })
  const own = await bench.start({ redis: client })
  const browsers = [await bench.logIn('resp3'), await bench.logIn('resp3')]
  expect(await own.auth.sessions.revokeAll('resp3')).toBe(2)
  for (const browser of browsers) expect(await bench.isIn(browser)).toBe(false)
  client.disconnect()
})

test.each([undefined, null, '', 1, {}, ['waiting']])('the sessions of %p are none', async (sub) => {
  expect(await app.auth.sessions.list(sub as string)).toEqual([])
  expect(await app.auth.sessions.revokeAll(sub as string)).toBe(0)
})
