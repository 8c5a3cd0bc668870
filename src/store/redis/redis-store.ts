// Auth records in Redis: a hash of its own for each session, sealed, written by compare-and-set.
import type { AuthEventEmitter } from '../../events.ts'
import { createSealer } from '../../lib/seal.ts'
import type { Config } from '../../options/config.ts'
import { type AuthRecord, groupsOf } from '../../record/auth-record.ts'
import { isLoggedInId } from '../../record/session-id.ts'
import { decodeRecord, encodeRecord } from '../record-codec.ts'
import type { Acquired, Committed, SessionStore } from '../store.ts'
import { createBatchedLookups } from './batched-lookups.ts'
import { openRedis } from './connection.ts'
import { withNearCache } from './near-cache.ts'
import { createOpenedRecords } from './opened-records.ts'
import { defineScripts, type ScriptName } from './scripts.ts'
import { createRedisIndex } from './session-index.ts'

export function createRedisStore(
  config: Config,
  given: NonNullable<Config['redis']>,
  events: AuthEventEmitter,
): SessionStore {
  const connection = openRedis(given, config.redisTimeoutSeconds, events)
  const { redis, answer } = connection
  const scripts = defineScripts(redis)
  const lookUp = createBatchedLookups(connection)
  // WAIT holds up its connection, so what waits for replicas has one of its own.
  const replicating =
    config.waitReplicas > 0
      ? openRedis(given, config.redisTimeoutSeconds, events, { another: true })
      : undefined
  const replicatingScripts = replicating && defineScripts(replicating.redis)
  const index = createRedisIndex(connection, replicating ?? connection, config)
  // RFC 6749 §10.4: refresh tokens are confidential in storage too.
  const sealer = createSealer(config.secrets, 'auth record')
  const opened = createOpenedRecords()
  const idleMilliseconds = milliseconds(config.session.idleTimeoutSeconds)

  /** Names the session's keys so that a cluster keeps them in one slot: what stands in braces decides. */
  const keysOf = (id: string) => [`bff:{${id}}:auth`, `bff:{${id}}:app`] as const

  function unseal(id: string, generation: unknown, sealed: unknown): AuthRecord | undefined {
    if (typeof sealed !== 'string') return undefined
    const text = sealer.open(sealed, id)
    const record = text === undefined ? undefined : decodeRecord(text)
    if (record !== undefined && String(record.generation) === generation) return record
    const detail =
      text === undefined
        ? 'the seal does not open'
        : record === undefined
          ? 'another version wrote it'
          : 'it is of another generation than its key says'
    events.emit('record-unreadable', { detail })
    return undefined
  }

  const run = (name: ScriptName, id: string, ...args: (string | number)[]) =>
    answer(() => scripts.run(name, keysOf(id), ...args))

  /** What a failover must not lose goes to the replicas, as far as they answer. */
  async function write(name: ScriptName, id: string, ...args: (string | number)[]) {
    if (replicating === undefined || replicatingScripts === undefined) {
      return { result: await run(name, id, ...args), replicas: 0 }
    }
    const replicas = {
      wanted: config.waitReplicas,
      milliseconds: milliseconds(config.redisTimeoutSeconds / 8),
    }
    return replicating.answer(() => replicatingScripts.runReplicated(replicas, name, keysOf(id), ...args))
  }

  const seal = (id: string, record: AuthRecord) => sealer.seal(encodeRecord(record), id)

  async function now(): Promise<number> {
    const [seconds, microseconds] = await answer(() => redis.time())
    return Number(seconds) * 1000 + Math.floor(Number(microseconds) / 1000)
  }

  const store: SessionStore = {
    now,

    index,

    async find(id) {
      const known = opened.get(id)
      const [time, generation, sealed, appData, endsAt] = await lookUp({ keys: keysOf(id), known })
      // An app's own client may be set to give numbers as texts.
      const now = Number(time)
      const record = sealed === null ? known?.record : unseal(id, generation, sealed)
      if (record === undefined) {
        opened.drop(id)
        return { now, value: undefined }
      }
      if (typeof sealed === 'string') opened.put(id, sealed, record)
      return { now, value: { record, appData: appData ?? undefined, idleEndsAt: Number(endsAt) } }
    },

    async create(id, record, appData) {
      const args = [seal(id, record), record.generation, Math.ceil(record.endsAt), idleMilliseconds]
      await write('create', id, ...args, appData ?? '')
    },

    async touch(id) {
      await run('touch', id, idleMilliseconds)
    },

    async end(id, generation, amount) {
      const args = ['finish', id, generation ?? ''] as const
      const result = amount === undefined ? (await write(...args)).result : await run(...args)
      const [deleted, stored, sealed] = result as [number, string?, string?]
      const ended = Number(deleted) > 0
      if (ended) opened.drop(id)
      const record = unseal(id, stored, sealed)
      if (ended && record !== undefined && amount === undefined)
        await index.remove([id], groupsOf(record)).catch(() => undefined)
      return { ended, record }
    },

    async acquire(id, generation, owner, terms): Promise<Acquired> {
      const times = [terms.seconds, terms.reuseSeconds, terms.patienceSeconds].map(milliseconds)
      const [kind, detail, sealed] = (await run('acquire', id, generation, owner, ...times)) as
        | ['gone' | 'held']
        | ['renewed', string, string]
        | ['backing-off' | 'granted', number]
      if (kind === 'granted') return { kind, now: Number(detail) }
      if (kind === 'backing-off') return { kind, retryAfterSeconds: Number(detail) / 1000 }
      if (kind !== 'renewed') return { kind }
      const record = unseal(id, detail, sealed)
      return record === undefined ? { kind: 'gone' } : { kind, record }
    },

    async commit(id, record, owner, backOffSeconds) {
      const args = [record.generation, seal(id, record), owner, milliseconds(backOffSeconds)]
      const { result, replicas } = await write('commit', id, ...args)
      return { result: result as Committed, safe: result !== 'committed' || replicas >= config.waitReplicas }
    },

    async release(id, owner, { firstSeconds, longestSeconds, share, askedSeconds = 0 }) {
      const [first, longest, asked] = [firstSeconds, longestSeconds, askedSeconds].map(milliseconds)
      return Number(await run('release', id, owner, first ?? 0, longest ?? 0, share, asked ?? 0)) / 1000
    },

    async useOnce(key, seconds) {
      return (await answer(() => redis.set(`bff:once:${key}`, '1', 'EX', seconds, 'NX'))) === 'OK'
    },

    async wasUsed(key) {
      return (await answer(() => redis.exists(`bff:once:${key}`))) > 0
    },

    appData: {
      get: (id) => answer(() => redis.get(keysOf(id)[1])),
      async set(id, document, seconds) {
        if (isLoggedInId(id)) await run('saveAppData', id, document)
        else await answer(() => redis.set(keysOf(id)[1], document, 'PX', milliseconds(seconds)))
      },
      async touch(id, seconds) {
        if (!isLoggedInId(id)) await answer(() => redis.pexpire(keysOf(id)[1], milliseconds(seconds)))
      },
      async delete(id) {
        await write('finish', id, '')
      },
    },

    async close() {
      connection.close()
      replicating?.close()
    },
  }
  return config.nearCache ? withNearCache(store, connection, given, config, events) : store
}

function milliseconds(seconds: number): number {
  return Math.ceil(seconds * 1000)
}
