// Tells a person who opens a page from everything else that sends requests.
import type { Request } from 'express'

/** A person's browser loads a page: the only kind of request that a redirect to another site helps. */
export function isNavigation(req: Request): boolean {
  if (req.method !== 'GET' && req.method !== 'POST') return false
  const mode = req.headers['sec-fetch-mode']
  if (mode !== undefined) return mode === 'navigate' && req.headers['sec-fetch-dest'] === 'document'
  return req.headers.accept?.includes('text/html') === true
}

/** The browser loads a page that nobody has asked for yet. */
export function isPrefetch(req: Request): boolean {
  return /prefetch|prerender/.test(`${req.headers['sec-purpose']} ${req.headers.purpose}`)
}
