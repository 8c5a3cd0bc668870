// Who may renew a session, and what came of it: each step whole, since nothing is waited for within one.
import type { ExpiringMap } from '../../lib/expiring-map.ts'
import type { AuthRecord } from '../../record/auth-record.ts'
import { frozen } from '../record-codec.ts'
import type { SessionStore } from '../store.ts'

export interface Entry {
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

/** @param auth a site's own */
export function createMemoryLeases(
  auth: Pick<ExpiringMap<Entry>, 'get' | 'replace'>,
  now: () => number,
): Pick<SessionStore, 'acquire' | 'extend' | 'commit' | 'release'> {
  return {
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
  }
}
