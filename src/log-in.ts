// Begins a log-in: remembers it in the browser, and sends the browser to the provider.
import type { Config } from './config.ts'
import { urlBelow } from './config.ts'
import { redirect } from './redirect.ts'
import type { RequestContext } from './request-context.ts'
import { comparablePath, safeReturnTo } from './return-to.ts'
import { applyCookies } from './session/session-cookie.ts'

/** @param returnTo where the browser wants to be after it; anything that is not a page of ours becomes the default */
export async function beginLogIn(
  { config, logins, provider, records, ...request }: RequestContext,
  returnTo: unknown,
): Promise<void> {
  request.session.requireKnown()
  // The store's clock; and where there is no store, a log-in could not be completed either.
  const now = await records.now()
  const transaction = logins.create(ownPage(returnTo, config), now)
  const url = await provider.authorizationURL(transaction, now)
  applyCookies(request.res, logins.remember(transaction, request.cookies))
  redirect(request.res, 302, url.href)
}

/** The page to return to, or the page below which the app lives. */
export function ownPage(wanted: unknown, config: Config): string {
  const { login, callback, logout } = config.routes
  const own = [login, callback, logout].flatMap((path) =>
    path === false ? [] : [comparablePath(urlBelow(config.baseURL, path).pathname)],
  )
  return safeReturnTo(wanted, config.baseURL, own, urlBelow(config.baseURL, '/').pathname)
}
