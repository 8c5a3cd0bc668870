// Begins a log-in: remembers it in the browser, and sends the browser to the provider.
import type { Config } from './config.ts'
import { urlBelow } from './config.ts'
import type { LoginWishes } from './login-transaction.ts'
import { redirect } from './redirect.ts'
import type { RequestContext } from './request-context.ts'
import { comparablePath, safeReturnTo } from './return-to.ts'
import { applyCookies } from './session/session-cookie.ts'
import type { StepUp } from './step-up.ts'

export interface LogInRequest {
  /** Where the browser wants to be after it; anything that is not a page of ours becomes the default. */
  readonly returnTo: unknown
  readonly stepUp?: StepUp | undefined
  readonly silent?: true
  readonly loginHint?: string | undefined
}

export async function beginLogIn(
  { config, logins, provider, records, ...request }: RequestContext,
  { returnTo, stepUp, silent, loginHint }: LogInRequest,
): Promise<void> {
  request.session.requireKnown()
  // The store's clock; and where there is no store, a log-in could not be completed either.
  const now = await records.now()
  const wishes: LoginWishes = {
    ...(stepUp && { stepUp: { ...stepUp, sub: request.session.record?.claims.sub } }),
    ...(silent && { silent }),
  }
  const transaction = logins.create(ownPage(returnTo, config), now, wishes)
  const url = await provider.authorizationURL(transaction, now, loginHint)
  applyCookies(request.res, logins.remember(transaction, request.cookies))
  // RFC 9700 §4.12: what was posted is not posted on.
  redirect(request.res, request.req.method === 'POST' ? 303 : 302, url.href)
}

/** The page to return to, or the page below which the app lives. */
export function ownPage(wanted: unknown, config: Config): string {
  const { login, callback, logout } = config.routes
  const own = [login, callback, logout].flatMap((path) =>
    path === false ? [] : [comparablePath(urlBelow(config.baseURL, path).pathname)],
  )
  return safeReturnTo(wanted, config.baseURL, own, urlBelow(config.baseURL, '/').pathname)
}
