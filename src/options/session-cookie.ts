// The session's cookie: its name, and where a browser sends it.
import { isIP } from 'node:net'
import type { CookieOptions } from 'express'
import { urlBelow } from './app-paths.ts'
import { flag, group, namesOf, oneOf, onlyKnown, optionError } from './read-option.ts'
import type { Routes } from './routes.ts'

export interface SessionCookieOptions {
  /** Which requests of other sites bring the cookie; `'strict'` loses it on the way back from the provider. @defaultValue `'lax'` */
  sameSite?: 'lax' | 'strict' | 'none' | undefined
  /**
   * A domain above this host, for example `'example.com'`: every host below it is sent the cookie, which is all that a
   * session needs, and can plant one. @defaultValue none: this host alone
   */
  domain?: string | undefined
  /** The path below which browsers send the cookie; all of this middleware's routes lie below it. @defaultValue `'/'` */
  path?: string | undefined
  /** The cookie goes when the browser is closed, where it does not bring its tabs back. @defaultValue `false` */
  transient?: boolean | undefined
}

export interface SessionCookieConfig {
  readonly name: string
  /** No `Max-Age`. */
  readonly transient: boolean
  readonly cookie: Readonly<CookieOptions>
}

const NAMES = namesOf<SessionCookieOptions>({ sameSite: true, domain: true, path: true, transient: true })

export function resolveSessionCookie(
  given: unknown,
  givenName: unknown,
  baseURL: URL,
  routes: Readonly<Routes>,
): SessionCookieConfig {
  const options = group(given, 'session.cookie')
  onlyKnown(options, NAMES, 'session.cookie.')
  const secure = baseURL.protocol === 'https:'
  const sameSite = oneOf(options.sameSite, 'session.cookie.sameSite', ['lax', 'strict', 'none'], 'lax')
  if (sameSite === 'none' && !secure) {
    throw optionError(
      'session.cookie.sameSite',
      "can be 'none' only on https: browsers drop such a cookie otherwise",
    )
  }
  const domain = resolveDomain(options.domain, baseURL)
  const path = resolvePath(options.path, baseURL, routes)
  return {
    name: resolveName(givenName, secure, domain === undefined && path === '/'),
    transient: flag(options.transient, 'session.cookie.transient', false),
    // RFC 10017 §6.1.3.2: Secure, HttpOnly, Path=/, no Domain, unless the app has another wish. Lax and not Strict, since
    // the provider, another site, sends the browser back here.
    cookie: Object.freeze({ path, httpOnly: true, secure, sameSite, ...(domain && { domain }) }),
  }
}

/** A prefix holds browsers to what it says (RFC 6265bis §4.1.3): `__Host-` wants Path=/ and no Domain, `__Secure-` neither. */
function resolveName(given: unknown, secure: boolean, isOfHost: boolean): string {
  const usual = isOfHost ? '__Host-Http-bff' : '__Secure-bff'
  const name = given ?? (secure ? usual : 'bff')
  if (typeof name !== 'string' || !/^[\w!#$%&'*+.^`|~-]+$/.test(name)) {
    throw optionError('session.name', 'must be a cookie name: letters, digits, - and _')
  }
  if (!secure && /^__(?:host|secure|http)-/i.test(name)) {
    throw optionError('session.name', 'has a prefix that browsers accept only on https; baseURL is http')
  }
  if (!isOfHost && /^__host-/i.test(name)) {
    throw optionError(
      'session.name',
      'has the prefix __Host-, and browsers accept that only without session.cookie.domain and with the path /; begin it with __Secure-, or leave it out',
    )
  }
  return name
}

function resolveDomain(given: unknown, { hostname }: URL): string | undefined {
  if (given === undefined) return undefined
  // RFC 6265 §5.2.3: a dot before it says nothing.
  const domain = typeof given === 'string' ? given.toLowerCase().replace(/^\./, '') : ''
  if (!domain.includes('.') || isIP(domain) !== 0 || !isBelow(hostname, domain)) {
    throw optionError(
      'session.cookie.domain',
      `must be the host of baseURL (${hostname}) or a domain above it, such as example.com, not ${JSON.stringify(given)}`,
    )
  }
  return domain
}

/** RFC 6265 §5.1.3. */
export function isBelow(hostname: string, domain: string): boolean {
  return hostname === domain || hostname.endsWith(`.${domain}`)
}

function resolvePath(given: unknown, baseURL: URL, routes: Readonly<Routes>): string {
  if (given === undefined) return '/'
  if (typeof given !== 'string' || !/^\/(?!\/)[\x21-\x3a\x3c-\x7e]*$/.test(given)) {
    throw optionError('session.cookie.path', "must be a path such as '/' or '/app'")
  }
  for (const name of ['login', 'callback', 'logout', 'user'] as const) {
    const path = routes[name] === false ? undefined : urlBelow(baseURL, routes[name]).pathname
    if (path !== undefined && !isPathBelow(path, given)) {
      throw optionError(
        'session.cookie.path',
        `is ${given}, and routes.${name} (${path}) is not below it: it would not be sent the cookie`,
      )
    }
  }
  return given
}

/** RFC 6265 §5.1.4. */
function isPathBelow(path: string, above: string): boolean {
  return path === above || path.startsWith(above.endsWith('/') ? above : `${above}/`)
}
