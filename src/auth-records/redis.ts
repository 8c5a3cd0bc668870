// Auth records in Redis: a hash of its own for each session, sealed, written by compare-and-set.
import { Redis } from 'ioredis'
import type { AuthRecord } from '../auth-record.ts'
import type { Config } from '../config.ts'
import { withDeadline } from '../deadline.ts'
import { TryLaterError } from '../errors.ts'
import type { AuthEventEmitter } from '../events.ts'
import { createSealer } from '../seal.ts'
import { isSignedInId } from '../session-id.ts'
import type { Acquired, AuthRecords, Committed } from './auth-records.ts'
import { decodeRecord, encodeRecord } from './record-codec.ts'
import { defineScripts } from './redis-scripts.ts'

const COMMAND_SECONDS = 2

export function createRedisRecords(
  config: Config,
  given: NonNullable<Config['redis']>,
  events: AuthEventEmitter,
): AuthRecords {
  const redis = typeof given === 'string' ? connect(given) : given
  const scripts = defineScripts(redis)
  const sealer = createSealer(config.secrets, 'auth record')
  const idleMilliseconds = Math.ceil(config.session.idleTimeoutSeconds * 1000)

  /** Names the session's keys so that a cluster keeps them in one slot: what stands in braces decides. */
  const keysOf = (id: string) => [`bff:{${id}}:auth`, `bff:{${id}}:app`] as const

  async function answer<T>(command: Promise<T>): Promise<T> {
    try {
      return await withDeadline(command, COMMAND_SECONDS, noAnswer)
    } catch (error) {
      const detail = error instanceof Error ? error.message.slice(0, 200) : 'no answer'
      events.emit('store-unavailable', { detail })
      throw new TryLaterError(
        'store_unavailable',
        'The session store does not answer. Nothing is lost; try again shortly.',
      )
    }
  }

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

  const seal = (id: string, record: AuthRecord) => sealer.seal(encodeRecord(record), id)

  return {
    async now() {
      const [seconds, microseconds] = await answer(redis.time())
      return Number(seconds) * 1000 + Math.floor(Number(microseconds) / 1000)
    },

    async find(id) {
      const [time, generation, sealed, appData, ttl] = (await answer(scripts.find(keysOf(id)))) as [
        number,
        string?,
        string?,
        (string | null)?,
        number?,
      ]
      // An app's own client may be set to give numbers as texts.
      const now = Number(time)
      const record = unseal(id, generation, sealed)
      if (record === undefined) return { now, value: undefined }
      return { now, value: { record, appData: appData ?? undefined, idleEndsAt: now + Number(ttl) } }
    },

    async create(id, record, appData) {
      await answer(
        scripts.create(
          keysOf(id),
          seal(id, record),
          record.generation,
          Math.ceil(record.endsAt),
          idleMilliseconds,
          appData ?? '',
        ),
      )
    },

    async touch(id) {
      await answer(scripts.touch(keysOf(id), idleMilliseconds))
    },

    async end(id, generation) {
      const [ended, stored, sealed] = (await answer(scripts.finish(keysOf(id), generation ?? ''))) as [
        number,
        string?,
        string?,
      ]
      return { ended: Number(ended) > 0, record: unseal(id, stored, sealed) }
    },

    async acquire(id, generation, owner, seconds): Promise<Acquired> {
      const [kind, detail, sealed] = (await answer(
        scripts.acquire(keysOf(id), generation, owner, Math.ceil(seconds * 1000)),
      )) as ['gone' | 'held'] | ['renewed', string, string] | ['backing-off' | 'granted', number]
      if (kind === 'granted') return { kind, now: Number(detail) }
      if (kind === 'backing-off') return { kind, retryAfterSeconds: Number(detail) / 1000 }
      if (kind !== 'renewed') return { kind }
      const record = unseal(id, detail, sealed)
      return record === undefined ? { kind: 'gone' } : { kind, record }
    },

    async commit(id, record, owner, backOffSeconds) {
      const sealed = seal(id, record)
      return (await answer(
        scripts.commit(keysOf(id), record.generation, sealed, owner, Math.ceil(backOffSeconds * 1000)),
      )) as Committed
    },

    async release(id, owner, backOffSeconds) {
      await answer(scripts.release(keysOf(id), owner, Math.ceil(backOffSeconds * 1000)))
    },

    async useOnce(key, seconds) {
      return (await answer(redis.set(`bff:once:${key}`, '1', 'EX', seconds, 'NX'))) === 'OK'
    },

    appData: {
      get: (id) => answer(redis.get(keysOf(id)[1])),
      async set(id, document, seconds) {
        if (isSignedInId(id)) await answer(scripts.saveAppData(keysOf(id), document))
        else await answer(redis.set(keysOf(id)[1], document, 'PX', Math.ceil(seconds * 1000)))
      },
      async touch(id, seconds) {
        if (!isSignedInId(id)) await answer(redis.pexpire(keysOf(id)[1], Math.ceil(seconds * 1000)))
      },
      async delete(id) {
        await answer(scripts.finish(keysOf(id), ''))
      },
    },

    async close() {
      // A client that was handed in is its owner's to close.
      if (typeof given === 'string') redis.disconnect()
    },
  }

  function connect(url: string): Redis {
    const client = new Redis(url, {
      connectTimeout: COMMAND_SECONDS * 1000,
      commandTimeout: COMMAND_SECONDS * 1000,
      maxRetriesPerRequest: 1,
      retryStrategy: (times) => Math.min(50 * 2 ** Math.min(times, 5), 1000),
    })
    // Without a listener ioredis prints each failed connection; the event says it in our words.
    client.on('error', (error: Error) =>
      events.emit('store-unavailable', { detail: error.message.slice(0, 200) }),
    )
    return client
  }
}

function noAnswer(): never {
  throw new Error(`no answer within ${COMMAND_SECONDS} s`)
}
