// prompt=none: whoever opens a page and is logged in at the provider already, is logged in here without being asked.
import { applyCookies } from '../cookies/cookies.ts'
import { triedCookie } from '../cookies/silent-cookie.ts'
import { isAuthError } from '../errors/errors.ts'
import { isNavigation, isPrefetch } from '../http/navigation.ts'
import { reportRefused } from '../http/report-refused.ts'
import { asBrowsersHaveIt } from '../options/app-paths.ts'
import type { RequestContext } from '../session/request-context.ts'
import { beginLogin } from './begin.ts'

/** @returns true where the browser was sent to the provider */
export async function trySilently(context: RequestContext): Promise<boolean> {
  const { config, cookies, req, res, session } = context
  if (!session.isAnonymous || req.method !== 'GET' || !isNavigation(req) || isPrefetch(req)) return false
  const { name } = triedCookie(config)
  if (cookies.some(([cookie]) => cookie === name)) return false
  // Once a browser: it is told before it leaves, so that a provider that answers oddly cannot send it in circles.
  applyCookies(res, [triedCookie(config)])
  try {
    await beginLogin(context, { returnTo: asBrowsersHaveIt(req.originalUrl, config.baseURL), silent: true })
    return true
  } catch (error) {
    // Nobody asked for a login, so nobody is told that there is none just now.
    if (!isAuthError(error)) throw error
    reportRefused(context, error, 'a silent login could not begin')
    return false
  }
}
