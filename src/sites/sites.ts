// The sites of one `auth()`: which of them a request came to.
import type { Request } from 'express'
import type { KnownHeaders } from '../cookies/session-cookie.ts'
import { ConfigurationError } from '../errors/errors.ts'
import { hostOf } from '../http/host.ts'
import { mapAll } from '../lib/map-all.ts'
import { type AddressConfig, configAt } from '../options/config.ts'
import type { Realms } from '../session/realms.ts'
import type { Services } from '../session/services.ts'
import type { SharedServices } from './realm-services.ts'
import { createSite, type Site, type SiteRealm } from './site.ts'

export interface Sites {
  of(req: Request): Site | Promise<Site>
  /**
   * Those of a tenant, for whoever asks without a request.
   *
   * @param asked what does, for the error
   * @throws ConfigurationError where that is no tenant of this app's
   */
  realmsOf(tenant: string | undefined, asked: string): Realms<Services> | Promise<Realms<Services>>
}

/** The only one, whatever the request says of it. */
function oneSite(site: Site): Sites {
  return {
    of: () => site,
    realmsOf(tenant, asked) {
      if (tenant === undefined) return site.realms
      throw new ConfigurationError('invalid_option', `${asked} was given a tenant, and auth() has none`)
    },
  }
}

/**
 * One for each of the app's base URLs: they share the realms, and with them all sessions.
 *
 * @param headers what all of them remember of cookies
 */
export function createSites(
  realms: readonly [SiteRealm, ...SiteRealm[]],
  shared: Pick<SharedServices, 'events' | 'log' | 'ended'>,
  headers?: KnownHeaders,
): Sites {
  const [{ config }] = realms
  const first = createSite(realms, shared, headers)
  if (!config.isOneOfSeveral) return oneSite(first)
  const others = config.otherAddresses.map((_, at) =>
    createSite(
      mapAll(realms, (realm) => atAddress(realm, at)),
      shared,
      headers,
    ),
  )
  const { addressOf } = config
  const all = [first, ...others]
  if (addressOf !== undefined) {
    const byURL = new Map(all.map((site) => [site.config.baseURL.href, site]))
    return { ...oneSite(first), of: (req) => byURL.get(addressOf(req)?.href ?? '') ?? first }
  }
  const byHost = new Map(all.flatMap((site) => hostsOf(site.config.baseURL).map((host) => [host, site])))
  // Whatever else a client says goes to the first, whose address is said to everybody.
  return { ...oneSite(first), of: (req) => byHost.get(hostOf(req)?.toLowerCase() ?? '') ?? first }
}

function atAddress({ config, services }: SiteRealm, at: number): SiteRealm {
  return { config: configAt(config, config.otherAddresses[at] as AddressConfig), services }
}

/** RFC 9110 §4.2.3: the scheme's own port may be named. */
function hostsOf({ host, port, protocol }: URL): string[] {
  return port === '' ? [host, `${host}:${protocol === 'https:' ? 443 : 80}`] : [host]
}
