// Auth records in this process, by the same rules as in Redis; they end with the process.
import { createExpiringMap, type ExpiringMap } from '../../lib/expiring-map.ts'
import type { Config } from '../../options/config.ts'
import { type AuthRecord, groupsOf } from '../../record/auth-record.ts'
import { createOwners, ownerName } from '../../record/owner.ts'
import { isLoggedInId } from '../../record/session-id.ts'
import { frozen } from '../record-codec.ts'
import type { SessionStores, SiteStore, StoreSite } from '../session-stores.ts'
import { createMemoryIndex } from './memory-index.ts'
import { createMemoryLeases, type Entry } from './memory-leases.ts'

/** Some hundred megabytes, as what apps keep of a visitor goes. */
const MOST_ANONYMOUS = 100_000

/** What all sites share. */
interface Memory {
  readonly auth: ExpiringMap<Entry>
  readonly app: ExpiringMap<string>
  /** `req.session` of whoever is not logged in, of which strangers can make any number. */
  readonly anonymous: ExpiringMap<string>
  readonly used: ExpiringMap<true>
  readonly claims: ExpiringMap<string>
  readonly indexOf: SiteStore['indexOf']
  now(): number
  readonly idleTimeoutSeconds: number
}

export function createMemoryStores(
  config: { readonly session: Pick<Config['session'], 'idleTimeoutSeconds'> },
  now: () => number = Date.now,
  mostAnonymous = MOST_ANONYMOUS,
): SessionStores {
  const memory: Memory = {
    auth: createExpiringMap(now),
    app: createExpiringMap(now),
    anonymous: createExpiringMap(now, mostAnonymous),
    used: createExpiringMap(now),
    claims: createExpiringMap(now),
    indexOf: createMemoryIndex(now),
    now,
    idleTimeoutSeconds: config.session.idleTimeoutSeconds,
  }
  return {
    now: async () => now(),
    async usable() {},
    check: async () => [],
    of: (site) => createMemoryStore(memory, site),
    async close() {},
  }
}

function createMemoryStore(
  { auth: entries, app, anonymous, used, claims, indexOf, now, ...memory }: Memory,
  { owners, idleTimeoutSeconds = memory.idleTimeoutSeconds }: StoreSite,
): SiteStore {
  const idleEnd = (record: AuthRecord) => Math.min(now() + idleTimeoutSeconds * 1000, record.endsAt)
  const ownerOf = createOwners(owners)
  const name = ownerName(owners[0])
  const ownKey = (key: string) => `${name} ${key}`
  /** Another site's sessions are not there. */
  const auth: Pick<ExpiringMap<Entry>, 'get' | 'replace'> = {
    get(id) {
      const entry = entries.get(id)
      return entry === undefined || ownerOf(entry.record) === undefined ? undefined : entry
    },
    replace: (id, entry) => auth.get(id) !== undefined && entries.replace(id, entry),
  }
  const isForeign = (id: string) => auth.get(id) === undefined && entries.get(id) !== undefined

  return {
    now: async () => now(),

    indexOf,

    async find(id) {
      const entry = auth.get(id)
      // A renewal may have brought the end nearer.
      if (entry === undefined || entry.record.endsAt <= now()) return { now: now(), value: undefined }
      const idleEndsAt = Math.min(entries.endsAt(id) ?? now(), entry.record.endsAt)
      return {
        now: now(),
        value: { record: entry.record, appData: app.get(id), idleEndsAt },
      }
    },

    async create(id, record, appData) {
      const fresh = { lease: undefined, committedBy: undefined, retryAt: 0, failures: 0 }
      entries.set(id, { record: frozen(structuredClone(record)), ...fresh }, idleEnd(record))
      if (appData !== undefined) app.set(id, appData, idleEnd(record))
    },

    async touch(id) {
      const entry = auth.get(id)
      const appData = app.get(id)
      if (entry === undefined) return
      entries.set(id, entry, idleEnd(entry.record))
      if (appData !== undefined) app.set(id, appData, idleEnd(entry.record))
    },

    async end(id, generation, amount) {
      if (isForeign(id)) return { ended: false, record: undefined }
      const record = auth.get(id)?.record
      if (record !== undefined && generation !== undefined && record.generation !== generation) {
        return { ended: false, record }
      }
      const ended = entries.delete(id)
      const owner = record && ownerOf(record)
      if (record !== undefined && owner !== undefined && amount === undefined)
        await indexOf(owner).remove([id], groupsOf(record))
      return { ended: app.delete(id) || ended, record }
    },

    ...createMemoryLeases(auth, now),

    async useOnce(key, seconds) {
      if (used.get(ownKey(key)) !== undefined) return false
      used.set(ownKey(key), true, now() + seconds * 1000)
      return true
    },

    wasUsed: async (key) => used.get(ownKey(key)) !== undefined,

    async claim(key, owner, seconds, over) {
      const holder = claims.get(ownKey(key))
      if (holder !== undefined && holder !== over) return holder
      claims.set(ownKey(key), owner, now() + seconds * 1000)
      return owner
    },

    appData: {
      get: async (id) => (isForeign(id) ? undefined : (isLoggedInId(id) ? app : anonymous).get(id)) ?? null,
      async set(id, document, seconds) {
        if (!isLoggedInId(id)) return anonymous.set(id, document, now() + seconds * 1000)
        const endsAt = auth.get(id) && entries.endsAt(id)
        if (endsAt !== undefined) app.set(id, document, endsAt)
      },
      async touch(id, seconds) {
        const document = anonymous.get(id)
        if (document !== undefined) anonymous.set(id, document, now() + seconds * 1000)
      },
      async delete(id) {
        if (!isForeign(id)) for (const kept of [entries, app, anonymous]) kept.delete(id)
      },
    },
  }
}
