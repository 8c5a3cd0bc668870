// What `auth()` serves where there are tenants: a site for each, made when its first request comes.
import { checkSetUp } from './check/check.ts'
import { createKnownHeaders } from './cookies/session-cookie.ts'
import { ConfigurationError, isAuthError } from './errors.ts'
import { type Finding, failed } from './findings.ts'
import { createHealthCheck } from './health/health.ts'
import { createBackgroundTasks } from './lib/background-tasks.ts'
import { createTenantLog } from './lib/tenant-log.ts'
import { logEvents } from './log-events.ts'
import type { Served } from './one-tenant.ts'
import type { Config, Tenants } from './options/config.ts'
import { createRealmServices, type RealmServices, type SharedServices } from './realm-services.ts'
import type { RenewalsUnderWay } from './renewal/renew.ts'
import { createSite, type Site } from './site.ts'
import { type SessionStores, storeOf } from './store/session-stores.ts'
import { createTenants } from './tenants/tenants.ts'

/** A tenth of what is remembered of all. */
const HEADERS_OF_TENANT = 200

interface TenantSite extends Site {
  readonly realm: RealmServices
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
    renewalsUnderWay,
    shared.events,
    tenants.counts,
  )

  logEvents(shared.events, log, logger)

  /** Nothing in it is another's but Redis, and what bounds all of them together. */
  function makeSite(tenant: string, answer: unknown): TenantSite {
    const config = given.configOf(tenant, answer, log.of(tenant))
    const events = shared.events.of({ tenant })
    const own = { ...shared, events, log, tasks: createBackgroundTasks() }
    const { idleTimeoutSeconds } = config.session
    const secrets = () => config.secrets
    const realm = createRealmServices(
      config,
      stores.of({ owners: [config], secrets, events, idleTimeoutSeconds }),
      own,
    )
    return {
      ...createSite([{ config, services: realm }], own, headers),
      realm,
      isBusy() {
        const { inFlight, waitingForStore } = realm.renewer.underWay()
        return inFlight + waitingForStore > 0
      },
      idle: realm.renewer.idle,
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
      const { realm, config: own } = await tenants.byKey(tenant)
      return await checkSetUp(own, realm.provider, stores, realm.store)
    } catch (error) {
      if (!isAuthError(error)) throw error
      const what = error.code === 'tenant_unknown' ? 'is unknown' : 'cannot be looked up: the log says why'
      return [failed('discovery', `was not asked, since the tenant ${tenant} ${what}`)]
    }
  }

  function renewalsUnderWay(): RenewalsUnderWay {
    const all = tenants.sites().map(({ realm }) => realm.renewer.underWay())
    return all.reduce(
      (sum, { inFlight, waitingForStore }) => ({
        inFlight: sum.inFlight + inFlight,
        waitingForStore: sum.waitingForStore + waitingForStore,
      }),
      { inFlight: 0, waitingForStore: 0 },
    )
  }

  return {
    sites: {
      of: tenants.of,
      async realmsOf(tenant, asked) {
        if (tenant !== undefined) return (await tenants.byKey(tenant)).realms
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
      for (const { realm } of tenants.sites()) realm.watch.close()
      await tenants.idle(seconds)
      log.close()
    },
  }
}
