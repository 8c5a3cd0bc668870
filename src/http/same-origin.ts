// Tells requests that another site's page sent from our own and from callers that are no browser.
import type { Request } from 'express'
import { RefusedError } from '../errors/errors.ts'

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE'])

/** RFC 9110 §9.2.1. A WebSocket begins with a GET, and then no other request is checked (RFC 6455 §10.2). */
export function isSafe(req: Request): boolean {
  return SAFE.has(req.method) && req.headers.upgrade === undefined
}

/**
 * True when a browser says that a page of another origin sent this request (RFC 10017 §6.1.3.3). A sibling below the
 * same registrable domain is another origin too: it gets our SameSite cookies, and need not be ours.
 *
 * @param origins those whose pages may; our own among them
 */
export function isCrossOrigin(req: Request, origins: readonly string[]): boolean {
  const { origin } = req.headers
  if (origin !== undefined && origins.includes(origin)) return false
  const site = req.headers['sec-fetch-site']
  // 'none' is the person: a bookmark or the address bar.
  if (site !== undefined) return site !== 'same-origin' && site !== 'none'
  return origin !== undefined
}

export function crossSiteRefused(): RefusedError {
  return new RefusedError('cross_site', 403, 'A page of another site may not send this request.')
}
