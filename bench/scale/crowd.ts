// Very many sessions in Redis: copies of one that logged in, stored by the package's own code, each of another person.
import { randomBytes } from 'node:crypto'
import { sign } from 'cookie-signature'
import { Redis } from 'ioredis'
import { AuthEventEmitter } from '../../src/events/events.ts'
import { resolveOptions } from '../../src/options/resolve-options.ts'
import { createLoggedInId } from '../../src/record/session-id.ts'
import { TEST_SECRET } from '../../test/support/app/app-options.ts'
import { createRedisStore } from '../../test/support/session/one-store.ts'
import { getAccount } from './line.ts'
import type { World } from './world.ts'

export interface Member {
  readonly sub: string
  readonly sid: string
  /** asks for what is theirs */
  readonly request: string
}

export interface Crowd {
  /** some of them, from everywhere among them */
  readonly sample: Member[]
  readonly seconds: number
  readonly bytesEach: number
}

const BATCH = 400
/** As many among a thousand as among a million, so that neither is known better to the app than the other. */
const SAMPLE = 900
/** One person has that many. */
export const BUSY = { sub: 'everywhere', sessions: 100 }

export async function storeCrowd(world: World, count: number): Promise<Crowd> {
  const options = {
    issuerBaseURL: world.provider.issuer,
    baseURL: world.baseURL,
    clientID: world.clientId,
    secret: TEST_SECRET,
  }
  // What is stored in one turn of the event loop goes out together: a million would take twice the time otherwise.
  const config = resolveOptions(options)
  const client = new Redis(world.redisUrl, { enableAutoPipelining: true })
  const records = createRedisStore(config, client, new AuthEventEmitter())
  const sample: Member[] = []
  const every = Math.max(1, Math.floor(count / SAMPLE))

  async function store(at: number) {
    const id = createLoggedInId()
    const sub = at < BUSY.sessions ? BUSY.sub : `user-${at}`
    const sid = randomBytes(16).toString('base64url')
    const claims = { ...world.record.claims, sub, sid }
    const refreshToken = randomBytes(32).toString('base64url')
    // By the timeframe alone, which is long: nobody falls due while the last are stored.
    const record = { ...world.record, claims, refreshToken, idTokenExpiresAt: undefined }
    await records.index.add(id, record)
    await records.create(id, record, undefined)
    if (at < BUSY.sessions || at % every !== 0) return
    const cookie = `bff=${encodeURIComponent(`s:${sign(id, TEST_SECRET)}`)}`
    sample.push({ sub, sid, request: getAccount(cookie) })
  }

  try {
    const before = await usedMemory(world)
    const began = performance.now()
    for (let at = 0; at < count; at += BATCH) {
      const batch = Math.min(BATCH, count - at)
      await Promise.all(Array.from({ length: batch }, (_, offset) => store(at + offset)))
      if (at % 100_000 === 0 && at > 0) process.stderr.write(`${at} sessions\n`)
    }
    const seconds = (performance.now() - began) / 1000
    return {
      sample: shuffled(sample).slice(0, SAMPLE),
      seconds,
      bytesEach: ((await usedMemory(world)) - before) / count,
    }
  } finally {
    await records.close()
    client.disconnect()
  }
}

async function usedMemory({ redis }: World): Promise<number> {
  return Number(/^used_memory:(\d+)/m.exec(await redis.info('memory'))?.[1])
}

function shuffled<T>(list: T[]): T[] {
  return list
    .map((value) => ({ value, by: Math.random() }))
    .sort((a, b) => a.by - b.by)
    .map(({ value }) => value)
}
