// `req.oidc.fetch()`: a request of a handler to an API, as the person who is logged in.
import { ConfigurationError } from '../errors.ts'
import type { Config } from '../options/config.ts'
import type { CurrentSession } from '../session/current-session.ts'

/**
 * `fetch()` with the person's access token, to one of the origins in `apis` only. A 401 is answered by one renewal and
 * one more try, where the body can be sent again. Redirects are handed back, not followed.
 *
 * @throws LoginRequiredError (401), TryLaterError (503), RefusedError (403); ConfigurationError for another origin; what
 * `fetch()` throws
 */
export type ApiFetch = (url: string | URL, init?: RequestInit) => Promise<Response>

export function createApiFetch({ apis }: Config, session: CurrentSession): ApiFetch {
  return async (given, init = {}) => {
    const url = new URL(given)
    const api = apis.find(({ origin }) => origin === url.origin)
    if (api === undefined) throw notListed(url.origin)
    const { origin: _, ...wanted } = api

    const token = await session.accessToken(wanted)
    const answer = await send(url, init, token)
    if (answer.status !== 401 || !canBeSentAgain(init.body) || wantsStepUp(answer)) return answer
    await answer.body?.cancel()
    return send(url, init, await session.accessToken(wanted, token))
  }
}

function send(url: URL, init: RequestInit, token: string): Promise<Response> {
  const headers = new Headers(init.headers)
  // RFC 6750 §2.1
  headers.set('authorization', `Bearer ${token}`)
  // Wherever a redirect leads, the token does not.
  return fetch(url, { ...init, headers, redirect: init.redirect === 'error' ? 'error' : 'manual' })
}

function canBeSentAgain(body: RequestInit['body']): boolean {
  return !(
    body instanceof ReadableStream ||
    (typeof body === 'object' && body !== null && Symbol.asyncIterator in body)
  )
}

/** RFC 9470 §3: the token is good, the person's authentication is not; another token says the same. */
function wantsStepUp({ headers }: Response): boolean {
  return headers.get('www-authenticate')?.includes('insufficient_user_authentication') === true
}

function notListed(origin: string): ConfigurationError {
  return new ConfigurationError(
    'api_not_listed',
    `req.oidc.fetch(): ${origin} is not in auth()'s option apis, so it gets no access token. Add it there if it should.`,
  )
}
