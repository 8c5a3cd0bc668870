// The index of sessions in Redis: a sorted set for each person and for each session at the provider.
import { groupsOf, type SessionGroup } from '../../record/auth-record.ts'
import { groupName, type Owner } from '../../record/owner.ts'
import { END_BATCH, type SessionIndex } from '../store.ts'
import type { RedisServers } from './servers.ts'

/**
 * What is added before a session is stored, is on the replicas with it, but for a cluster, where the two may be on different
 * nodes.
 */
export function createRedisIndex(
  { connection: { redis, answer }, replicating, indexScripts }: RedisServers,
  owner: Owner,
): SessionIndex {
  const keyOf = (kind: 'sessions' | 'ended', group: SessionGroup) =>
    `bff:${kind}:${group.claim}:${groupName(owner, group)}`

  return {
    async add(id, record) {
      const endsAt = Math.ceil(record.endsAt)
      await Promise.all(
        groupsOf(record).map((group) =>
          replicating.answer(() => indexScripts.add(keyOf('sessions', group), id, endsAt)),
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
      await answer(() => indexScripts.mark(keyOf('ended', group), seconds))
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
