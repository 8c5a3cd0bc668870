// What `auth()` serves where there are tenants: a site for each, made when its first request comes.
import type { Request } from 'express'
import { checkSetUp } from '../check/check.ts'
import { createKnownHeaders } from '../cookies/session-cookie.ts'
import { ConfigurationError, isAuthError } from '../errors/errors.ts'
import { type Finding, failed } from '../findings.ts'
import { createHealthCheck } from '../health/health.ts'
import { createBackgroundTasks } from '../lib/background-tasks.ts'
import { mapAll } from '../lib/map-all.ts'
import { createTenantLog } from '../lib/tenant-log.ts'
import type { Config, Tenants } from '../options/config.ts'
import { type SessionStores, storeOf } from '../store/session-stores.ts'
import { createTenants } from '../tenants/tenants.ts'
import { logEvents } from './log-events.ts'
import type { Served } from './one-tenant.ts'
import { createRealmServices, type RealmServices, type SharedServices } from './realm-services.ts'
import { checkAll, realmsIdle, underWayIn } from './realms-together.ts'
import type { Site, SiteRealm } from './site.ts'
import { createSites, type Sites } from './sites.ts'

/** A tenth of what is remembered of all. */
const HEADERS_OF_TENANT = 200

interface TenantSite {
  /** One, or one for each of its base URLs. */
  readonly sites: Sites
  readonly siteRealms: readonly [SiteRealm, ...SiteRealm[]]
  readonly realms: readonly RealmServices[]
  isBusy(): boolean
  idle(seconds: number): Promise<void>
}

export function serveTenants(
  config: Config,
  given: Tenants,
  stores: SessionStores,
  shared: SharedServices,
): Served {
  const { logger } = config
  const log = createTenantLog(logger)
  const headers = createKnownHeaders(HEADERS_OF_TENANT)
  const tenants = createTenants(given, makeSite, shared.log)
  const { health, close: endHealth } = createHealthCheck(
    stores,
    undefined,
    () => underWayIn(tenants.sites().flatMap(({ realms }) => realms)),
    shared.events,
    tenants.counts,
  )

  logEvents(shared.events, log, logger)

  /** Nothing in it is another's but Redis, and what bounds all of them together. */
  function makeSite(tenant: string, answer: unknown): TenantSite {
    const configs = given.configsOf(tenant, answer, log.of(tenant))
    const [config] = configs
    const events = shared.events.of({ tenant })
    const own = { ...shared, events, log, tasks: createBackgroundTasks() }
    const { idleTimeoutSeconds } = config.session
    const secrets = () => config.secrets
    const sessions = stores.of({ owners: configs, secrets, events, idleTimeoutSeconds })
    const siteRealms = mapAll(configs, (one) => ({
      config: one,
      services: createRealmServices(one, sessions, own),
    }))
    const realms = siteRealms.map(({ services }) => services)
    return {
      sites: createSites(siteRealms, own, headers),
      siteRealms,
      realms,
      isBusy() {
        const { inFlight, waitingForStore } = underWayIn(realms)
        return inFlight + waitingForStore > 0 || realms.some(({ watch }) => watch.size() > 0)
      },
      idle: (seconds) => realmsIdle(realms, seconds),
    }
  }

  /** Of all tenants the store alone; of one its provider too. */
  async function check({ tenant }: { readonly tenant?: string | undefined } = {}): Promise<Finding[]> {
    if (tenant === undefined) {
      const { events } = shared
      const ofNobody = stores.of({ owners: [config], secrets: () => config.secrets, events })
      return checkSetUp(config, undefined, stores, storeOf(ofNobody, config))
    }
    try {
      const { siteRealms } = await tenants.byKey(tenant)
      const [{ config: own, services }] = siteRealms
      return await checkSetUp(own, checkAll(siteRealms), stores, services.store)
    } catch (error) {
      if (!isAuthError(error)) throw error
      const what = error.code === 'tenant_unknown' ? 'is unknown' : 'cannot be looked up: the log says why'
      return [failed('discovery', `was not asked, since the tenant ${tenant} ${what}`)]
    }
  }

  function siteOf(req: Request): Site | Promise<Site> {
    const found = tenants.of(req)
    return found instanceof Promise ? found.then(({ sites }) => sites.of(req)) : found.sites.of(req)
  }

  return {
    sites: {
      of: siteOf,
      async realmsOf(tenant, asked) {
        if (tenant !== undefined) return (await tenants.byKey(tenant)).sites.realmsOf(undefined, asked)
        throw new ConfigurationError(
          'invalid_option',
          `${asked} needs a tenant, since the same sub at two of them is two people: { sub, tenant }`,
        )
      },
    },
    ready: stores.usable,
    health,
    check,
    forgetTenant: tenants.forget,

    async end(seconds) {
      endHealth()
      for (const { realms } of tenants.sites()) for (const { watch } of realms) watch.close()
      await tenants.idle(seconds)
      log.close()
    },
  }
}
