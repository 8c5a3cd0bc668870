// Redirects whose address stands in `Location` alone: Express repeats it in the body, and some carry an ID token hint.
import type { Response } from 'express'
import { tellCaches } from '../lib/caching.ts'
import { OWN_RESOURCE } from './own-resource.ts'

/** @param status 303 where the next request is to be a GET, whatever this one was (RFC 9700 §4.12) */
export function redirect(res: Response, status: 302 | 303, location: string): void {
  tellCaches(res, 'no-store')
  res.set(OWN_RESOURCE).location(location).status(status).end()
}
