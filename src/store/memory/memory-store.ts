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
  /** Of this generation. */
  readonly refused?: { readonly times: number; readonly since: number }
}

interface Lease {
  readonly owner: string
  readonly endsAt: number
  readonly sentAt: number
  /** When a lease that ended without a word goes to another, once somebody has noticed. */
  readonly takeOverAt: number | undefined
}

/** Some hundred megabytes, as what apps keep of a visitor goes. */
const MOST_ANONYMOUS = 100_000

export function createMemoryStore(
  config: Config,
  now: () => number = Date.now,
  mostAnonymous = MOST_ANONYMOUS,
): SessionStore {
  const auth = createExpiringMap<Entry>(now)
  const app = createExpiringMap<string>(now)
  /** `req.session` of whoever is not logged in, of which strangers can make any number. */
  const anonymous = createExpiringMap<string>(now, mostAnonymous)
  const used = createExpiringMap<true>(now)
  const claims = createExpiringMap<string>(now)
  const index = createMemoryIndex(now)
  const idleEnd = (record: AuthRecord) =>
    Math.min(now() + config.session.idleTimeoutSeconds * 1000, record.endsAt)

  return {
    now: async () => now(),

    async usable() {},

    check: async () => [],

    async find(id) {
      const entry = auth.get(id)
      // A renewal may have brought the end nearer.
      if (entry === undefined || entry.record.endsAt <= now()) return { now: now(), value: undefined }
      const idleEndsAt = Math.min(auth.endsAt(id) ?? now(), entry.record.endsAt)
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

    async acquire(id, generation, owner, terms) {
      const { seconds, reuseSeconds, patienceSeconds, overdueSeconds = Number.POSITIVE_INFINITY } = terms
      const entry = auth.get(id)
      if (entry === undefined) return { kind: 'gone' }
      if (entry.record.generation > generation) return { kind: 'renewed', record: entry.record }
      // The caller is ahead of the store: what it knows is on its way here.
      if (entry.record.generation < generation) return { kind: 'held' }
      const { lease, retryAt } = entry
      const sentFor = lease === undefined ? 0 : now() - lease.sentAt
      const kind = sentFor >= overdueSeconds * 1000 ? 'overdue' : 'held'
      if (lease !== undefined && lease.endsAt > now()) return { kind }
      if (retryAt > now()) return { kind: 'backing-off', retryAfterSeconds: (retryAt - now()) / 1000 }
      if (lease !== undefined && sentFor >= reuseSeconds * 1000) {
        const takeOverAt = lease.takeOverAt ?? now() + patienceSeconds * 1000
        auth.replace(id, { ...entry, lease: { ...lease, takeOverAt } })
        if (lease.takeOverAt === undefined || takeOverAt > now()) return { kind }
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

    async extend(id, owner, seconds) {
      const entry = auth.get(id)
      if (entry?.lease?.owner !== owner) return false
      const lease = { ...entry.lease, endsAt: now() + seconds * 1000, takeOverAt: undefined }
      return auth.replace(id, { ...entry, lease })
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

    async release(id, owner, { firstSeconds, longestSeconds, share, askedSeconds }, isRefusal = false) {
      const entry = auth.get(id)
      if (entry === undefined || entry.lease?.owner !== owner)
        return { waitSeconds: 0, refusals: 0, refusedForSeconds: 0 }
      const failures = entry.failures + 1
      const doubled = Math.min(firstSeconds * 2 ** (failures - 1), longestSeconds) * share
      const seconds = askedSeconds ?? doubled
      const at = now()
      const { times, since } = entry.refused ?? { times: 0, since: at }
      const refused = isRefusal ? { times: times + 1, since } : entry.refused
      const given = { lease: undefined, retryAt: at + seconds * 1000, failures }
      auth.replace(id, { ...entry, ...given, ...(refused && { refused }) })
      const counted = isRefusal && refused !== undefined
      return {
        waitSeconds: seconds,
        refusals: counted ? refused.times : 0,
        refusedForSeconds: counted ? (at - since) / 1000 : 0,
      }
    },

    async useOnce(key, seconds) {
      if (used.get(key) !== undefined) return false
      used.set(key, true, now() + seconds * 1000)
      return true
    },

    wasUsed: async (key) => used.get(key) !== undefined,

    async claim(key, owner, seconds, over) {
      const holder = claims.get(key)
      if (holder !== undefined && holder !== over) return holder
      claims.set(key, owner, now() + seconds * 1000)
      return owner
    },

    index,

    appData: {
      get: async (id) => (isLoggedInId(id) ? app : anonymous).get(id) ?? null,
      async set(id, document, seconds) {
        if (!isLoggedInId(id)) return anonymous.set(id, document, now() + seconds * 1000)
        const endsAt = auth.endsAt(id)
        if (endsAt !== undefined) app.set(id, document, endsAt)
      },
      async touch(id, seconds) {
        const document = anonymous.get(id)
        if (document !== undefined) anonymous.set(id, document, now() + seconds * 1000)
      },
      async delete(id) {
        for (const kept of [auth, app, anonymous]) kept.delete(id)
      },
    },

    async close() {},
  }
}
