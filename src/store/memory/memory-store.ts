// Auth records in this process, by the same rules as in Redis; they end with the process.
import { createExpiringMap } from '../../lib/expiring-map.ts'
import type { Config } from '../../options/config.ts'
import { type AuthRecord, groupsOf } from '../../record/auth-record.ts'
import { isLoggedInId } from '../../record/session-id.ts'
import { frozen } from '../record-codec.ts'
import type { SessionStore } from '../store.ts'
import { createMemoryIndex } from './memory-index.ts'

interface Entry {
  readonly record: AuthRecord
  readonly lease: Lease | undefined
  readonly committedBy: string | undefined
  readonly retryAt: number
  /** In a row. */
  readonly failures: number
}

interface Lease {
  readonly owner: string
  readonly endsAt: number
  readonly sentAt: number
  /** When a lease that ended without a word goes to another, once somebody has noticed. */
  readonly takeOverAt: number | undefined
}

export function createMemoryStore(config: Config, now: () => number = Date.now): SessionStore {
  const auth = createExpiringMap<Entry>(now)
  const app = createExpiringMap<string>(now)
  const used = createExpiringMap<true>(now)
  const index = createMemoryIndex(now)
  const idleEnd = (record: AuthRecord) =>
    Math.min(now() + config.session.idleTimeoutSeconds * 1000, record.endsAt)

  return {
    now: async () => now(),

    async find(id) {
      const entry = auth.get(id)
      if (entry === undefined) return { now: now(), value: undefined }
      const idleEndsAt = auth.endsAt(id) ?? now()
      return {
        now: now(),
        value: { record: entry.record, appData: app.get(id), idleEndsAt },
      }
    },

    async create(id, record, appData) {
      const fresh = { lease: undefined, committedBy: undefined, retryAt: 0, failures: 0 }
      auth.set(id, { record: frozen(structuredClone(record)), ...fresh }, idleEnd(record))
      if (appData !== undefined) app.set(id, appData, idleEnd(record))
    },

    async touch(id) {
      const entry = auth.get(id)
      const appData = app.get(id)
      if (entry === undefined) return
      auth.set(id, entry, idleEnd(entry.record))
      if (appData !== undefined) app.set(id, appData, idleEnd(entry.record))
    },

    async end(id, generation, amount) {
      const record = auth.get(id)?.record
      if (record !== undefined && generation !== undefined && record.generation !== generation) {
        return { ended: false, record }
      }
      const ended = auth.delete(id)
      if (record !== undefined && amount === undefined) await index.remove([id], groupsOf(record))
      return { ended: app.delete(id) || ended, record }
    },

    async acquire(id, generation, owner, { seconds, reuseSeconds, patienceSeconds }) {
      const entry = auth.get(id)
      if (entry === undefined) return { kind: 'gone' }
      if (entry.record.generation > generation) return { kind: 'renewed', record: entry.record }
      // The caller is ahead of the store: what it knows is on its way here.
      if (entry.record.generation < generation) return { kind: 'held' }
      const { lease, retryAt } = entry
      if (lease !== undefined && lease.endsAt > now()) return { kind: 'held' }
      if (retryAt > now()) return { kind: 'backing-off', retryAfterSeconds: (retryAt - now()) / 1000 }
      if (lease !== undefined && now() - lease.sentAt >= reuseSeconds * 1000) {
        const takeOverAt = lease.takeOverAt ?? now() + patienceSeconds * 1000
        auth.replace(id, { ...entry, lease: { ...lease, takeOverAt } })
        if (lease.takeOverAt === undefined || takeOverAt > now()) return { kind: 'held' }
      }
      const granted = {
        owner,
        endsAt: now() + seconds * 1000,
        sentAt: lease?.sentAt ?? now(),
        takeOverAt: undefined,
      }
      auth.replace(id, { ...entry, lease: granted })
      return { kind: 'granted', now: now() }
    },

    async commit(id, record, owner, backOffSeconds) {
      const entry = auth.get(id)
      if (entry === undefined) return { result: 'gone', safe: true }
      const { generation } = entry.record
      if (generation === record.generation && entry.committedBy === owner)
        return { result: 'committed', safe: true }
      if (generation + 1 !== record.generation) return { result: 'superseded', safe: true }
      if (entry.lease !== undefined && entry.lease.owner !== owner) return { result: 'held', safe: true }
      const given = {
        lease: undefined,
        committedBy: owner,
        retryAt: now() + backOffSeconds * 1000,
        failures: 0,
      }
      const stored = auth.replace(id, { record: frozen(structuredClone(record)), ...given })
      return { result: stored ? 'committed' : 'gone', safe: true }
    },

    async release(id, owner, { firstSeconds, longestSeconds, share, askedSeconds }) {
      const entry = auth.get(id)
      if (entry === undefined || entry.lease?.owner !== owner) return 0
      const failures = entry.failures + 1
      const doubled = Math.min(firstSeconds * 2 ** (failures - 1), longestSeconds) * share
      const seconds = askedSeconds ?? doubled
      auth.replace(id, { ...entry, lease: undefined, retryAt: now() + seconds * 1000, failures })
      return seconds
    },

    async useOnce(key, seconds) {
      if (used.get(key) !== undefined) return false
      used.set(key, true, now() + seconds * 1000)
      return true
    },

    wasUsed: async (key) => used.get(key) !== undefined,

    index,

    appData: {
      get: async (id) => app.get(id) ?? null,
      async set(id, document, seconds) {
        const endsAt = isLoggedInId(id) ? auth.endsAt(id) : now() + seconds * 1000
        if (endsAt !== undefined) app.set(id, document, endsAt)
      },
      async touch(id, seconds) {
        const document = isLoggedInId(id) ? undefined : app.get(id)
        if (document !== undefined) app.set(id, document, now() + seconds * 1000)
      },
      async delete(id) {
        auth.delete(id)
        app.delete(id)
      },
    },

    async close() {},
  }
}
