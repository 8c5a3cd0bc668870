// The front before Redis: every control does to a plain client what its name says.
import { defineScripts } from '../../../src/store/redis/scripts.ts'
import { useParts } from '../servers.ts'
import { createClients } from './clients.ts'
import { isCommand, isScript } from './commands.ts'
import { type RedisFront, startRedisFront } from './front.ts'
import { startRedis } from './redis-server.ts'

const { server, direct } = useParts(async (start) => {
  const server = await start(startRedis())
  return { server, direct: server.connect() }
})

const opened: { clients: ReturnType<typeof createClients>; front: RedisFront }[] = []

/** A front that has seen nothing but how `redis` connected, until the end of the test. */
async function open() {
  const front = await startRedisFront(server)
  const clients = createClients()
  opened.push({ clients, front })
  const redis = clients.open(front.url)
  await redis.set('key', 'before')
  return { front, clients, redis }
}

afterEach(async () => {
  for (const { clients, front } of opened.splice(0)) {
    clients.close()
    await front.stop()
  }
})

test('passes pipelines, large values and RESP3 on, in order', async () => {
  const { front, redis } = await open()
  const large = 'ü'.repeat(300_000)
  const pipeline = redis.pipeline().set('large', large)
  for (let nth = 0; nth < 500; nth += 1) pipeline.rpush('list', nth).hset('hash', `${nth}`, nth)
  const answers = await pipeline.get('large').hgetall('hash').exec()
  expect(answers?.at(-2)).toEqual([null, large])
  expect(Object.keys(Object(answers?.at(-1)?.[1]))).toHaveLength(500)
  expect(answers?.slice(1, 5).map(([, answer]) => answer)).toEqual([1, 1, 2, 1])
  expect(front.seen(isCommand('hello'))).toMatchObject([{ args: ['hello', '3'] }])
})

test.each([2, 3] as const)('passes published messages on in RESP%i', async (protocol) => {
  const { redis } = await open()
  const subscriber = redis.duplicate({ protocol })
  const message = new Promise((resolve) => subscriber.on('message', (...told) => resolve(told)))
  await subscriber.subscribe('news', 'weather')
  await direct.publish('weather', 'rain')
  expect(await message).toEqual(['weather', 'rain'])
  expect(await subscriber.unsubscribe()).toBe(0)
  expect(await subscriber.get('key')).toBe('before')
  subscriber.disconnect()
})

test('holds a command before Redis sees it, and what comes after it', async () => {
  const { front, redis } = await open()
  const held = front.holdNext(isCommand('set'))
  const answers = Promise.all([redis.set('key', 'after'), redis.get('key')])
  await held.arrived
  expect(await direct.get('key')).toBe('before')
  expect(front.seen(isCommand('set'))).toHaveLength(1)
  held.release()
  expect(await answers).toEqual(['OK', 'after'])
})

test('holds an answer that Redis has given', async () => {
  const { front, clients, redis } = await open()
  const held = front.holdAnswerOf(isCommand('set'))
  const set = redis.set('key', 'after')
  await held.arrived
  expect(await direct.get('key')).toBe('after')
  const other = clients.open(front.url)
  expect(await other.get('key')).toBe('after')
  held.release()
  expect(await set).toBe('OK')
})

test.each([
  ['a command', 'before', (front: RedisFront) => front.holdNext(isCommand('set'))],
  ['an answer', 'after', (front: RedisFront) => front.holdAnswerOf(isCommand('set'))],
])('cuts the connection in place of %s', async (_what, stored, hold) => {
  const { front, redis } = await open()
  const held = hold(front)
  const plain = redis.duplicate({ maxRetriesPerRequest: 0, retryStrategy: () => null })
  plain.on('error', () => {})
  const set = expect(plain.set('key', 'after')).rejects.toThrow(/closed|max retries/)
  await held.arrived
  held.drop()
  await set
  expect(await direct.get('key')).toBe(stored)
})

test('refuses in Redis’s place, in order, until all is normal again', async () => {
  const { front, redis } = await open()
  front.refuseAll(isCommand('set'))
  const [first, second, third] = (await redis.pipeline().get('key').set('key', 'x').get('key').exec()) ?? []
  expect([first, third]).toEqual([
    [null, 'before'],
    [null, 'before'],
  ])
  expect(String(second?.[0])).toMatch(/READONLY You can't write/)
  front.normal()
  expect(await redis.set('key', 'after')).toBe('OK')
})

test('makes Redis slow, for commands that are on their way together at the same time', async () => {
  const { front, clients, redis } = await open()
  const other = clients.open(front.url)
  await other.get('key')
  const began = performance.now()
  const done: string[] = []
  front.delayAll(300)
  await Promise.all([
    Promise.all([redis.get('key'), redis.get('key'), redis.get('key')]).then(() => done.push('together')),
    other.get('key').then(async () => {
      expect(performance.now() - began).toBeGreaterThan(290)
      await other.get('key')
      done.push('two in turn')
    }),
  ])
  expect(done).toEqual(['together', 'two in turn'])
})

test('cuts connections, refuses new ones, and takes them again', async () => {
  const { front, redis } = await open()
  front.cutAll()
  expect(await redis.get('key')).toBe('before')
  await front.down()
  const refused = redis.duplicate({ maxRetriesPerRequest: 0, retryStrategy: () => null })
  const error = new Promise((resolve) => refused.once('error', resolve))
  await expect(refused.get('key')).rejects.toThrow(/closed|max retries/)
  expect(await error).toMatchObject({ code: 'ECONNREFUSED' })
  await front.up()
  expect(await redis.get('key')).toBe('before')
})

test('knows the project’s scripts by text and by hash, and counts only those that ran', async () => {
  const { front, redis } = await open()
  const scripts = defineScripts(redis)
  await scripts.run('touch', ['a', 'b'], 1000)
  await scripts.run('touch', ['a', 'b'], 1000)
  await direct.script('FLUSH')
  const held = front.holdAnswerOf(isScript('touch'))
  const found = scripts.run('touch', ['a', 'b'], 1000)
  await held.arrived
  expect(front.seen(isScript('touch')).map(({ name }) => name)).toEqual(['eval', 'evalsha', 'eval'])
  expect(front.seen().at(-1)).toMatchObject({ script: 'touch' })
  expect(front.seen(isScript('commit'))).toEqual([])
  held.release()
  expect(await found).toBeNull()
})
