// The tenants of one `auth()`: whose a request is, and what this process has made for each.
import type { Request } from 'express'
import { ConfigurationError } from '../errors/errors.ts'
import type { LimitedLog } from '../lib/limited-log.ts'
import { faultOf } from '../options/mistakes.ts'
import { isTenantKey, KEY_IS, type TenantConfig } from '../options/tenant.ts'
import { isSameAnswer, keptAnswer } from './answers.ts'
import { LateError, tenantUnavailable } from './lookups.ts'
import { createRememberedTenants, type TenantCounts, tenantUnknown } from './remembered.ts'

export interface Tenants<Site> {
  /** At once where it is known. @throws RefusedError (`tenant_unknown`), TryLaterError (`tenant_unavailable`) */
  of(req: Request): Site | Promise<Site>
  /** The same without a request. */
  byKey(key: string): Promise<Site>
  /** This process has the tenant looked up anew. */
  forget(key: string): void
  /** Those that are known, and those that were given up and still have something under way. */
  sites(): Site[]
  counts(): TenantCounts
  /** What those do that are known, and those that were given up, is done or given up within `seconds`. */
  idle(seconds: number): Promise<void>
}

/** What is made for one tenant. */
interface TenantSite {
  /** Something would be lost with it, such as tokens that are on their way to the store. */
  isBusy(): boolean
  idle(seconds: number): Promise<void>
}

interface Tenant<Site> {
  readonly site: Site
  readonly answer: unknown
}

/** So long tokens may wait to be stored. */
const LONGEST_IDLE_SECONDS = 960

export function createTenants<Site extends TenantSite>(
  config: TenantConfig,
  /** @throws ConfigurationError for an answer that cannot be used */
  makeSite: (key: string, answer: unknown) => Site,
  log: LimitedLog,
  now: () => number = () => performance.now(),
): Tenants<Site> {
  const leaving = new Set<Site>()
  const remembered = createRememberedTenants<Tenant<Site>>(
    {
      async lookUp(key, signal, before) {
        const answer: unknown = await config.resolve(key, { signal })
        // What databases say for none.
        if (answer === undefined || answer === null) return undefined
        if (before !== undefined && isSameAnswer(before.answer, answer)) return before
        return { site: makeSite(key, answer), answer: keptAnswer(answer) }
      },
      mayEnd: ({ site }) => !site.isBusy(),
      end({ site }) {
        for (const before of leaving) leaveIfIdle(before)
        leaving.add(site)
        void site.idle(LONGEST_IDLE_SECONDS).finally(() => leaveIfIdle(site))
      },
      failed,
      now,
    },
    config,
  )

  function siteOf(key: string): Site | Promise<Site> {
    const tenant = remembered.of(key)
    return 'then' in tenant ? tenant.then(({ site }) => site) : tenant.site
  }

  function sites(): Site[] {
    return [...new Set([...[...remembered.all()].map(({ site }) => site), ...leaving])]
  }

  /** What lasts, as a WebSocket does, begins something anew for as long as it is open. */
  function leaveIfIdle(site: Site): void {
    if (!site.isBusy()) leaving.delete(site)
  }

  function keyOf(req: Request): string {
    let key: unknown
    try {
      key = config.key(req)
    } catch {
      // What it threw may hold anything.
      say('tenant.key() threw an error, so the request was answered with 503')
      throw tenantUnavailable(1)
    }
    // A host name that somebody made up is nobody's.
    if (key === undefined || (typeof key === 'string' && !isTenantKey(key))) throw tenantUnknown()
    if (typeof key === 'string') return key
    say(
      `tenant.key() gave no text, so the request was answered with 503: it must give ${KEY_IS}, at once, or undefined`,
    )
    throw tenantUnavailable(1)
  }

  function failed(key: string, error: unknown): void {
    const name = JSON.stringify(key)
    if (error instanceof ConfigurationError) {
      say(
        'what tenant.resolve() answered cannot be used',
        `for ${name}: ${faultOf(error).replaceAll('\n', ' ')}`,
        key,
      )
    } else if (error instanceof LateError) {
      say(
        `tenant.resolve() took longer than tenant.timeoutSeconds (${config.timeoutSeconds})`,
        `for ${name}`,
        key,
      )
    } else say('tenant.resolve() threw an error', `for ${name}: let it tell your log what it was`, key)
  }

  /** @param about what differs from line to line */
  function say(what: string, about?: string, tenant?: string): void {
    const kind = `express-bff-session: ${what}`
    const fields = { event: 'tenant', ...(tenant !== undefined && { tenant }) }
    log.say(kind, about === undefined ? kind : `${kind}, ${about}`, { level: 'error', fields })
  }

  return {
    of: (req) => siteOf(keyOf(req)),
    async byKey(key) {
      if (!isTenantKey(key)) throw tenantUnknown()
      return siteOf(key)
    },
    forget: remembered.forget,
    counts: remembered.counts,

    sites,

    async idle(seconds) {
      await Promise.all(sites().map((site) => site.idle(seconds)))
    },
  }
}
