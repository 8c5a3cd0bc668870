// Logout everywhere where it is hard: logins under way, replicas that are missing, two apps on one store.
import { Redis } from 'ioredis'
import { startApp, type TestApp } from '../support/app/app.ts'
import { type LogoutFixture, startLogoutFixture } from '../support/app/logout-fixture.ts'
import { Browser } from '../support/browser/browser.ts'
import { eventually } from '../support/deadline.ts'
import { sendLogout } from '../support/provider/logout-client.ts'

let fixture: LogoutFixture
let app: TestApp

beforeAll(async () => {
  fixture = await startLogoutFixture()
  app = await fixture.start()
})
afterAll(() => fixture?.stop())

test('a login that began before the logout ends in no session; one that begins after it does', async () => {
  const browser = new Browser()
  const callback = await browser.startLogin(app.url, { user: 'waiting' })
  await app.auth.sessions.revokeAll('waiting')
  expect(await browser.navigate(callback)).toMatchObject({ status: 400 })
  expect(await fixture.isIn(browser)).toBe(false)
  expect(await app.auth.sessions.list('waiting')).toEqual([])
  await eventually(
    'its token to be revoked',
    () => fixture.provider.liveRefreshTokens('waiting').length === 0,
  )
  expect(await fixture.isIn(await fixture.logIn('waiting'))).toBe(true)
})

test('replicas that are missing hold nobody up', async () => {
  const waiting = await fixture.start({ waitReplicas: 1, redisTimeoutSeconds: 0.5 })
  const browsers = []
  for (let count = 0; count < 12; count += 1) browsers.push(await fixture.logIn('many'))
  expect(await waiting.auth.sessions.revokeAll('many')).toBe(12)
  for (const browser of browsers) expect(await fixture.isIn(browser)).toBe(false)
})

test('a login takes the place of the one before: nothing is left of that', async () => {
  const browser = new Browser()
  for (let count = 0; count < 3; count += 1) await browser.logIn(app.url, { user: 'again' })
  expect(await app.auth.sessions.list('again')).toHaveLength(1)
  const [key = ''] = await fixture.store.keys('bff:sessions:sub:*')
  const sizes = await Promise.all(
    (await fixture.store.keys('bff:sessions:sub:*')).map((one) => fixture.store.zcard(one)),
  )
  expect([typeof key, Math.max(...sizes)]).toEqual(['string', 1])
})

test('another app of the same provider on the same Redis keeps its sessions', async () => {
  const { provider, redis } = fixture
  const other = await startApp({ provider, redisUrl: redis.url })
  try {
    const [here, there] = [await fixture.logIn('both'), new Browser()]
    await there.logIn(other.url, { user: 'both' })
    expect(await app.auth.sessions.revokeAll('both')).toBe(1)
    const again = await fixture.logIn('both')
    expect(await sendLogout(app.url, await fixture.client.token({ sub: 'both' }))).toMatchObject({
      status: 200,
    })
    expect([await fixture.isIn(here), await fixture.isIn(again)]).toEqual([false, false])
    expect(await fixture.isIn(there, other)).toBe(true)
    expect(other.events.map(({ name }) => name)).not.toContain('record-unreadable')
  } finally {
    await other.stop()
  }
})

test('an app’s own client that speaks RESP3 ends them too', async () => {
  const client = new Redis(fixture.redis.url, { protocol: 3, replyMapping: 'resp3' })
  const own = await fixture.start({ redis: client })
  const browsers = [await fixture.logIn('resp3'), await fixture.logIn('resp3')]
  expect(await own.auth.sessions.revokeAll('resp3')).toBe(2)
  for (const browser of browsers) expect(await fixture.isIn(browser)).toBe(false)
  client.disconnect()
})

test.each([undefined, null, '', 1, {}, ['waiting']])('the sessions of %p are none', async (sub) => {
  expect(await app.auth.sessions.list(sub as string)).toEqual([])
  expect(await app.auth.sessions.revokeAll(sub as string)).toBe(0)
})
