// Sessions that are looked up in the same moment are asked for together, and what one of them has is its own.
import type { AuthRecords } from '../../src/auth-records/auth-records.ts'
import { createSignedInId } from '../../src/session-id.ts'
import { eventually } from '../support/deadline.ts'
import { isScript } from '../support/redis-commands.ts'
import { type RedisFront, startRedisFront } from '../support/redis-front.ts'
import { launchRedis, type RedisProcess } from '../support/redis-launch.ts'
import { openRedisStore, recordAt, storedSession } from './stores.ts'

let server: RedisProcess
let front: RedisFront
const opened: AuthRecords[] = []

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

function open(url = front.url) {
  const store = openRedisStore(url)
  opened.push(store.records)
  return store
}

const storedSessions = (records: AuthRecords, count: number) =>
  Promise.all(Array.from({ length: count }, (_, at) => storedSession(records, `{"cart":${at}}`)))

const questions = () => front.seen(isScript('find')).map(({ args }) => Number(args[2]) / 2)

test('what is asked for in one turn is one question, of fifty sessions at most, and each gets its own answer', async () => {
  const { records } = open()
  const sessions = await storedSessions(records, 119)
  const before = questions().length
  const found = await Promise.all(
    [createSignedInId(), ...sessions.map(({ id }) => id)].map((id) => records.find(id)),
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

test('a server in cluster mode answers a client that takes it for an ordinary one', async () => {
  const clustered = await launchRedis({ config: ['cluster-enabled yes'] })
  try {
    await clustered.admin.call('CLUSTER', 'ADDSLOTSRANGE', '0', '16383')
    await eventually('the cluster to be whole', async () =>
      (await clustered.admin.cluster('INFO')).includes('cluster_state:ok'),
    )
    const { records, told } = open(`redis://127.0.0.1:${clustered.port}`)
    const now = await records.now()
    const sessions = Array.from({ length: 5 }, () => ({ id: createSignedInId(), record: recordAt(now) }))
    for (const { id, record } of sessions) await records.create(id, record, undefined)
    for (const _time of ['first', 'second']) {
      const found = await Promise.all(sessions.map(({ id }) => records.find(id)))
      expect(found.map(({ value }) => value?.record)).toEqual(sessions.map(({ record }) => record))
    }
    expect(told).toEqual([])
    await records.close()
  } finally {
    await clustered.kill()
  }
})
