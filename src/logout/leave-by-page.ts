// A logout that was posted, below a policy with `form-action`: Chromium holds it against every redirect that follows the form,
// so a page leads on, by an address of ours. What stands in that address only this deployment can read: it may hold an ID token.
import type { Request, Response } from 'express'
import { queryOf } from '../http/method-and-query.ts'
import { escapeHTML, htmlPage } from '../http/page.ts'
import { tellCaches } from '../lib/caching.ts'
import { createSealer, type Sealer } from '../lib/seal.ts'
import { urlBelow } from '../options/app-paths.ts'
import type { Config } from '../options/config.ts'

const PARAM = 'to'
const PLACE = 'address'

const sealers = new WeakMap<Config, Sealer>()

/** Content Security Policy 3 §6.4.1: nothing stands in for `form-action`; a policy without it lets everything through. */
export function needsPage(req: Request, res: Response, address: string): boolean {
  // A path of ours is what every such policy lets through.
  if (address.startsWith('/')) return false
  const policy = String(res.getHeader('content-security-policy') ?? '')
  return req.method === 'POST' && /(?:^|[;,])\s*form-action\s/i.test(policy)
}

/** @returns false where there is no route for the way on */
export function leaveByPage(res: Response, address: string, link: string, config: Config): boolean {
  const { baseURL, routes } = config
  if (routes.logout === false) return false
  const sealed = sealerOf(config).seal(address, PLACE)
  const onward = escapeHTML(`${urlBelow(baseURL, routes.logout).pathname}?${PARAM}=${sealed}`)
  const body = `<meta http-equiv="refresh" content="0;url=${onward}"><p><a href="${onward}">${link}</a></p>`
  tellCaches(res, 'no-store')
  // The way on says where it comes from, and nobody else hears of its address.
  res
    .status(200)
    .set('referrer-policy', 'same-origin')
    .type('html')
    .send(htmlPage('You are logged out', body))
  return true
}

/** @returns where such a page leads; undefined for what was not made here */
export function addressFrom(req: Request, config: Config): string | undefined {
  const sealed = queryOf(req).get(PARAM)
  return sealed === null ? undefined : sealerOf(config).open(sealed, PLACE)
}

function sealerOf(config: Config): Sealer {
  const sealer = sealers.get(config) ?? createSealer(() => config.secrets, 'logout')
  sealers.set(config, sealer)
  return sealer
}
