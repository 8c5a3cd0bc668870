// Ends a session: here first, then at the provider.
import { applyCookies } from '../cookies/cookies.ts'
import { triedCookie } from '../cookies/silent-cookie.ts'
import { redirect } from '../http/redirect.ts'
import { ownPage } from '../http/return-to.ts'
import { withDeadline } from '../lib/deadline.ts'
import { urlBelow } from '../options/app-paths.ts'
import type { RequestContext } from '../session/request-context.ts'

/** How long a logout waits for the provider; what it did not hear by then, it does without. */
const PROVIDER_WAIT_SECONDS = 2

/** @throws TryLaterError where the store does not answer: then nothing was ended, and nothing is claimed to be */
export async function logOut(context: RequestContext, returnTo?: unknown): Promise<void> {
  const { config, provider, renewer, res, session, sessions } = context
  session.requireKnown()
  const id = session.binding.authId
  const record = id === undefined ? undefined : await sessions.end(id, 'logout')
  await session.binding.forget()
  if (config.attemptSilentLogin) applyCookies(res, [triedCookie(config)])

  const target =
    returnTo === undefined
      ? urlBelow(config.baseURL, config.routes.postLogoutRedirect).pathname
      : ownPage(returnTo, config)
  let url: URL | undefined
  if (id !== undefined && record !== undefined) {
    sessions.revokeRefreshToken(id, record, session.now)
    if (config.idpLogout) {
      const { idToken } = renewer.newest(id, record)
      // The provider being out of reach must not keep anybody logged in here.
      const found = provider.endSessionURL(idToken, target).catch(() => undefined)
      url = await withDeadline(found, PROVIDER_WAIT_SECONDS, () => undefined)
    }
  }
  redirect(res, 303, url?.href ?? target)
}
