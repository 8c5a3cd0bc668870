// The option `session`: the cookie, and how long a session lives.
import type { Config } from './config.ts'
import { group, oneOf, onlyKnown, optionError, seconds } from './read-option.ts'

export function resolveSession(given: unknown, baseURL: URL): Config['session'] {
  const session = group(given, 'session')
  onlyKnown(session, ['name', 'idleTimeoutSeconds', 'absoluteTimeoutSeconds', 'cookie'], 'session.')
  const cookie = group(session.cookie, 'session.cookie')
  onlyKnown(cookie, ['sameSite'], 'session.cookie.')
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
