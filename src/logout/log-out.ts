// Ends a session: here first, then at the provider.
import { applyCookies } from '../cookies/cookies.ts'
import { triedCookie } from '../cookies/silent-cookie.ts'
import { redirect } from '../http/redirect.ts'
import { pageToReturnTo } from '../http/return-to.ts'
import { withDeadline } from '../lib/deadline.ts'
import { urlBelow } from '../options/app-paths.ts'
import type { Config } from '../options/config.ts'
import { type LogoutParams, logoutParamsFault } from '../options/logout.ts'
import { argumentError, namesOf } from '../options/read-option.ts'
import type { AuthRecord } from '../record/auth-record.ts'
import { cancelLogins } from '../session/browser-claim.ts'
import type { RequestContext } from '../session/request-context.ts'
import type { Services } from '../session/services.ts'
import { leaveByPage, needsPage } from './leave-by-page.ts'

/** How long a logout waits for the provider; what it did not hear by then, it does without. */
const PROVIDER_WAIT_SECONDS = 2

export interface LogoutArguments {
  /** A path of this site, or a URL on an origin in the option `allowedReturnOrigins`; anything else becomes the default. */
  returnTo?: string | undefined
  /** For the provider's logout, over the option `logout.params`; `null` leaves one out. */
  params?: LogoutParams | undefined
}

export const LOGOUT_ARGUMENTS = namesOf<LogoutArguments>({ returnTo: true, params: true })

/**
 * @throws TryLaterError where the store does not answer: then nothing was ended, and nothing is claimed to be
 * @throws ConfigurationError for parameters that a logout makes itself
 * @internal
 */
export async function logOut(
  context: RequestContext,
  { returnTo, params = {} }: LogoutArguments = {},
): Promise<void> {
  const { config, cookies, logins, realms, req, res, session, sessions } = context
  checkParams(params, config)
  session.requireKnown()
  const heirs = await cancelLogins(context)
  const ended: [id: string, record: AuthRecord][] = []
  for (const id of new Set([session.binding.authId ?? [], heirs].flat())) {
    const record = await sessions.end(id)
    if (record === undefined) continue
    // What became of a login a moment ago may be of another provider.
    realms.of(record).events.emit('session-ended', { subject: record.claims.sub, reason: 'logout' })
    ended.push([id, record])
  }
  await session.binding.forget()
  applyCookies(res, logins.forgetAll(cookies))
  if (config.attemptSilentLogin) applyCookies(res, [triedCookie(config)])

  const { pathname: home } = urlBelow(config.baseURL, config.routes.postLogoutRedirect)
  const target = returnTo === undefined ? home : pageToReturnTo(returnTo, config)
  for (const [id, record] of ended) realms.of(record).sessions.revokeRefreshToken(id, record, session.now)
  const [last] = ended
  const url = last && (await endSessionURL(realms.of(last[1]), last, target, params))
  const onward = url?.href ?? target
  const link = url === undefined ? 'Go on' : 'Log out at the login provider too'
  if (needsPage(req, res, onward) && leaveByPage(res, onward, link, config)) return
  redirect(res, 303, onward)
}

/** The provider being out of reach must not keep anybody logged in here. */
async function endSessionURL(
  { config, provider, renewer }: Services,
  [id, record]: [string, AuthRecord],
  target: string,
  params: LogoutParams,
): Promise<URL | undefined> {
  if (!config.idpLogout) return undefined
  const returnTo = new URL(target, config.baseURL)
  const found = provider.endSessionURL(renewer.newest(id, record), returnTo, params).catch(() => undefined)
  return withDeadline(found, PROVIDER_WAIT_SECONDS, () => undefined)
}

function checkParams(params: unknown, { logout }: Config): void {
  if (typeof params !== 'object' || params === null || Array.isArray(params))
    throw argumentError('res.oidc.logout()', 'params', 'must be an object')
  const fault = logoutParamsFault({ ...params }, logout.returnToParam)
  if (fault !== undefined) throw argumentError('res.oidc.logout()', `params.${fault.name}`, fault.cure)
}
