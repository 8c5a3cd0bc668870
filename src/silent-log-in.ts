// prompt=none: whoever opens a page and is logged in at the provider already, is logged in here without being asked.
import type { Config } from './config.ts'
import { isAuthError } from './errors.ts'
import { beginLogIn } from './log-in.ts'
import type { CookieChange } from './login-transaction.ts'
import { isNavigation, isPrefetch } from './navigation.ts'
import type { RequestContext } from './request-context.ts'
import { applyCookies } from './session/session-cookie.ts'
import { tellRefused } from './tell-refused.ts'

/** @returns true where the browser was sent to the provider */
export async function trySilently(context: RequestContext): Promise<boolean> {
  const { config, cookies, req, res, session } = context
  if (!session.isAnonymous || req.method !== 'GET' || !isNavigation(req) || isPrefetch(req)) return false
  const { name } = triedCookie(config)
  if (cookies.some(([cookie]) => cookie === name)) return false
  // Once a browser: it is told before it leaves, so that a provider that answers oddly cannot send it in circles.
  applyCookies(res, [triedCookie(config)])
  try {
    await beginLogIn(context, { returnTo: req.originalUrl, silent: true })
    return true
  } catch (error) {
    // Nobody asked for a log-in, so nobody is told that there is none just now.
    if (!isAuthError(error)) throw error
    tellRefused(context, error, 'a silent log-in could not begin')
    return false
  }
}

/** Lives until the browser is closed, and through a log-out: whoever leaves is not brought back. */
export function triedCookie({ session: { name, cookie } }: Config): CookieChange {
  // Lax, or it would not come with a link from another site, and the browser be sent on again and again.
  return { name: `${name}-silent`, value: '1', options: { ...cookie, sameSite: 'lax' } }
}
