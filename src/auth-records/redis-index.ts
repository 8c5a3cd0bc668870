// The index of sessions in Redis: a sorted set for each person and for each session at the provider.
import { createHash } from 'node:crypto'
import type { SessionGroup } from '../auth-record.ts'
import { groupsOf } from '../auth-record.ts'
import type { Config } from '../config.ts'
import { DRAIN_BATCH, type SessionIndex } from './auth-records.ts'
import type { RedisConnection } from './redis-connection.ts'

/** KEYS: the sorted set. ARGV: session id, when it ends at the latest. */
const ADD = `
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
  -- A few at a time: a set that somebody let grow must not hold Redis up.
  local over = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, 100)
  if #over > 0 then redis.call('ZREM', KEYS[1], unpack(over)) end
  local last = redis.call('ZREVRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2]
  if last then redis.call('PEXPIREAT', KEYS[1], last) end`

type Add = (key: string, id: string, endsAt: number) => Promise<unknown>

/**
 * @param replicating the connection that waits for replicas: what is written there before a session, is on them with it,
 * but for a cluster, where the two may be on different nodes
 * @param storeNow the store's clock
 */
export function createRedisIndex(
  { redis, answer }: RedisConnection,
  replicating: RedisConnection,
  { issuer, clientID }: Config,
  storeNow: () => Promise<number>,
): SessionIndex {
  replicating.redis.defineCommand('expressBffSession_index', { numberOfKeys: 1, lua: ADD })
  const addTo: Add = Reflect.get(replicating.redis, 'expressBffSession_index').bind(replicating.redis)
  // The configured issuer stands for the `iss` of every ID token that passed.
  const place = issuer.href.replace(/\/+$/, '')

  /** Hashed: a key has one length, and says nobody's name. */
  const keyOf = (kind: 'sessions' | 'ended', { claim, value }: SessionGroup) => {
    const name = createHash('sha256')
      .update(JSON.stringify([place, clientID, value]))
      .digest('base64url')
    return `bff:${kind}:${claim}:${name}`
  }

  return {
    async add(id, record) {
      const endsAt = Math.ceil(record.endsAt)
      await Promise.all(
        groupsOf(record).map((group) =>
          replicating.answer(() => addTo(keyOf('sessions', group), id, endsAt)),
        ),
      )
    },

    async remove(id, groups) {
      await Promise.all(groups.map((group) => answer(() => redis.zrem(keyOf('sessions', group), id))))
    },

    page: (group, from, count) =>
      answer(() => redis.zrevrange(keyOf('sessions', group), from, from + count - 1)),

    async *drain(group) {
      const key = keyOf('sessions', group)
      // Whoever logs in while this goes on ends later than all that is named now.
      // Flat, since an app's own client may be set to give pairs.
      const [, last] = (await answer(() => redis.zrevrange(key, 0, 0, 'WITHSCORES'))).flat()
      if (last === undefined) return
      for (;;) {
        const ids = await answer(() => redis.zrangebyscore(key, '-inf', last, 'LIMIT', 0, DRAIN_BATCH))
        if (ids.length === 0) return
        yield ids
        await answer(() => redis.zrem(key, ...ids))
      }
    },

    async markEnded(group, seconds) {
      const now = await storeNow()
      await answer(() => redis.set(keyOf('ended', group), now, 'EX', seconds))
    },

    async endedAt(group) {
      const ended = await answer(() => redis.get(keyOf('ended', group)))
      return ended === null ? undefined : Number(ended)
    },
  }
}
