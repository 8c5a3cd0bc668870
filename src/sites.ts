// The sites of one `auth()`: which of them a request came to.
import type { Request } from 'express'
import { ConfigurationError } from './errors.ts'
import type { Realms } from './session/realms.ts'
import type { Services } from './session/services.ts'
import type { Site } from './site.ts'

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
export function oneSite(site: Site): Sites {
  return {
    of: () => site,
    realmsOf(tenant, asked) {
      if (tenant === undefined) return site.realms
      throw new ConfigurationError('invalid_option', `${asked} was given a tenant, and auth() has none`)
    },
  }
}
