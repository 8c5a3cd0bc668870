// Auth records in this process, by the same rules as in Redis; they end with the process.
import type { AuthRecord } from '../auth-record.ts'
import type { Config } from '../config.ts'
import { isSignedInId } from '../session-id.ts'
import type { AuthRecords } from './auth-records.ts'
import { createExpiringMap } from './expiring-map.ts'

interface Entry {
  readonly record: AuthRecord
  readonly lease: { readonly owner: string; readonly endsAt: number } | undefined
  readonly committedBy: string | undefined
  readonly retryAt: number
}

export function createMemoryRecords(config: Config, now: () => number = Date.now): AuthRecords {
  const auth = createExpiringMap<Entry>(now)
  const app = createExpiringMap<string>(now)
  const used = createExpiringMap<true>(now)
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
        value: { record: structuredClone(entry.record), appData: app.get(id), idleEndsAt },
      }
    },

    async create(id, record, appData) {
      const entry = { record: structuredClone(record), lease: undefined, committedBy: undefined, retryAt: 0 }
      auth.set(id, entry, idleEnd(record))
      if (appData !== undefined) app.set(id, appData, idleEnd(record))
    },

    async touch(id) {
      const entry = auth.get(id)
      const appData = app.get(id)
      if (entry === undefined) return
      auth.set(id, entry, idleEnd(entry.record))
      if (appData !== undefined) app.set(id, appData, idleEnd(entry.record))
    },

    async end(id, generation) {
      const record = auth.get(id)?.record
      if (record !== undefined && generation !== undefined && record.generation !== generation) {
        return { ended: false, record }
      }
      const ended = auth.delete(id)
      return { ended: app.delete(id) || ended, record }
    },

    async acquire(id, generation, owner, seconds) {
      const entry = auth.get(id)
      if (entry === undefined) return { kind: 'gone' }
      if (entry.record.generation > generation)
        return { kind: 'renewed', record: structuredClone(entry.record) }
      // The caller is ahead of the store: what it knows is on its way here.
      if (entry.record.generation < generation) return { kind: 'held' }
      if (entry.lease !== undefined && entry.lease.endsAt > now()) return { kind: 'held' }
      if (entry.retryAt > now())
        return { kind: 'backing-off', retryAfterSeconds: (entry.retryAt - now()) / 1000 }
      auth.replace(id, { ...entry, lease: { owner, endsAt: now() + seconds * 1000 } })
      return { kind: 'granted', now: now() }
    },

    async commit(id, record, owner, backOffSeconds) {
      const entry = auth.get(id)
      if (entry === undefined) return 'gone'
      const { generation } = entry.record
      if (generation === record.generation && entry.committedBy === owner) return 'committed'
      if (generation + 1 !== record.generation || entry.lease?.owner !== owner) return 'superseded'
      const retryAt = now() + backOffSeconds * 1000
      const next = { record: structuredClone(record), lease: undefined, committedBy: owner, retryAt }
      return auth.replace(id, next) ? 'committed' : 'gone'
    },

    async release(id, owner, backOffSeconds) {
      const entry = auth.get(id)
      if (entry === undefined || entry.lease?.owner !== owner) return
      auth.replace(id, { ...entry, lease: undefined, retryAt: now() + backOffSeconds * 1000 })
    },

    async useOnce(key, seconds) {
      if (used.get(key) !== undefined) return false
      used.set(key, true, now() + seconds * 1000)
      return true
    },

    appData: {
      get: async (id) => app.get(id) ?? null,
      async set(id, document, seconds) {
        const endsAt = isSignedInId(id) ? auth.endsAt(id) : now() + seconds * 1000
        if (endsAt !== undefined) app.set(id, document, endsAt)
      },
      async touch(id, seconds) {
        const document = isSignedInId(id) ? undefined : app.get(id)
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
