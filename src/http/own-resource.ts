// What is one person's is for the pages of our own origin: no tag of another site's page loads it.
import type { Request } from 'express'
import { crossSiteRefused, isCrossOrigin } from './same-origin.ts'

/** For browsers that send no Fetch Metadata: they ask, and show the answer to nobody else's page. */
export const OWN_RESOURCE = { 'cross-origin-resource-policy': 'same-origin' } as const

/** Tags, though a browser calls them navigations. */
const EMBEDDED = new Set(['object', 'embed'])

/**
 * Another site may link here, and frame what it cannot read; it gets no script, no image, no style sheet.
 *
 * @param origins those whose pages may ask for it: our own among them
 * @throws RefusedError (403)
 */
export function requireOwnResource(req: Request, { origins }: { readonly origins: readonly string[] }): void {
  const { 'sec-fetch-mode': mode, 'sec-fetch-dest': dest } = req.headers
  if (mode === 'navigate' && !EMBEDDED.has(`${dest}`)) return
  if (isCrossOrigin(req, origins)) throw crossSiteRefused()
}
