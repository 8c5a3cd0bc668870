// Tells a person who opens a page from everything else that sends requests.
import type { Request } from 'express'
import { RefusedError } from '../errors/errors.ts'

/** A person's browser loads a page: the only kind of request that a redirect to another site helps. */
export function isNavigation(req: Request): boolean {
  if ((req.method !== 'GET' && req.method !== 'POST') || isPrefetch(req)) return false
  const mode = req.headers['sec-fetch-mode']
  if (mode !== undefined) return mode === 'navigate' && isPage(req.headers['sec-fetch-dest'])
  return req.headers.accept?.includes('text/html') === true
}

/** The browser loads a page that nobody has asked for yet. */
export function isPrefetch(req: Request): boolean {
  return PURPOSES.some((name) => /prefetch|prerender|preview/.test(String(req.headers[name])))
}

/** The standard's, and how Chromium, Safari and Firefox said it before. */
const PURPOSES = ['sec-purpose', 'purpose', 'x-purpose', 'x-moz']

/**
 * What logs people in and out is for pages that they open: neither a prefetch nor an image, a script or a frame, of whatever
 * page, begins, completes or ends anything. What is posted was posted by somebody.
 *
 * @throws RefusedError (403)
 */
export function requirePageLoad(req: Request): void {
  const { 'sec-fetch-dest': dest = 'document', 'sec-fetch-mode': mode } = req.headers
  const isPageLoad = dest === 'document' || (mode === 'navigate' && isPage(dest))
  if (req.method !== 'GET' || (!isPrefetch(req) && isPageLoad)) return
  throw new RefusedError('not_a_page_load', 403, 'This address does something only when a person opens it.')
}

/** `empty` in that mode is a service worker that hands a navigation on: no script can ask so. */
const isPage = (dest: unknown) => dest === 'document' || dest === 'empty'
