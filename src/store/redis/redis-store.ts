// Auth records in Redis: a hash of its own for each session, sealed, written by compare-and-set.
import type { Config } from '../../options/config.ts'
import { groupsOf } from '../../record/auth-record.ts'
import { type Owner, ownerName } from '../../record/owner.ts'
import { isLoggedInId } from '../../record/session-id.ts'
import type { SiteStore, StoreSite } from '../session-stores.ts'
import type { Acquired, Committed } from '../store.ts'
import type { OpenedRecords } from './opened-records.ts'
import type { ScriptName } from './scripts.ts'
import { createSealedRecords } from './sealed-records.ts'
import type { RedisServers } from './servers.ts'
import { createRedisIndex } from './session-index.ts'

export function createRedisStore(
  servers: RedisServers,
  opened: OpenedRecords,
  site: StoreSite,
  config: Pick<Config, 'waitReplicas'> & { readonly session: Pick<Config['session'], 'idleTimeoutSeconds'> },
): SiteStore {
  const { connection, lookUp, claim, now } = servers
  const { redis, answer } = connection
  const records = createSealedRecords(site)
  const idleMilliseconds = milliseconds(site.idleTimeoutSeconds ?? config.session.idleTimeoutSeconds)
  const indexOf = (owner: Owner) => createRedisIndex(servers, owner)

  /** Names the session's keys so that a cluster keeps them in one slot: what stands in braces decides. */
  const keysOf = (id: string) => [`bff:{${id}}:auth`, `bff:{${id}}:app`] as const
  const name = ownerName(site.owners[0])
  const ownKey = (kind: 'once' | 'claim', key: string) => `bff:${kind}:${name}:${key}`

  /** Another deployment's is its own to end; and so, perhaps, is what only the index names, and what does not open. */
  async function mayEnd(id: string, amount: 'one of many' | undefined): Promise<boolean> {
    const [, , sealed] = await lookUp({ keys: keysOf(id), known: opened.get(id) })
    const place = typeof sealed === 'string' ? records.placeOf(id, sealed) : 'here'
    return place === 'here' || (place === 'unknown' && amount === undefined)
  }

  const run = (name: ScriptName, id: string, ...args: (string | number)[]) =>
    servers.run(name, keysOf(id), ...args)

  const write = (name: ScriptName, id: string, ...args: (string | number)[]) =>
    servers.write(name, keysOf(id), ...args)

  return {
    now,

    indexOf,

    async find(id) {
      const known = opened.get(id)
      const [time, generation, sealed, appData, endsAt] = await lookUp({ keys: keysOf(id), known })
      // An app's own client may be set to give numbers as texts.
      const now = Number(time)
      const record = sealed === null ? known?.record : records.open(id, generation, sealed)
      if (record === undefined) {
        opened.drop(id)
        return { now, value: undefined }
      }
      if (typeof sealed === 'string') opened.put(id, sealed, record)
      // A renewal may have brought the end nearer.
      if (record.endsAt <= now) return { now, value: undefined }
      const idleEndsAt = Math.min(Number(endsAt), record.endsAt)
      return { now, value: { record, appData: appData ?? undefined, idleEndsAt } }
    },

    async create(id, record, appData) {
      const args = [records.seal(id, record), record.generation, Math.ceil(record.endsAt), idleMilliseconds]
      await write('create', id, ...args, appData ?? '')
    },

    async touch(id) {
      await run('touch', id, idleMilliseconds)
    },

    async end(id, generation, amount) {
      if (!(await mayEnd(id, amount))) return { ended: false, record: undefined }
      const args = ['finish', id, generation ?? ''] as const
      const result = amount === undefined ? (await write(...args)).result : await run(...args)
      const [deleted, stored, sealed] = result as [number, string?, string?]
      const ended = Number(deleted) > 0
      if (ended) opened.drop(id)
      const record = records.open(id, stored, sealed)
      const owner = record && records.ownerOf(record)
      if (ended && record !== undefined && owner !== undefined && amount === undefined)
        await indexOf(owner)
          .remove([id], groupsOf(record))
          .catch(() => undefined)
      return { ended, record }
    },

    async acquire(id, generation, owner, terms): Promise<Acquired> {
      const { overdueSeconds } = terms
      const times = [terms.seconds, terms.reuseSeconds, terms.patienceSeconds].map(milliseconds)
      const overdue = overdueSeconds === undefined ? '' : milliseconds(overdueSeconds)
      const [kind, detail, sealed] = (await run('acquire', id, generation, owner, ...times, overdue)) as
        | ['gone' | 'held' | 'overdue']
        | ['renewed', string, string]
        | ['backing-off' | 'granted', number]
      if (kind === 'granted') return { kind, now: Number(detail) }
      if (kind === 'backing-off') return { kind, retryAfterSeconds: Number(detail) / 1000 }
      if (kind !== 'renewed') return { kind }
      const record = records.open(id, detail, sealed)
      return record === undefined ? { kind: 'gone' } : { kind, record }
    },

    async extend(id, owner, seconds) {
      return Number(await run('extend', id, owner, milliseconds(seconds))) === 1
    },

    async commit(id, record, owner, backOffSeconds) {
      const args = [record.generation, records.seal(id, record), owner, milliseconds(backOffSeconds)]
      const { result, replicas } = await write('commit', id, ...args)
      return { result: result as Committed, safe: result !== 'committed' || replicas >= config.waitReplicas }
    },

    async release(id, owner, { firstSeconds, longestSeconds, share, askedSeconds = 0 }, isRefusal = false) {
      const [first, longest, asked] = [firstSeconds, longestSeconds, askedSeconds].map(milliseconds)
      const terms = [first ?? 0, longest ?? 0, share, asked ?? 0, Number(isRefusal)]
      const [wait = 0, refusals = 0, refusedFor = 0] = (await run('release', id, owner, ...terms)) as number[]
      return { waitSeconds: wait / 1000, refusals, refusedForSeconds: refusedFor / 1000 }
    },

    async useOnce(key, seconds) {
      return (await answer(() => redis.set(ownKey('once', key), '1', 'EX', seconds, 'NX'))) === 'OK'
    },

    async wasUsed(key) {
      return (await answer(() => redis.exists(ownKey('once', key)))) > 0
    },

    claim: (key, owner, seconds, over) =>
      answer(() => claim(ownKey('claim', key), owner, seconds, over ?? '')),

    appData: {
      get: (id) => answer(() => redis.get(keysOf(id)[1])),
      async set(id, document, seconds) {
        if (isLoggedInId(id)) await run('saveAppData', id, document)
        else await answer(() => redis.set(keysOf(id)[1], document, 'PX', milliseconds(seconds)))
      },
      async touch(id, seconds) {
        if (!isLoggedInId(id)) await answer(() => redis.pexpire(keysOf(id)[1], milliseconds(seconds)))
      },
      async delete(id) {
        await write('finish', id, '')
      },
    },
  }
}

function milliseconds(seconds: number): number {
  return Math.ceil(seconds * 1000)
}
