// How long Redis itself works for one thing that people do: its one thread is what many servers share.
import { randomBytes } from 'node:crypto'
import { AuthEventEmitter } from '../../src/events/events.ts'
import { resolveOptions } from '../../src/options/resolve-options.ts'
import type { AuthRecord } from '../../src/record/auth-record.ts'
import { createLoggedInId } from '../../src/record/session-id.ts'
import type { SessionStore } from '../../src/store/store.ts'
import { TEST_SECRET } from '../../test/support/app/app-options.ts'
import { launchRedis, type RedisProcess } from '../../test/support/redis/launch.ts'
import { createRedisStore } from '../../test/support/session/one-store.ts'
import { largeRecord, smallRecord } from '../../test/support/session/sized-records.ts'
import type { CleanUp } from '../clean-up.ts'
import { median } from '../statistics.ts'
import { markdown } from '../table.ts'

/** More than a process remembers: whoever asks in turn was forgotten. */
const SESSIONS = 3000
const ROUNDS = 5
const TIMES = 2000
const TOGETHER = 50
const ROOMY = { seconds: 10, reuseSeconds: 0, patienceSeconds: 0 }

interface Place {
  readonly store: SessionStore
  readonly ids: string[]
  readonly records: Map<string, AuthRecord>
  makeRecord(now: number): AuthRecord
}

/** Each does what the package does for it, one command after the other, as in docs/operating.md. */
const ACTS: Record<
  string,
  { times?: number; act(place: Place, id: string, turn: number): Promise<unknown> }
> = {
  request: { act: ({ store }, id) => store.find(id) },
  'request, with 49 others': {
    times: TIMES / TOGETHER,
    act: ({ store, ids }, _id, turn) =>
      Promise.all(
        Array.from({ length: TOGETHER }, (_, at) =>
          store.find(ids[(turn * TOGETHER + at) % ids.length] ?? ''),
        ),
      ),
  },
  'idle time extended': { act: ({ store }, id) => store.touch(id) },
  renewal: {
    async act({ store, records }, id) {
      const record = records.get(id)
      if (record === undefined) throw new Error('no session to renew')
      const { kind } = await store.acquire(id, record.generation, 'bench', ROOMY)
      const next = { ...record, generation: record.generation + 1 }
      const { result } = await store.commit(id, next, 'bench', 0)
      if (kind !== 'granted' || result !== 'committed') throw new Error(`a renewal was ${kind}, ${result}`)
      records.set(id, next)
    },
  },
  login: { act: (place) => logIn(place) },
  logout: {
    async act({ store, ids }) {
      const id = ids.pop() ?? ''
      await store.find(id)
      await store.now()
      await store.claim(id, 'nobody', 60)
      if (!(await store.end(id)).ended) throw new Error('nobody was logged out')
    },
  },
}

/** There is no goal: docs/operating.md computes with it. */
export async function measureRedisTime(cleanUp: CleanUp): Promise<boolean> {
  const redis = await launchRedis()
  cleanUp.later(() => redis.kill())
  const figures = [await measure(redis, smallRecord), await measure(redis, largeRecord)]
  await redis.kill()
  console.log('\nMicroseconds that Redis works for one of each\n')
  const rows = Object.keys(ACTS).map((name) => [
    name,
    ...figures.map((each) => each.get(name)?.toFixed(0) ?? ''),
  ])
  console.log(markdown([['', 'small tokens', 'large tokens'], ...rows]))
  return true
}

async function measure(redis: RedisProcess, makeRecord: Place['makeRecord']): Promise<Map<string, number>> {
  const config = resolveOptions({
    issuerBaseURL: makeRecord(0).claims.iss,
    baseURL: 'https://app.example.com',
    clientID: 'client',
    secret: TEST_SECRET,
  })
  const store = createRedisStore(config, { url: `redis://127.0.0.1:${redis.port}` }, new AuthEventEmitter())
  const place: Place = { store, ids: [], records: new Map(), makeRecord }
  while (place.ids.length < SESSIONS) await logIn(place)
  const rounds = new Map<string, number[]>(Object.keys(ACTS).map((name) => [name, []]))
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [name, { times = TIMES, act }] of Object.entries(ACTS)) {
      const before = await workedMicroseconds(redis)
      for (let turn = 0; turn < times; turn += 1)
        await act(place, place.ids[turn % place.ids.length] ?? '', turn)
      rounds.get(name)?.push(((await workedMicroseconds(redis)) - before) / TIMES)
    }
  }
  await store.close()
  return new Map([...rounds].map(([name, each]) => [name, median(each)]))
}

async function logIn({ store, ids, records, makeRecord }: Place): Promise<void> {
  const [id, state] = [createLoggedInId(), randomBytes(16).toString('base64url')]
  await store.now()
  const record = makeRecord(await store.now())
  await store.useOnce(state, 60)
  await store.index.add(id, record)
  await store.create(id, record, undefined)
  await Promise.all([
    store.index.endedAt({ claim: 'sub', value: state }),
    store.index.endedAt({ claim: 'sid', value: state }),
  ])
  await store.claim(state, id, 60)
  await store.find(id)
  await store.find(id)
  ids.push(id)
  records.set(id, record)
}

async function workedMicroseconds({ admin }: RedisProcess): Promise<number> {
  const info = await admin.info('cpu')
  const of = (name: string) => Number(new RegExp(`^${name}:(\\S+)`, 'm').exec(info)?.[1]) * 1e6
  return of('used_cpu_user_main_thread') + of('used_cpu_sys_main_thread')
}
