// Where the browser goes after a login or a logout: a page of this site, one on an origin that the options name, or the
// fallback (RFC 9700 §4.11: no open redirector).
import { comparablePath, urlBelow } from '../options/app-paths.ts'
import type { Config } from '../options/config.ts'

/** What is longer is not returned to. */
export const LONGEST_PATH = 2048
// A browser drops tabs and newlines, and reads a backslash as a slash: what has any of them is not taken.
const UNSAFE = /[\u0000-\u0020\u007f\\]/
const UNSAFE_ENCODED = /%(?:0[0-9a-f]|1[0-9a-f]|5c|7f)/i

/**
 * The path, query and fragment to return to; elsewhere the whole address.
 *
 * @param wanted what the browser asked for; only a string can be taken
 * @param site an URL of this site; what comes out has its origin, or one of `others`
 * @param own paths of this middleware: returning to them would log in or out again
 * @param fallback the path for everything that is not taken
 */
export function safeReturnTo(
  wanted: unknown,
  site: URL,
  own: readonly string[],
  fallback: string,
  others: readonly string[] = [],
): string {
  if (typeof wanted !== 'string' || wanted.length > LONGEST_PATH || UNSAFE.test(wanted)) return fallback
  // As it is written: what a browser would make of another spelling, it does not get.
  const named = [site.origin, ...others].find((origin) => beginsWith(wanted, origin))
  if (named === undefined && !wanted.startsWith('/')) return fallback

  const origin = named ?? site.origin
  const url = URL.canParse(wanted, site.href) ? new URL(wanted, site) : undefined
  if (url === undefined || url.origin !== origin || url.username !== '') return fallback
  // Dots go in normalisation: `/.//evil` comes out as `//evil`, which a browser reads as another host.
  if (/^\/(?:\/|%2f)/i.test(url.pathname) || UNSAFE_ENCODED.test(url.pathname)) return fallback
  const isOurs = origin === site.origin
  if (isOurs && own.includes(comparablePath(url.pathname))) return fallback
  const target = isOurs ? url.pathname + url.search + url.hash : url.href
  // Letters grow when they are escaped; what is kept in a cookie must not.
  return target.length > LONGEST_PATH ? fallback : target
}

function beginsWith(wanted: string, origin: string): boolean {
  return wanted.startsWith(origin) && /^(?:[/?#]|$)/.test(wanted.slice(origin.length))
}

/** The page to return to, or the page below which the app lives. */
export function pageToReturnTo(wanted: unknown, config: Config): string {
  const { login, logout, chooseProvider } = config.routes
  const own = [login, logout, chooseProvider, ...config.callbackPaths].flatMap((path) =>
    path === false ? [] : [comparablePath(urlBelow(config.baseURL, path).pathname)],
  )
  return safeReturnTo(
    wanted,
    config.baseURL,
    own,
    urlBelow(config.baseURL, '/').pathname,
    config.returnOrigins,
  )
}
