// The index of sessions in this process.
import { groupsOf, type SessionGroup } from '../auth-record.ts'
import { DRAIN_BATCH, type SessionIndex } from './auth-records.ts'
import { createExpiringMap } from './expiring-map.ts'

export function createMemoryIndex(now: () => number): SessionIndex {
  /** Each session's id with its latest end, in the order of the log-ins. */
  const sessions = createExpiringMap<Map<string, number>>(now)
  const ended = createExpiringMap<number>(now)
  const keyOf = ({ claim, value }: SessionGroup) => `${claim} ${value}`
  const idsOf = (group: SessionGroup) => [...(sessions.get(keyOf(group))?.keys() ?? [])]

  function remove(id: string, groups: readonly SessionGroup[]): void {
    for (const key of groups.map(keyOf)) {
      const ids = sessions.get(key)
      ids?.delete(id)
      if (ids?.size === 0) sessions.delete(key)
    }
  }

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

    remove: async (id, groups) => remove(id, groups),

    page: async (group, from, count) =>
      idsOf(group)
        .reverse()
        .slice(from, from + count),

    async *drain(group) {
      const ids = idsOf(group)
      for (let at = 0; at < ids.length; at += DRAIN_BATCH) {
        const batch = ids.slice(at, at + DRAIN_BATCH)
        yield batch
        for (const id of batch) remove(id, [group])
      }
    },

    async markEnded(group, seconds) {
      ended.set(keyOf(group), now(), now() + seconds * 1000)
    },

    endedAt: async (group) => ended.get(keyOf(group)),
  }
}
