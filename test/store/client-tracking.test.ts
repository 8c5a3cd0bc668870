// Redis's word is trusted only where it is sure to come: both connections are with the same server.
import { Redis } from 'ioredis'
import { AuthEventEmitter } from '../../src/events.ts'
import { createClientTracking } from '../../src/store/redis/client-tracking.ts'
import { openRedis } from '../../src/store/redis/connection.ts'
import { eventually } from '../support/deadline.ts'
import { type RedisServer, startRedis } from '../support/redis/redis-server.ts'

let one: RedisServer
let other: RedisServer
const clients: Redis[] = []

beforeAll(async () => {
  ;[one, other] = await Promise.all([startRedis(), startRedis()])
})
afterAll(async () => {
  for (const client of clients) client.disconnect()
  await Promise.all([one, other].map((server) => server?.stop()))
})

function listen(reading: RedisServer, hearing: RedisServer) {
  const [reads, hears] = [new Redis(reading.url), new Redis(hearing.url, { protocol: 2 })]
  clients.push(reads, hears)
  const changed: string[] = []
  let missed = 0
  const invalidations = createClientTracking(reads, hears, {
    changed: (key) => changed.push(key),
    missed: () => {
      missed += 1
    },
  })
  return { ...invalidations, reads, changed, missed: () => missed }
}

test('a change of what was read is heard of, and FLUSHALL is a change of everything', async () => {
  const { isHeard, reads, changed, missed, close } = listen(one, one)
  try {
    await eventually('the connections to be armed', isHeard)
    await reads.get('key')
    await one.connect().set('key', 'value')
    await eventually('the change', () => changed.includes('key'))
    const before = missed()
    await one.flush()
    await eventually('the flush', () => missed() > before)
  } finally {
    close()
  }
})

test('two connections that are with different servers, as in a failover, are never trusted', async () => {
  const asked = async (server: RedisServer) =>
    Number(/cmdstat_client\|id:calls=(\d+)/.exec(await server.connect().info('commandstats'))?.[1] ?? 0)
  const before = await asked(other)
  const { isHeard, close } = listen(one, other)
  try {
    let trusted = false
    await eventually('three tries', async () => {
      trusted ||= isHeard()
      return (await asked(other)) - before >= 3
    })
    expect(trusted).toBe(false)
  } finally {
    close()
  }
})

test('whatever protocol is configured, the connection that hears speaks the one in which ioredis hands on', () => {
  const sentinels = [{ host: '127.0.0.1', port: 1 }]
  const given = { sentinels, name: 'master', protocol: 3 as const, autoResubscribe: true, lazyConnect: true }
  const { redis, close } = openRedis(given, 1, new AuthEventEmitter(), { hears: true })
  expect((redis as Redis).options).toMatchObject({ protocol: 2, autoResubscribe: false })
  close()
})
