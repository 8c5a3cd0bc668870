// bff.check() at a real Redis: what it may do there, what it is, and what it will come to. The provider is away.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Redis } from 'ioredis'
import type { AuthOptions } from '../../src/index.ts'
import { checkRedis as askRedis } from '../../src/store/redis/check.ts'
import { openRedisStore, storedSession } from '../store/stores.ts'
import { eventually } from '../support/deadline.ts'
import { freePort } from '../support/listen.ts'
import { isScript } from '../support/redis/commands.ts'
import { startRedisFront } from '../support/redis/front.ts'
import { launchRedis } from '../support/redis/launch.ts'
import { startRedis } from '../support/redis/redis-server.ts'
import { useParts } from '../support/servers.ts'
import { check, told } from './check-set-up.ts'

const PASSWORD = 'the-password-of-nobody'

const { server, admin, away } = useParts(async (start) => {
  const server = await start(startRedis())
  const port = await freePort()
  return { server, admin: server.connect(), away: { issuer: `http://127.0.0.1:${port}` } }
})
afterEach(async () => {
  await admin.config('SET', 'maxmemory', '0')
  await admin.config('SET', 'maxmemory-policy', 'noeviction')
  await admin.call('ACL', 'DELUSER', 'app')
  await server.flush()
})

const checkRedis = (redis: AuthOptions['redis'], options: AuthOptions = {}) =>
  check({
    issuerBaseURL: away.issuer,
    baseURL: 'http://localhost:3000',
    clientID: 'client',
    redis,
    ...options,
  })

const addressed = () => server.url.replace('redis://', `redis://app:${PASSWORD}@`)
const allow = (...rights: string[]) =>
  admin.call('ACL', 'SETUSER', 'app', 'on', `>${PASSWORD}`, 'resetkeys', ...rights)

test('all is well: a session went its way there, nothing is left of it, and nothing else was asked twice', async () => {
  const findings = await checkRedis(server.url)
  expect(told(findings['store-rights'])).toBe('ok: a session was stored, renewed and ended')
  expect(told(findings.store)).toMatch(/^ok: Redis \d+\.\d+\.\d+ answers$/)
  expect(told(findings.eviction)).toBe('ok: Redis drops no sessions to make room')
  expect(findings.clock.found).toBe("by the clock of this machine Redis's is right")
  const left = await admin.keys('*')
  for (const key of left) expect(await admin.pttl(key)).toBeLessThanOrEqual(1000)
  expect(left.filter((key) => /^bff:(?:\{|sessions)/.test(key))).toEqual([])
})

test('the rights of docs/deploying.md are enough, and without more the memory of a session is not known', async () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/deploying.md'), 'utf8')
  const [, rights = ''] = /^ACL SETUSER bff on >password resetkeys (.*)$/m.exec(page) ?? []
  await allow(...rights.split(' '))
  const findings = await checkRedis(addressed())
  expect(findings['store-rights'].status).toBe('ok')
  expect(findings.store.status).toBe('ok')
  expect(told(findings.memory)).toMatch(/^unknown: .*SCAN and MEMORY USAGE/)
})

test('each right that is missing is named', async () => {
  await allow('~bff:*', '+@all', '-info', '-exists', '-zrevrange', '-hincrby')
  const { 'store-rights': rights, store } = await checkRedis(addressed())
  expect(rights.status).toBe('failed')
  for (const command of ["'exists'", "'zrevrange'", "the script can't run this command"])
    expect(rights.found).toContain(command)
  expect(rights.found.match(/its user may not do that: docs\/deploying\.md/g)?.length).toBeGreaterThan(2)
  expect(rights.found).not.toContain(PASSWORD)
  expect(told(store)).toMatch(/^unknown: .*its user may not use INFO/)
})

test('keys that it may not touch', async () => {
  await allow('~another:*', '+@all')
  const { 'store-rights': rights } = await checkRedis(addressed())
  expect(told(rights)).toMatch(/^failed: Redis at .*NOPERM.*key.*docs\/deploying\.md/)
})

test.each<[what: string, redis: () => Promise<string> | string, said: RegExp]>([
  [
    'nobody listens',
    async () => `redis://127.0.0.1:${await freePort()}`,
    /ECONNREFUSED .*: nobody listens there: .*REDIS_URL/,
  ],
  ['a wrong password', addressed, /WRONGPASS .*change those in REDIS_URL/],
])('%s: said once, with what to change, and nothing more is asked', async (_what, redis, said) => {
  await allow('~*', '+@all', '>another', `<${PASSWORD}`)
  const findings = await checkRedis(await redis())
  expect(told(findings.store)).toMatch(/^failed: Redis at /)
  expect(told(findings.store)).toMatch(said)
  expect(findings.store.found).not.toContain(PASSWORD)
  expect(told(findings['store-rights'])).toBe('unknown: was not asked: see store')
})

