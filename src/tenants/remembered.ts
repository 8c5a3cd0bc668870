// Tenants that this process knows: each looked up once, remembered for a while, and looked up again beside the requests.
import { RefusedError } from '../errors/errors.ts'
import { BoundedMap } from '../lib/bounded-map.ts'
import { createLookups, type LookUp } from './lookups.ts'

export interface RememberedTenants<Tenant> {
  /** At once where it is known. @throws RefusedError (`tenant_unknown`), TryLaterError (`tenant_unavailable`) */
  of(key: string): Tenant | Promise<Tenant>
  /** Whoever comes from now on is given what is looked up anew. */
  forget(key: string): void
  all(): IterableIterator<Tenant>
  counts(): TenantCounts
}

export interface TenantCounts {
  readonly known: number
  /** Those that could not be looked up, and are left alone for a while. */
  readonly unavailable: number
}

export interface TenantLimits {
  readonly maxTenants: number
  readonly ageSeconds: number
  readonly unknownSeconds: number
  readonly timeoutSeconds: number
}

interface RememberedParts<Tenant> {
  /** Undefined: there is no such tenant. */
  readonly lookUp: LookUp<Tenant>
  /** False while others would lose something by it. */
  mayEnd(tenant: Tenant): boolean
  /** Whoever has it goes on with it; nobody gets it any more. */
  end(tenant: Tenant): void
  /** Why it could not be looked up; the browser is told none of it. */
  failed(key: string, error: unknown): void
  /** In milliseconds, going forward only. */
  now(): number
}

interface Entry<Tenant> {
  readonly tenant: Tenant
  readonly askedAt: number
}

/** What is not answered anew serves for so many ages. */
const LONGEST_AGES = 10
/** In a list of their own: whatever names strangers think of, none of them pushes a tenant out. */
const MOST_UNKNOWN = 10_000
/** So many places are looked at for one that may be given up. */
const MOST_LOOKED_AT = 100

export function createRememberedTenants<Tenant extends object>(
  { lookUp, mayEnd, end, failed, now }: RememberedParts<Tenant>,
  { maxTenants, ageSeconds, unknownSeconds, timeoutSeconds }: TenantLimits,
): RememberedTenants<Tenant> {
  /** The one that was used last is the last. */
  const known = new Map<string, Entry<Tenant>>()
  const unknownUntil = new BoundedMap<string, number>(MOST_UNKNOWN)
  const lookups = createLookups<Tenant>({ lookUp, failed, now, timeoutSeconds, arrived })
  let newest: string | undefined

  function of(key: string): Tenant | Promise<Tenant> {
    const entry = known.get(key)
    if (entry === undefined) return obtain(key)
    const age = now() - entry.askedAt
    if (age >= ageSeconds * 1000) {
      if (age >= ageSeconds * 1000 * LONGEST_AGES) return obtain(key)
      lookups.refresh(key, entry.tenant)
    }
    if (newest !== key) {
      known.delete(key)
      keep(key, entry)
    }
    return entry.tenant
  }

  async function obtain(key: string): Promise<Tenant> {
    const until = unknownUntil.get(key)
    if (until !== undefined && until > now()) throw tenantUnknown()
    const tenant = await lookups.ask(key, known.get(key)?.tenant)
    if (tenant === 'outdated') return of(key)
    if (tenant === undefined) throw tenantUnknown()
    return tenant
  }

  /** Before anybody is given it. */
  function arrived(key: string, tenant: Tenant | undefined): void {
    drop(key, tenant)
    unknownUntil.delete(key)
    if (tenant === undefined) {
      unknownUntil.set(key, now() + unknownSeconds * 1000)
      return
    }
    keep(key, { tenant, askedAt: now() })
    makeRoom(key)
  }

  function keep(key: string, entry: Entry<Tenant>): void {
    known.set(key, entry)
    newest = key
  }

  /** @param successor may be the same */
  function drop(key: string, successor?: Tenant): void {
    const before = known.get(key)?.tenant
    known.delete(key)
    if (newest === key) newest = undefined
    if (before !== undefined && before !== successor) end(before)
  }

  /** There are more than `maxTenants` only while each of the oldest holds what would be lost with it. */
  function makeRoom(newcomer: string): void {
    let looks = 0
    for (const [key, { tenant }] of known) {
      if (known.size <= maxTenants || looks === MOST_LOOKED_AT) return
      looks += 1
      if (key !== newcomer && mayEnd(tenant)) drop(key)
    }
  }

  return {
    of,

    forget(key) {
      lookups.forget(key)
      unknownUntil.delete(key)
      drop(key)
    },

    *all() {
      for (const { tenant } of known.values()) yield tenant
    },

    counts: () => ({ known: known.size, unavailable: lookups.unavailable() }),
  }
}

export function tenantUnknown(): RefusedError {
  return new RefusedError('tenant_unknown', 404, 'Nobody is served under this address.')
}
