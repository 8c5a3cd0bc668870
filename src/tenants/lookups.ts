// Looks a tenant up with the app: once however many ask, within a deadline, so many at a time, and seldom where it fails.
import { TryLaterError } from '../errors/errors.ts'
import { BoundedMap } from '../lib/bounded-map.ts'
import { withDeadline } from '../lib/deadline.ts'
import { createLimiter, type Limiter } from '../provider/limiter.ts'

/** Undefined: there is no such tenant. `before` is what was known so far, and may be the answer. */
export type LookUp<Tenant> = (
  key: string,
  signal: AbortSignal,
  before: Tenant | undefined,
) => Promise<Tenant | undefined>

interface LookupParts<Tenant> {
  readonly lookUp: LookUp<Tenant>
  readonly timeoutSeconds: number
  failed(key: string, error: unknown): void
  /** What came of it, unless it was forgotten meanwhile. */
  arrived(key: string, tenant: Tenant | undefined): void
  now(): number
}

export interface Lookups<Tenant> {
  /** @returns 'outdated' where it was forgotten meanwhile @throws TryLaterError (`tenant_unavailable`) */
  ask(key: string, before?: Tenant): Promise<Tenant | undefined | 'outdated'>
  /** Beside the requests. A failure is told, and else nothing comes of it. */
  refresh(key: string, before: Tenant): void
  /** What is under way is outdated. */
  forget(key: string): void
  /** How many are left alone just now. */
  unavailable(): number
}

/** It did not answer within `timeoutSeconds`. */
export class LateError extends Error {}

interface Failing {
  readonly times: number
  readonly until: number
}

/** Nobody waits for a place: strangers can come by the thousand, each with a name of its own. */
const MOST_AT_ONCE = 50
const MOST_FAILING = 10_000
const FIRST_SECONDS = 1
const LONGEST_SECONDS = 30

export function createLookups<Tenant>({
  lookUp,
  timeoutSeconds,
  failed,
  arrived,
  now,
}: LookupParts<Tenant>): Lookups<Tenant> {
  const underWay = new Map<string, Promise<Tenant | undefined | 'outdated'>>()
  const failing = new BoundedMap<string, Failing>(MOST_FAILING)
  const places = createLimiter(MOST_AT_ONCE)
  // Of those that are known: what strangers ask for does not make them grow old.
  const placesOfKnown = createLimiter(MOST_AT_ONCE)

  function begin(key: string, before: Tenant | undefined, of: Limiter) {
    const running = underWay.get(key)
    if (running !== undefined) return running
    const seconds = ((failing.get(key)?.until ?? 0) - now()) / 1000
    if (seconds > 0) throw tenantUnavailable(seconds)
    const leave = of.tryEnter()
    if (leave === undefined) throw tenantUnavailable(1)
    const isCurrent = () => underWay.get(key) === looking
    const looking = look(key, before, isCurrent).finally(() => {
      leave()
      if (isCurrent()) underWay.delete(key)
    })
    underWay.set(key, looking)
    return looking
  }

  async function look(key: string, before: Tenant | undefined, isCurrent: () => boolean) {
    const stop = new AbortController()
    try {
      const tenant = await withDeadline(lookUp(key, stop.signal, before), timeoutSeconds, () => {
        throw new LateError()
      })
      if (!isCurrent()) return 'outdated'
      failing.delete(key)
      arrived(key, tenant)
      return tenant
    } catch (error) {
      stop.abort()
      if (!isCurrent()) return 'outdated'
      const times = (failing.get(key)?.times ?? 0) + 1
      const seconds = Math.min(FIRST_SECONDS * 2 ** (times - 1), LONGEST_SECONDS)
      failing.set(key, { times, until: now() + seconds * 1000 })
      failed(key, error)
      throw tenantUnavailable(seconds)
    }
  }

  return {
    async ask(key, before) {
      return begin(key, before, places)
    },

    refresh(key, before) {
      if (underWay.has(key) || (failing.get(key)?.until ?? 0) > now()) return
      try {
        begin(key, before, placesOfKnown).catch(() => undefined)
      } catch {
        // All places are taken: a later request tries again.
      }
    },

    forget(key) {
      underWay.delete(key)
      failing.delete(key)
    },

    unavailable: () => [...failing.values()].filter(({ until }) => until > now()).length,
  }
}

export function tenantUnavailable(retryAfterSeconds: number): TryLaterError {
  return new TryLaterError(
    'tenant_unavailable',
    'Who is served under this address cannot be looked up just now. Try again.',
    retryAfterSeconds,
  )
}
