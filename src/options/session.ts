// The option `session`: the cookie, and how long a session lives.
import type { CookieOptions } from 'express'
import { group, namesOf, oneOf, onlyKnown, optionError, seconds } from './read-option.ts'

export interface SessionOptions {
  /** The cookie's name. @defaultValue `'__Host-Http-bff'` on https, else `'bff'` */
  name?: string | undefined
  /** A session that is not used for so long ends. @defaultValue `86400`, one day */
  idleTimeoutSeconds?: number | undefined
  /** A session ends so long after its login, used or not. @defaultValue `604800`, seven days */
  absoluteTimeoutSeconds?: number | undefined
  cookie?: SessionCookieOptions | undefined
}

export interface SessionCookieOptions {
  /** Which requests of other sites bring the cookie; `'strict'` loses it on the way back from the provider. @defaultValue `'lax'` */
  sameSite?: 'lax' | 'strict' | 'none' | undefined
}

export interface SessionConfig {
  readonly name: string
  readonly idleTimeoutSeconds: number
  readonly absoluteTimeoutSeconds: number
  readonly cookie: Readonly<CookieOptions>
}

const NAMES = namesOf<SessionOptions>({
  name: true,
  idleTimeoutSeconds: true,
  absoluteTimeoutSeconds: true,
  cookie: true,
})
const COOKIE_NAMES = namesOf<SessionCookieOptions>({ sameSite: true })

export function resolveSession(given: unknown, baseURL: URL): SessionConfig {
  const session = group(given, 'session')
  onlyKnown(session, NAMES, 'session.')
  const cookie = group(session.cookie, 'session.cookie')
  onlyKnown(cookie, COOKIE_NAMES, 'session.cookie.')
  const secure = baseURL.protocol === 'https:'
  const sameSite = oneOf(cookie.sameSite, 'session.cookie.sameSite', ['lax', 'strict', 'none'], 'lax')
  if (sameSite === 'none' && !secure) {
    throw optionError(
      'session.cookie.sameSite',
      "can be 'none' only on https: browsers drop such a cookie otherwise",
    )
  }
  const name = session.name ?? (secure ? '__Host-Http-bff' : 'bff')
  if (typeof name !== 'string' || !/^[\w!#$%&'*+.^`|~-]+$/.test(name)) {
    throw optionError('session.name', 'must be a cookie name: letters, digits, - and _')
  }
  if (!secure && /^__(?:host|secure)-/i.test(name)) {
    throw optionError('session.name', 'has a prefix that browsers accept only on https; baseURL is http')
  }
  const idleTimeoutSeconds = seconds(session.idleTimeoutSeconds, 'session.idleTimeoutSeconds', {
    fallback: 86_400,
  })
  return Object.freeze({
    name,
    idleTimeoutSeconds,
    absoluteTimeoutSeconds: seconds(session.absoluteTimeoutSeconds, 'session.absoluteTimeoutSeconds', {
      fallback: 604_800,
    }),
    // RFC 10017 §6.1.3.2: Secure, HttpOnly, Path=/, no Domain. Lax and not Strict, since the provider, another
    // site, sends the browser back here.
    cookie: Object.freeze({ path: '/', httpOnly: true, secure, sameSite }),
  })
}
