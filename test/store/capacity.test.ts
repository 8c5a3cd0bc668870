// The figures that docs/operating.md computes with (scripts/capacity-figures.json) are those of a real redis-server.
import { readFileSync } from 'node:fs'
import type { Figures } from '../../scripts/capacity.mjs'
import type { AuthOptions } from '../../src/index.ts'
import { createLoggedInId } from '../../src/record/session-id.ts'
import { startApp } from '../support/app/app.ts'
import { Browser } from '../support/browser/browser.ts'
import { eventually } from '../support/deadline.ts'
import { createLogoutClient, startLogoutProvider } from '../support/provider/logout-client.ts'
import { startRedisFront } from '../support/redis/front.ts'
import { startRedis } from '../support/redis/redis-server.ts'
import { createStarted, useParts } from '../support/servers.ts'
import { ageSession, sessionIdOf } from '../support/session/age-session.ts'
import { largeRecord, smallRecord } from '../support/session/sized-records.ts'
import { useRedisStores } from './stores.ts'

const file = new URL('../../scripts/capacity-figures.json', import.meta.url)
const figures: Figures = JSON.parse(readFileSync(file, 'utf8'))
const DAY = 86_400

describe('a session in Redis, its index entries and its part of the tables of keys included', () => {
  const { client, open } = useRedisStores()
  const SESSIONS = 500
  const used = async () => Number(/^used_memory:(\d+)/m.exec(await client.info('memory'))?.[1])

  // Another version of Redis, or another allocator, differs by some per cent.
  test.each([
    ['with small tokens', smallRecord, undefined, figures.bytes.small],
    ['with large tokens', largeRecord, undefined, figures.bytes.large],
    [
      'with 500 characters in req.session',
      smallRecord,
      'x'.repeat(500),
      figures.bytes.small + figures.bytes.appData,
    ],
  ])('has the bytes that are told: %s', async (_what, makeRecord, appData, told) => {
    const { records } = open({ session: { idleTimeoutSeconds: DAY, absoluteTimeoutSeconds: 7 * DAY } })
    const store = async () => {
      const [id, record] = [createLoggedInId(), makeRecord(await records.now())]
      await records.index.add(id, record)
      await records.create(id, record, appData)
    }
    // Scripts and buffers are there by then.
    await Promise.all(Array.from({ length: 100 }, store))
    const before = await used()
    await Promise.all(Array.from({ length: SESSIONS }, store))
    const bytes = ((await used()) - before) / SESSIONS
    expect(bytes).toBeGreaterThan(told * 0.9)
    expect(bytes).toBeLessThan(told * 1.1)
  })
})

describe('what people do', () => {
  const { redis, front, app } = useParts(async (start) => {
    const [provider, redis] = await Promise.all([start(startLogoutProvider()), start(startRedis())])
    const front = await start(startRedisFront(redis))
    const client = createLogoutClient(provider)
    const app = await start(startApp({ redisUrl: front.url, options: client.options }))
    await client.register(app.url)
    return { redis, front, app }
  })

  test('takes as many commands as are told', async () => {
    const admin = redis.connect()
    const browser = new Browser()
    const get = (path: string) => browser.request('GET', `${app.url}${path}`)
    const counted: Record<string, number> = {}
    const count = async (what: string, act: () => Promise<unknown>, without = 0) => {
      const before = front.seen().length
      await act()
      counted[what] = front.seen().length - before - without
    }
    // What a new connection says of itself.
    await new Browser().logIn(app.url)
    await count('login', () => browser.logIn(app.url))
    await count('request', () => get('/private'))
    const key = `bff:{${await sessionIdOf(browser)}}:auth`
    await admin.pexpire(key, 1000 * (DAY - 120))
    // Beside the look-up.
    await count(
      'touch',
      async () => {
        await get('/private')
        await eventually(
          'the idle time to be extended',
          async () => (await admin.pttl(key)) > 1000 * (DAY - 60),
        )
      },
      1,
    )
    await ageSession(admin, browser, 901)
    await count('renewal', () => get('/private'), 1)
    await count('appData', () => browser.request('POST', `${app.url}/cart`, { json: { cart: 1 } }), 1)
    await count('logout', () => browser.request('POST', `${app.url}/logout`))
    expect(counted).toEqual(figures.commands)
  })
})

test('a process has as many connections as are told', async () => {
  const { start, stop } = createStarted()
  const redis = await start(startRedis())
  const admin = redis.connect()
  const lines = async () =>
    String(await admin.client('LIST'))
      .trim()
      .split('\n').length
  const counted: Record<string, number> = {}
  const KINDS: [keyof Figures['connections'], AuthOptions][] = [
    ['plain', {}],
    ['waitReplicas', { waitReplicas: 1 }],
    ['nearCache', { redis: { url: redis.url, nearCache: true } }],
  ]
  for (const [kind, options] of KINDS) {
    const before = await lines()
    const app = await startApp({
      redisUrl: redis.url,
      options: { issuerBaseURL: 'https://id.example.com', clientID: 'c', ...options },
    })
    await app.auth.health()
    await eventually('its connections', async () => (await lines()) - before === figures.connections[kind])
    counted[kind] = (await lines()) - before
    await app.stop()
    await eventually('their end', async () => (await lines()) === before)
  }
  expect(counted).toEqual(figures.connections)
  await stop()
})
