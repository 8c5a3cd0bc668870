// `req.oidc.fetch()`: a request of a handler to an API, as the person who is logged in.
import { ConfigurationError } from '../errors/errors.ts'
import type { RequestContext } from '../session/request-context.ts'
import { readRefusal } from './refusal.ts'
import { secondToken } from './second-token.ts'

/**
 * `fetch()` with the person's access token, to one of the origins in `apis` only. A 401 is answered by one renewal and
 * one more try, where the body can be sent again; to a token that such a renewal brought within the last minute, it is handed
 * back. Redirects are handed back, not followed.
 *
 * @example const orders = await req.oidc.fetch('https://api.example.com/orders')
 * @throws LoginRequiredError (401), TryLaterError (503), RefusedError (403); ConfigurationError for another origin; what
 * `fetch()` throws
 */
export type ApiFetch = (url: string | URL, init?: RequestInit) => Promise<Response>

type ApiFetchContext = Pick<RequestContext, 'config' | 'session' | 'store'>

/** @internal */
export function createApiFetch(context: ApiFetchContext): ApiFetch {
  const { config, session } = context
  return async (given, init = {}) => {
    const url = new URL(given)
    const api = config.apis.find(({ origin }) => origin === url.origin)
    if (api === undefined) throw notListed(url.origin)
    const { origin: _, ...wanted } = api

    const token = await session.accessToken(wanted)
    const answer = await send(url, init, token)
    if (answer.status !== 401 || !canBeSentAgain(init.body) || !isOfToken(answer)) return answer
    const second = await secondToken(context, wanted, token)
    if (second === undefined) return answer
    await answer.body?.cancel()
    return send(url, init, second)
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

function isOfToken({ headers }: Response): boolean {
  return readRefusal(headers.get('www-authenticate') ?? undefined).isOfToken
}

function notListed(origin: string): ConfigurationError {
  return new ConfigurationError(
    'api_not_listed',
    `req.oidc.fetch(): ${origin} is not in auth()'s option apis, so it gets no access token. Add it there if it should.`,
  )
}
