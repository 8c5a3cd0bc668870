// POST /logout, and GET where the person or our own page asks for it.
import type { Request, Response } from 'express'
import { RefusedError } from '../errors/errors.ts'
import { onlyMethods } from '../http/method-and-query.ts'
import { requirePageLoad } from '../http/navigation.ts'
import { escapeHTML, htmlPage } from '../http/page.ts'
import { redirect } from '../http/redirect.ts'
import { isCrossOrigin } from '../http/same-origin.ts'
import { tellCaches } from '../lib/caching.ts'
import { urlBelow } from '../options/app-paths.ts'
import type { Config } from '../options/config.ts'
import type { RequestContext } from '../session/request-context.ts'
import { addressFrom } from './leave-by-page.ts'
import { logOut } from './log-out.ts'

export async function logout(context: RequestContext): Promise<void> {
  const { config, req, res } = context
  onlyMethods(context, ['GET', 'POST'])
  requirePageLoad(req)
  if (isCrossOrigin(req, config.origins)) {
    throw new RefusedError('cross_site', 403, 'Another site cannot log you out.')
  }
  const onward = req.method === 'GET' ? addressFrom(req, config) : undefined
  if (onward !== undefined) redirect(res, 303, onward)
  else if (req.method === 'GET' && !isAskedByUs(req, config)) askFirst(res, config)
  else await logOut(context)
}

/** Browsers without Fetch Metadata say of a GET at most where the person came from. */
function isAskedByUs({ headers }: Request, { origins }: Config): boolean {
  // A service worker's request is of our own origin, wherever the page came from that it hands on.
  if (headers['sec-fetch-site'] !== undefined && headers['sec-fetch-dest'] !== 'empty') return true
  const { referer = '' } = headers
  return URL.canParse(referer) && origins.includes(new URL(referer).origin)
}

/** A form is posted by a person, and says where it comes from. */
function askFirst(res: Response, config: Config): void {
  const path = urlBelow(config.baseURL, config.routes.logout || '').pathname
  const form = `<form method="post" action="${escapeHTML(path)}"><button>Log out</button></form>`
  tellCaches(res, 'no-store')
  // Or the form would not say where it comes from.
  res.status(200).set('referrer-policy', 'same-origin').type('html').send(htmlPage('Log out?', form))
}
