// What many requests ask Redis in the same moment leaves at once, and nothing waits longer than that moment.
import { setImmediate as turn } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { openRedis } from '../../src/auth-records/redis-connection.ts'
import { AuthEventEmitter } from '../../src/events.ts'
import { type RedisServer, startRedis } from '../support/redis-server.ts'

let server: RedisServer
beforeAll(async () => {
  server = await startRedis()
})
afterAll(() => server?.stop())

test('the questions of one turn are held together until its end, and each gets its answer', async () => {
  const { redis, answer, close } = openRedis(server.url, 2, new AuthEventEmitter())
  try {
    await answer(() => redis.ping())
    const { stream } = redis as Redis
    const answers = ['a', 'b', 'c'].map((word) => answer(() => redis.echo(word)))
    expect([stream.writableCorked, stream.writableLength > 0]).toEqual([1, true])
    await turn()
    expect(stream.writableCorked).toBe(0)
    expect(await Promise.all(answers)).toEqual(['a', 'b', 'c'])
  } finally {
    close()
  }
})

test('a client that was handed in sends as its owner wants', async () => {
  const given = new Redis(server.url)
  try {
    const { answer } = openRedis(given, 2, new AuthEventEmitter())
    await answer(() => given.ping())
    const answered = answer(() => given.ping())
    expect(given.stream.writableCorked).toBe(0)
    await answered
  } finally {
    given.disconnect()
  }
})
