// The index of sessions in Redis: a sorted set for each person and for each session at the provider.
import { groupsOf, type SessionGroup } from '../../record/auth-record.ts'
import { type Owner, ownedName } from '../../record/owner.ts'
import { END_BATCH, type SessionIndex } from '../store.ts'
import type { RedisConnection } from './connection.ts'
import { NOW } from './scripts.ts'

/** KEYS: the sorted set. ARGV: session id, when it ends at the latest. */
const ADD = `${NOW}
  redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
  -- A few at a time: a set that somebody let grow must not hold Redis up.
  local over = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, 100)
  if #over > 0 then redis.call('ZREM', KEYS[1], unpack(over)) end
  local last = redis.call('ZREVRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2]
  if last then redis.call('PEXPIREAT', KEYS[1], last) end`

/** KEYS: the mark. ARGV: seconds. The later of two logouts at once is the one that is remembered. */
const MARK = `${NOW}
  local before = tonumber(redis.call('GET', KEYS[1]) or 0)
  redis.call('SET', KEYS[1], math.max(now, before), 'EX', ARGV[1])`

type Mark = (key: string, seconds: number) => Promise<unknown>
type Add = (key: string, id: string, endsAt: number) => Promise<unknown>

/**
 * @param replicating the connection that waits for replicas: what is written there before a session, is on them with it,
 * but for a cluster, where the two may be on different nodes
 */
export function createRedisIndex(
  { redis, answer }: RedisConnection,
  replicating: RedisConnection,
  owner: Owner,
): SessionIndex {
  replicating.redis.defineCommand('expressBffSession_index', { numberOfKeys: 1, lua: ADD })
  const addTo: Add = Reflect.get(replicating.redis, 'expressBffSession_index').bind(replicating.redis)
  redis.defineCommand('expressBffSession_mark', { numberOfKeys: 1, lua: MARK })
  const mark: Mark = Reflect.get(redis, 'expressBffSession_mark').bind(redis)

  const keyOf = (kind: 'sessions' | 'ended', { claim, value }: SessionGroup) =>
    `bff:${kind}:${claim}:${ownedName(owner, value)}`

  return {
    async add(id, record) {
      const endsAt = Math.ceil(record.endsAt)
      await Promise.all(
        groupsOf(record).map((group) =>
          replicating.answer(() => addTo(keyOf('sessions', group), id, endsAt)),
        ),
      )
    },

    async remove(ids, groups) {
      if (ids.length === 0) return
      await Promise.all(groups.map((group) => answer(() => redis.zrem(keyOf('sessions', group), ...ids))))
    },

    page: (group, from, count) =>
      answer(() => redis.zrevrange(keyOf('sessions', group), from, from + count - 1)),

    async *endGroup(group, seconds) {
      const key = keyOf('sessions', group)
      await answer(() => mark(keyOf('ended', group), seconds))
      // Flat, since an app's own client may be set to give pairs.
      const [, last] = (await answer(() => redis.zrevrange(key, 0, 0, 'WITHSCORES'))).flat()
      let cursor = '0'
      do {
        // A scan names everybody who stays from its beginning to its end, whatever comes and goes meanwhile.
        const [next, found] = await answer(() => redis.zscan(key, cursor, 'COUNT', END_BATCH))
        const entries = found.flat()
        cursor = String(next)
        // Whoever came later has a later end.
        const ids = entries.filter((_, at) => at % 2 === 0 && Number(entries[at + 1]) <= Number(last))
        if (ids.length > 0) yield ids
      } while (cursor !== '0')
    },

    async endedAt(group) {
      const ended = await answer(() => redis.get(keyOf('ended', group)))
      return ended === null ? undefined : Number(ended)
    },
  }
}