test('a Redis that hangs holds nobody up for longer than redisTimeoutSeconds', async () => {
  server.freeze()
  try {
    const began = performance.now()
    const { store } = await checkRedis(server.url, { redisTimeoutSeconds: 0.3 })
    expect(told(store)).toMatch(/^failed: Redis at .*redisTimeoutSeconds/)
    expect(performance.now() - began).toBeLessThan(5000)
  } finally {
    server.thaw()
  }
})

test('what is no matter of rights is found once, and ends the session of nobody there', async () => {
  const front = await startRedisFront(server)
  try {
    front.refuseAll(isScript('create'))
    const { 'store-rights': rights } = await checkRedis(front.url)
    expect(told(rights)).toMatch(/^failed: .*READONLY.*name the master, or the Sentinels$/)
    expect(front.seen(isScript('find'))).toEqual([])
  } finally {
    await front.stop()
  }
})

test('sessions that may be dropped', async () => {
  await admin.config('SET', 'maxmemory', '100mb')
  await admin.config('SET', 'maxmemory-policy', 'allkeys-lru')
  const { eviction } = await checkRedis(server.url)
  expect(told(eviction)).toMatch(/^warning: Redis may drop sessions .*allkeys-lru; set it to noeviction/)
})

test('a memory that is nearly full, and one that is', async () => {
  const used = Number(/used_memory:(\d+)/.exec(await admin.info('memory'))?.[1])
  await admin.config('SET', 'maxmemory', String(Math.round(used * 1.05)))
  expect(told((await checkRedis(server.url)).memory)).toMatch(
    /^warning: .*; 9\d % of maxmemory is used → .*maxmemory/,
  )
  await admin.config('SET', 'maxmemory', '1')
  expect(told((await checkRedis(server.url))['store-rights'])).toMatch(
    /^failed: .*OOM .*give it more \(maxmemory\)/,
  )
})

test.each([undefined, 'staff:'])(
  'the memory of a session is measured, with the keyPrefix %s',
  async (keyPrefix) => {
    const { records } = openRedisStore(server.url)
    await storedSession(records, JSON.stringify({ cart: 'x'.repeat(5000) }))
    await records.close()
    if (keyPrefix !== undefined)
      for (const key of await admin.keys('bff:*')) await admin.rename(key, keyPrefix + key)
    const { memory } = await checkRedis({ url: server.url, keyPrefix })
    expect(told(memory)).toMatch(/^ok: [67]\d{3} bytes a session, by 1 of them$/)
  },
)

test('replicas: none where renewals wait for one; one that none waits for; a replica in place of the master', async () => {
  const options = { waitReplicas: 1 }
  expect(told((await checkRedis(server.url, options)).replicas)).toMatch(
    /^failed: 0 connected, and waitReplicas is 1: .*→ look at the replicas, or lower waitReplicas/,
  )
  // By way of the disk, a new replica follows as soon as it has its copy.
  await admin.config('SET', 'repl-diskless-sync', 'no')
  const replica = await launchRedis({ config: [`replicaof 127.0.0.1 ${server.port}`] })
  try {
    await eventually('the replica to be in sync', async () =>
      /slave0:.*state=online/.test(await admin.info('replication')),
    )
    expect(told((await checkRedis(server.url, options)).replicas)).toBe(
      'ok: 1 connected, and waitReplicas is 1',
    )
    expect(told((await checkRedis(server.url)).replicas)).toMatch(
      /^warning: 1 connected.*→ set waitReplicas: 1/,
    )
    const findings = await checkRedis(`redis://127.0.0.1:${replica.port}`)
    expect(told(findings.replicas)).toMatch(/^failed: this Redis is itself a replica → name the master/)
    expect(told(findings['store-rights'])).toMatch(/^failed: .*READONLY.*name the master/)
  } finally {
    await replica.kill()
  }
})

// None of that age is at hand.
test.each([
  ['redis_version:5.0.14\r\n', /^failed: Redis 5\.0\.14 is too old: 6\.0 or later/],
  ['redis_version:6.2.14\r\n', /^ok: Redis 6\.2\.14 answers/],
  ['dragonfly_version:1\r\n', /^unknown: .*does not say its version/],
])('a server that says %j of itself', async (info, said) => {
  const old = { info: async () => info, options: {}, scan: async () => ['0', []] } as unknown as Redis
  const [store] = await askRedis(old, { redisTimeoutSeconds: 1, waitReplicas: 0 })
  expect(store && told(store)).toMatch(said)
})
