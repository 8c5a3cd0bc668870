// Where the browser goes after a login or a logout: a path on this site, or the fallback (RFC 9700 §4.11).
import { comparablePath, urlBelow } from '../options/app-paths.ts'
import type { Config } from '../options/config.ts'

/** What is longer is not returned to. */
export const LONGEST_PATH = 2048
// A browser drops tabs and newlines, and reads a backslash as a slash: what has any of them is not taken.
const UNSAFE = /[\u0000-\u0020\u007f\\]/
const UNSAFE_ENCODED = /%(?:0[0-9a-f]|1[0-9a-f]|5c|7f)/i

/**
 * The path, query and fragment to return to.
 *
 * @param wanted what the browser asked for; only a string can be taken
 * @param site an URL of this site; what comes out has its origin
 * @param own paths of this middleware: returning to them would log in or out again
 * @param fallback the path for everything that is not taken
 */
export function safeReturnTo(wanted: unknown, site: URL, own: readonly string[], fallback: string): string {
  if (typeof wanted !== 'string' || wanted.length > LONGEST_PATH || UNSAFE.test(wanted)) return fallback
  const absolute = wanted === site.origin || wanted.startsWith(`${site.origin}/`)
  if (!absolute && !wanted.startsWith('/')) return fallback

  const url = URL.canParse(wanted, site.href) ? new URL(wanted, site) : undefined
  if (url === undefined || url.origin !== site.origin || url.username !== '') return fallback
  // Dots go in normalisation: `/.//evil` comes out as `//evil`, which a browser reads as another host.
  if (/^\/(?:\/|%2f)/i.test(url.pathname) || UNSAFE_ENCODED.test(url.pathname)) return fallback
  if (own.includes(comparablePath(url.pathname))) return fallback
  const path = url.pathname + url.search + url.hash
  // Letters grow when they are escaped; what is kept in a cookie must not.
  return path.length > LONGEST_PATH ? fallback : path
}

/** The page to return to, or the page below which the app lives. */
export function ownPage(wanted: unknown, config: Config): string {
  const { login, callback, logout } = config.routes
  const own = [login, callback, logout].flatMap((path) =>
    path === false ? [] : [comparablePath(urlBelow(config.baseURL, path).pathname)],
  )
  return safeReturnTo(wanted, config.baseURL, own, urlBelow(config.baseURL, '/').pathname)
}
