// The index of sessions in this process.
import { createExpiringMap, type ExpiringMap } from '../../lib/expiring-map.ts'
import { groupsOf, type SessionGroup } from '../../record/auth-record.ts'
import { groupName, type Owner } from '../../record/owner.ts'
import { END_BATCH, type SessionIndex } from '../store.ts'

export function createMemoryIndex(now: () => number): (owner: Owner) => SessionIndex {
  /** Each session's id with its latest end, in the order of the logins. */
  const sessions = createExpiringMap<Map<string, number>>(now)
  const ended = createExpiringMap<number>(now)
  return (owner) => indexOf(owner, now, sessions, ended)
}

function indexOf(
  owner: Owner,
  now: () => number,
  sessions: ExpiringMap<Map<string, number>>,
  ended: ExpiringMap<number>,
): SessionIndex {
  const keyOf = (group: SessionGroup) => `${group.claim} ${groupName(owner, group)}`
  const idsOf = (group: SessionGroup) => [...(sessions.get(keyOf(group))?.keys() ?? [])]

  return {
    async add(id, record) {
      for (const key of groupsOf(record).map(keyOf)) {
        const ids = sessions.get(key) ?? new Map<string, number>()
        for (const [oldest, endsAt] of ids) {
          if (endsAt > now()) break
          ids.delete(oldest)
        }
        const latest = Math.max(record.endsAt, sessions.endsAt(key) ?? 0)
        sessions.set(key, ids.set(id, record.endsAt), latest)
      }
    },

    async remove(ids, groups) {
      for (const key of groups.map(keyOf)) {
        const named = sessions.get(key)
        for (const id of ids) named?.delete(id)
        if (named?.size === 0) sessions.delete(key)
      }
    },

    page: async (group, from, count) =>
      idsOf(group)
        .reverse()
        .slice(from, from + count),

    async *endGroup(group, seconds) {
      ended.set(keyOf(group), now(), now() + seconds * 1000)
      const ids = idsOf(group)
      for (let at = 0; at < ids.length; at += END_BATCH) {
        yield ids.slice(at, at + END_BATCH)
        // Other requests have their turn.
        await new Promise((resolve) => setImmediate(resolve))
      }
    },

    endedAt: async (group) => ended.get(keyOf(group)),
  }
}
