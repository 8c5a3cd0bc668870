// Ends a session: here first, then at the provider.
import { applyCookies } from '../cookies/cookies.ts'
import { triedCookie } from '../cookies/silent-cookie.ts'
import { redirect } from '../http/redirect.ts'
import { ownPage } from '../http/return-to.ts'
import { withDeadline } from '../lib/deadline.ts'
import { urlBelow } from '../options/app-paths.ts'
import type { AuthRecord } from '../record/auth-record.ts'
import { cancelLogins } from '../session/browser-claim.ts'
import type { RequestContext } from '../session/request-context.ts'

/** How long a logout waits for the provider; what it did not hear by then, it does without. */
const PROVIDER_WAIT_SECONDS = 2

/** @throws TryLaterError where the store does not answer: then nothing was ended, and nothing is claimed to be */
export async function logOut(context: RequestContext, returnTo?: unknown): Promise<void> {
  const { config, cookies, logins, res, session, sessions } = context
  session.requireKnown()
  const heirs = await cancelLogins(context)
  const ended: [id: string, record: AuthRecord][] = []
  for (const id of new Set([session.binding.authId ?? [], heirs].flat())) {
    const record = await sessions.end(id, 'logout')
    if (record !== undefined) ended.push([id, record])
  }
  await session.binding.forget()
  applyCookies(
    res,
    logins.underWay(cookies).flatMap(({ state }) => logins.forget(state, cookies)),
  )
  if (config.attemptSilentLogin) applyCookies(res, [triedCookie(config)])

  const target =
    returnTo === undefined
      ? urlBelow(config.baseURL, config.routes.postLogoutRedirect).pathname
      : ownPage(returnTo, config)
  for (const [id, record] of ended) sessions.revokeRefreshToken(id, record, session.now)
  const [last] = ended
  const url = last && config.idpLogout ? await endSessionURL(context, last, target) : undefined
  redirect(res, 303, url?.href ?? target)
}

/** The provider being out of reach must not keep anybody logged in here. */
async function endSessionURL(
  { provider, renewer }: RequestContext,
  [id, record]: [string, AuthRecord],
  target: string,
): Promise<URL | undefined> {
  const found = provider.endSessionURL(renewer.newest(id, record).idToken, target).catch(() => undefined)
  return withDeadline(found, PROVIDER_WAIT_SECONDS, () => undefined)
}
