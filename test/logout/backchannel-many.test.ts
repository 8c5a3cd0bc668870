// A person with 100,000 sessions is logged out: all of them end, and Redis has time for everybody else meanwhile.
import { setTimeout as pause } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import { createSealer } from '../../src/lib/seal.ts'
import type { AuthRecord } from '../../src/record/auth-record.ts'
import { createLoggedInId } from '../../src/record/session-id.ts'
import { encodeRecord } from '../../src/store/record-codec.ts'
import type { TestApp } from '../support/app/app.ts'
import { TEST_SECRET } from '../support/app/app-options.ts'
import { type AppProcess, startAppProcess } from '../support/app/app-process.ts'
import { type LogoutFixture, startLogoutFixture } from '../support/app/logout-fixture.ts'
import { Browser } from '../support/browser/browser.ts'
import { eventually } from '../support/deadline.ts'
import { sessionIdOf, storedRecord } from '../support/session/age-session.ts'

const MANY = 100_000
const BATCH = 500
const USER = 'in-very-many-places'
/** A command that took all sessions at once would take seconds. Less than this may be another test's process at work. */
const LONGEST_COMMAND_MS = 400
const LONGEST_ANSWER_MS = 400
/** KEYS: the person's index. ARGV: id, sealed record, when it ends; of many sessions. */
const STORE = `
  for at = 1, #ARGV, 3 do
    local key = 'bff:{' .. ARGV[at] .. '}:auth'
    redis.call('ZADD', KEYS[1], ARGV[at + 2], ARGV[at])
    redis.call('HSET', key, 'sealed', ARGV[at + 1], 'generation', 1, 'endsAt', ARGV[at + 2])
    redis.call('PEXPIREAT', key, ARGV[at + 2])
  end`

let fixture: LogoutFixture
/** the one that is told of the logout */
let app: AppProcess
/** the same app in this process */
let here: TestApp
let store: Redis
let template: AuthRecord

beforeAll(async () => {
  fixture = await startLogoutFixture()
  store = fixture.store
  app = await startAppProcess({ redisUrl: fixture.redis.url, options: { ...fixture.client.options } })
  here = await fixture.start()
  await fixture.client.register(app.url)
  const browser = new Browser()
  await browser.logIn(app.url, { user: USER })
  const record = await storedRecord(store, await sessionIdOf(browser))
  if (record === undefined) throw new Error('nobody logged in')
  // Short, for the sake of the time that it takes to seal so many.
  template = { ...record, idToken: 'an ID token', accessToken: 'an access token', refreshToken: 'a token' }
}, 60_000)
afterAll(async () => {
  await app?.stop()
  await fixture?.stop()
})

/** Sessions of one person, each a millisecond younger than the one before, as the login of the first stored itself. */
async function seed(count: number): Promise<string[]> {
  const [group = ''] = await store.keys('bff:sessions:sub:*')
  const sealer = createSealer([TEST_SECRET], 'auth record')
  const { createdAt, endsAt } = template
  const ids = Array.from({ length: count }, createLoggedInId)
  for (let from = 0; from < count; from += BATCH) {
    const batch = ids.slice(from, from + BATCH).map((id, at) => ({ id, older: count - from - at }))
    const stored = batch.flatMap(({ id, older }) => {
      const record = { ...template, createdAt: createdAt - older, endsAt: endsAt - older }
      return [id, sealer.seal(encodeRecord(record), id), record.endsAt]
    })
    await store.eval(STORE, 1, group, ...stored)
  }
  return ids
}

test('100,000 sessions of one person end, and nobody else waits for it', async () => {
  const ids = await seed(MANY)
  const began = performance.now()
  const listed = await here.auth.sessions.list(USER)
  expect(performance.now() - began).toBeLessThan(2000)
  expect(listed.map(({ id }) => id).slice(1)).toEqual(ids.slice(-99).reverse())

  // What has ended unused is still named, and passed over.
  await store.del(...ids.slice(-50).map((id) => `bff:{${id}}:auth`))
  const living = await here.auth.sessions.list(USER)
  expect(living.map(({ id }) => id).slice(1)).toEqual(ids.slice(-149, -50).reverse())

  await store.config('SET', 'slowlog-log-slower-than', LONGEST_COMMAND_MS * 1000)
  await store.call('SLOWLOG', 'RESET')
  const form = new URLSearchParams({ logout_token: await fixture.client.token({ sub: USER }) })
  let over = false
  // It takes longer than a browser's request here may.
  const logout = fetch(`${app.url}/backchannel-logout`, { method: 'POST', body: form }).finally(() => {
    over = true
  })
  /** What 99 of 100 waited at most: this process has to share the machine, too. */
  const timed = async (ask: () => Promise<unknown>) => {
    const waited: number[] = []
    while (!over) {
      const asked = performance.now()
      await ask()
      waited.push(performance.now() - asked)
      await pause(5)
    }
    return waited.sort((a, b) => a - b)[Math.floor(waited.length * 0.99)] ?? 0
  }
  const second = fixture.redis.connect()
  const measured = [
    timed(() => second.ping()),
    timed(() => second.get('a key of somebody else')),
    timed(() => fetch(`${app.url}/public`)),
  ]
  await eventually('the first to be gone', async () => (await store.dbsize()) < MANY - 1000)
  const late = new Browser()
  await late.logIn(app.url, { user: USER })
  expect(over).toBe(false)

  expect((await logout).status).toBe(200)
  const [ping = 0, get = 0, answer = 0] = await Promise.all(measured)
  expect(Math.max(ping, get)).toBeLessThan(LONGEST_ANSWER_MS)
  expect(answer).toBeLessThan(1000)
  expect(await store.call('SLOWLOG', 'LEN')).toBe(0)

  const left = await here.auth.sessions.list(USER)
  expect(left.map(({ id }) => id)).toEqual([await sessionIdOf(late)])
  expect(await store.keys('bff:{*')).toHaveLength(1)
  expect(await here.auth.sessions.revokeAll(USER)).toBe(1)
}, 120_000)
