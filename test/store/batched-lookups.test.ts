// Sessions that are looked up in the same moment are asked for together, and what one of them has is its own.
import type { Redis } from 'ioredis'
import { createLoggedInId } from '../../src/record/session-id.ts'
import type { SessionStore } from '../../src/store/store.ts'
import { eventually } from '../support/deadline.ts'
import { startRedisCluster } from '../support/redis/cluster.ts'
import { isScript } from '../support/redis/commands.ts'
import { type RedisFront, startRedisFront } from '../support/redis/front.ts'
import { launchRedis, type RedisProcess } from '../support/redis/launch.ts'
import { type OpenedStore, openRedisStore, storedSession } from './stores.ts'

let server: RedisProcess
let front: RedisFront
const opened: SessionStore[] = []

beforeAll(async () => {
  server = await launchRedis()
  front = await startRedisFront(server)
})
afterAll(async () => {
  await front?.stop()
  await server?.kill()
})

// Before its server ends: a client whose connection is gone already leaves a timer behind.
afterEach(() => Promise.all(opened.splice(0).map((records) => records.close())))

function open(redis: string | Redis = front.url) {
  const store = openRedisStore(redis)
  opened.push(store.records)
  return store
}

const storedSessions = (records: SessionStore, count: number) =>
  Promise.all(Array.from({ length: count }, (_, at) => storedSession(records, `{"cart":${at}}`)))

const questions = () => front.seen(isScript('find')).map(({ args }) => Number(args[2]) / 2)

test('what is asked for in one turn is one question, of fifty sessions at most, and each gets its own answer', async () => {
  const { records } = open()
  const sessions = await storedSessions(records, 119)
  const before = questions().length
  const found = await Promise.all(
    [createLoggedInId(), ...sessions.map(({ id }) => id)].map((id) => records.find(id)),
  )
  expect(questions().slice(before)).toEqual([50, 50, 20])
  expect(found.map(({ value }) => [value?.record, value?.appData])).toEqual([
    [undefined, undefined],
    ...sessions.map(({ record }, at) => [record, `{"cart":${at}}`]),
  ])
})

test('of sessions in one question, the record that changed and the one that is known are not confused', async () => {
  const { records } = open()
  const [changed, same] = await storedSessions(records, 2)
  if (changed === undefined || same === undefined) throw new Error('no sessions')
  await Promise.all([changed, same].map(({ id }) => records.find(id)))
  await records.create(changed.id, changed.next, undefined)
  const [first, second] = await Promise.all([changed, same].map(({ id }) => records.find(id)))
  expect(first?.value?.record).toEqual(changed.next)
  expect(second?.value?.record).toEqual(same.record)
})

test('a key of one session that cannot be read is an outage for that session alone', async () => {
  const { records, told } = open()
  const sessions = await storedSessions(records, 3)
  const ids = sessions.map(({ id }) => id)
  await server.admin.del(`bff:{${ids[1]}}:app`)
  await server.admin.lpush(`bff:{${ids[1]}}:app`, 'x')
  const [first, second, third] = await Promise.allSettled(ids.map((id) => records.find(id)))
  expect(second).toMatchObject({ status: 'rejected', reason: { code: 'store_unavailable' } })
  expect(told).toEqual([{ name: 'store-unavailable', detail: expect.stringContaining('WRONGTYPE') }])
  for (const [at, each] of [first, third].entries())
    expect(each).toMatchObject({
      status: 'fulfilled',
      value: { value: { record: sessions[at * 2]?.record } },
    })
})

test('the end of a session is the same to the millisecond, however often it is asked for', async () => {
  const { records } = open()
  const { id } = await storedSession(records)
  const ends = new Set<number | undefined>()
  for (let times = 0; times < 200; times += 1) ends.add((await records.find(id)).value?.idleEndsAt)
  expect([...ends]).toEqual([await server.admin.pexpiretime(`bff:{${id}}:auth`)])
})

test('a Redis older than 7 tells the end too', async () => {
  const older = await launchRedis({ config: ['rename-command PEXPIRETIME ""'] })
  try {
    const { records } = open(`redis://127.0.0.1:${older.port}`)
    const now = await records.now()
    const { id, record } = await storedSession(records)
    const { value } = await records.find(id)
    expect(value?.record).toEqual(record)
    expect(value?.idleEndsAt).toBeGreaterThanOrEqual(now + 100_000 - 1)
    expect(value?.idleEndsAt).toBeLessThanOrEqual((await records.now()) + 100_000)
    await records.close()
  } finally {
    await older.kill()
  }
})

/** Sessions of several slots, found all at once, by who knows none of them yet and by who does. */
async function expectFound({ records, told }: OpenedStore): Promise<void> {
  const sessions = await storedSessions(records, 20)
  for (const _time of ['first', 'second']) {
    const found = await Promise.all(sessions.map(({ id }) => records.find(id)))
    expect(found.map(({ value }) => value?.record)).toEqual(sessions.map(({ record }) => record))
  }
  expect(told).toEqual([])
  await records.close()
}

test('a server in cluster mode answers a client that takes it for an ordinary one', async () => {
  const clustered = await launchRedis({ config: ['cluster-enabled yes'] })
  try {
    await clustered.admin.call('CLUSTER', 'ADDSLOTSRANGE', '0', '16383')
    await eventually('the cluster to be whole', async () =>
      (await clustered.admin.cluster('INFO')).includes('cluster_state:ok'),
    )
    await expectFound(open(`redis://127.0.0.1:${clustered.port}`))
    // Once is enough to know it.
    expect(await clustered.admin.info('errorstats')).toContain('errorstat_CROSSSLOT:count=1\r')
  } finally {
    await clustered.kill()
  }
})

test('a cluster is asked for each session on its node, by a client that pipelines by itself too', async () => {
  const cluster = await startRedisCluster()
  try {
    const given = [{ nodes: cluster.nodes }, { nodes: cluster.nodes, enableAutoPipelining: true }]
    for (const redis of given) await expectFound(open(redis as unknown as Redis))
  } finally {
    await cluster.stop()
  }
})

test('a refusal of several sessions at once is none of each by itself', async () => {
  const { records, told } = open()
  const sessions = await storedSessions(records, 5)
  front.refuseAll((args) => isScript('find')(args) && Number(args[2]) > 2, 'ERR keys of several servers')
  const before = questions().length
  const found = await Promise.all(sessions.map(({ id }) => records.find(id)))
  front.normal()
  expect(found.map(({ value }) => value?.record)).toEqual(sessions.map(({ record }) => record))
  expect([questions().length - before, told]).toEqual([5, []])
})

test('an outage is one for each who asked', async () => {
  const { records } = open()
  const sessions = await storedSessions(records, 3)
  front.refuseAll(isScript('find'), 'LOADING Redis is loading the dataset in memory')
  const found = await Promise.allSettled(sessions.map(({ id }) => records.find(id)))
  front.normal()
  expect(found).toEqual(
    Array(3).fill({ status: 'rejected', reason: expect.objectContaining({ code: 'store_unavailable' }) }),
  )
})
