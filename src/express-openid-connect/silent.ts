// Who opens a page and is logged in at the provider already, is logged in here without being asked: once a browser.
import type { NextFunction, Request, Response } from 'express'
import type { Middleware } from '../index.ts'
import { isPage } from './guards.ts'
import { applyCookies, contextOf, triedCookie } from './inside.ts'
import { beginLogin } from './response.ts'
import { visitOf } from './visit.ts'

/**
 * For single pages what the option `attemptSilentLogin` is for all of them.
 *
 * @example app.get('/', attemptSilentLogin(), handler)
 */
export function attemptSilentLogin(): Middleware {
  const handler = async (req: Request, res: Response, next: NextFunction): Promise<void> => {
    try {
      if (!(await trySilently(req, res))) next()
    } catch (error) {
      next(error)
    }
  }
  return Object.defineProperty(handler as unknown as Middleware, 'name', { value: 'attemptSilentLogin' })
}

async function trySilently(req: Request, res: Response): Promise<boolean> {
  const { config, cookies, session } = contextOf(req)
  const tried = triedCookie(config)
  const isAsked = cookies.some(([name]) => name === tried.name)
  if (isAsked || !session.isAnonymous || req.method !== 'GET' || !isPage(req)) return false
  // It is told before it leaves, so that a provider that answers oddly cannot send it in circles.
  applyCookies(res, [tried])
  const visit = visitOf(res.oidc)
  try {
    if (visit === undefined) await res.oidc.login({ authorizationParams: { prompt: 'none' } })
    else await beginLogin(visit, { silent: true })
  } catch {
    // Nobody asked for a login, and nobody is told that there is none just now.
    return false
  }
  return true
}
