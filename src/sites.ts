// The sites of one `auth()`: which of them a request came to.
import type { Request } from 'express'
import type { Site } from './site.ts'

export interface Sites {
  of(req: Request): Site | Promise<Site>
}

/** The only one, whatever the request says of it. */
export function oneSite(site: Site): Sites {
  return { of: () => site }
}
