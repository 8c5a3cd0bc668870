// What `auth()` serves where there are no tenants: one site, whose realms everybody logs in at.
import { checkSetUp } from '../check/check.ts'
import type { Finding } from '../findings.ts'
import { createProvidersHealth } from '../health/by-provider.ts'
import { createHealthCheck, type Health } from '../health/health.ts'
import { OF_SETUP } from '../lib/log.ts'
import { mapAll } from '../lib/map-all.ts'
import type { Config } from '../options/config.ts'
import { addressesToRegister } from '../options/registered-addresses.ts'
import type { SessionStores } from '../store/session-stores.ts'
import { logEvents } from './log-events.ts'
import { bothReady } from './ready.ts'
import { createRealmServices, type SharedServices } from './realm-services.ts'
import { allUsable, checkAll, endRealms, underWayIn } from './realms-together.ts'
import { createSites, type Sites } from './sites.ts'

/** Everybody whom an `auth()` serves, and what it is asked about them. */
export interface Served {
  readonly sites: Sites
  ready(): Promise<void>
  health(): Promise<Health>
  check(of?: { readonly tenant?: string | undefined }): Promise<Finding[]>
  /** Waits for renewals, and gives up what is left after so long. */
  end(seconds: number): Promise<void>
  /** Undefined where there are no tenants. */
  readonly forgetTenant?: (key: string) => void
}

export function serveOne(
  configs: readonly [Config, ...Config[]],
  stores: SessionStores,
  shared: SharedServices,
): Served {
  const { events, log } = shared
  const [config, ...others] = configs
  const sessionsOfSite = stores.of({ owners: configs, secrets: () => config.secrets, events })
  const siteRealms = mapAll(configs, (one) => ({
    config: one,
    services: createRealmServices(one, sessionsOfSite, shared),
  }))
  const [{ services: first }] = siteRealms
  const realms = siteRealms.map(({ services }) => services)
  let isEnding = false
  const byProvider = others.length === 0 ? undefined : createProvidersHealth(realms, events)
  // Of several, each is asked by itself.
  const asked = byProvider === undefined ? first.provider : undefined
  const { health, close: endHealth } = createHealthCheck(stores, asked, () => underWayIn(realms), events)
  logEvents(events, log, config.logger)
  for (const one of configs)
    if (one.development) one.logger.info(`express-bff-session: ${addressesToRegister(one)}`, OF_SETUP)

  return {
    sites: createSites(siteRealms, shared),
    ready: () => bothReady(allUsable(realms), stores.usable()),
    async health() {
      const [known, providers] = await Promise.all([health(), byProvider?.(!isEnding)])
      return { ...known, ...providers }
    },
    check: () => checkSetUp(config, checkAll(siteRealms), stores, first.store),

    async end(seconds) {
      isEnding = true
      endHealth()
      await endRealms(realms, seconds)
    },
  }
}
