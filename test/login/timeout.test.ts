// login.timeoutSeconds: how long the browser, this app and the store remember a login, and no longer.
import { createSealer } from '../../src/lib/seal.ts'
import { startApp, type TestApp } from '../support/app/app.ts'
import { TEST_SECRET } from '../support/app/app-options.ts'
import { Browser } from '../support/browser/browser.ts'
import { startProvider } from '../support/provider/provider.ts'
import { startRedis } from '../support/redis/redis-server.ts'
import { useParts } from '../support/servers.ts'

const [BRIEF, USUAL, LONG] = [60, 600, 3600]

const { redis, brief, usual, long } = useParts(async (start) => {
  const [provider, redis] = await Promise.all([start(startProvider()), start(startRedis())])
  const within = (timeoutSeconds?: number) =>
    start(startApp({ provider, redisUrl: redis.url, options: { login: { timeoutSeconds } } }))
  return {
    redis,
    brief: await within(BRIEF),
    usual: await within(),
    long: await within(LONG),
  }
})

const apps: [seconds: number, at: TestApp][] = [
  [BRIEF, brief],
  [USUAL, usual],
  [LONG, long],
]

/** Back from the provider with a login that began so long ago. */
async function comeBackAfter(seconds: number, { url }: TestApp) {
  const browser = new Browser()
  const callback = await browser.startLogin(url, { user: 'slow' })
  const cookie = (await browser.cookies(url)).find(({ key }) => key.startsWith('bff-login-'))
  const { key = '', value = '' } = cookie ?? {}
  // The login began when the store's clock says so, and that clock cannot be turned; the cookie's age can be.
  const sealer = createSealer([TEST_SECRET], 'login transaction')
  const transaction = JSON.parse(sealer.open(value, key) ?? '{}')
  const older = { ...transaction, startedAt: transaction.startedAt - seconds * 1000 }
  await browser.setCookie(`${key}=${sealer.seal(JSON.stringify(older), key)}; Path=/`, url)
  return { page: await browser.navigate(callback), lifetime: cookie?.maxAge }
}

test.each(apps)(
  'of %i seconds, the login is good shortly before them, and over after',
  async (seconds, at) => {
    const inTime = await comeBackAfter(seconds - 30, at)
    expect(inTime.page).toMatchObject({ status: 200 })
    expect(inTime.lifetime).toBe(seconds)
    const late = await comeBackAfter(seconds + 1, at)
    expect(late.page).toMatchObject({ status: 400, body: expect.stringContaining('took too long') })
  },
)

test.each(apps)(
  'of %i seconds: so long no callback is taken twice, and no logout forgotten',
  async (seconds, at) => {
    const store = redis.connect()
    await store.flushall()
    const browser = new Browser()
    await browser.logIn(at.url, { user: 'ada' })
    await at.auth.sessions.revokeAll('ada')
    const lives = async (pattern: string) => {
      const keys = await store.keys(pattern)
      expect(keys).not.toEqual([])
      return Math.min(...(await Promise.all(keys.map((key) => store.ttl(key)))))
    }
    for (const pattern of ['bff:once:*:login:*', 'bff:claim:*', 'bff:ended:*']) {
      expect(await lives(pattern)).toBeGreaterThan(seconds - 10)
      expect(await lives(pattern)).toBeLessThan(seconds + 90)
    }
  },
)
