// Where the browser goes after a log-in or a log-out: a path on this site, or the fallback (RFC 9700 §4.11).

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

/** Express matches paths in any case and with a trailing slash. */
export function comparablePath(path: string): string {
  let decoded = path
  try {
    decoded = decodeURIComponent(path)
  } catch {
    // A broken escape is compared as it stands.
  }
  let end = decoded.length
  // Not by a regular expression: on thousands of slashes that takes a time that grows with their square.
  while (end > 1 && decoded[end - 1] === '/') end -= 1
  return decoded.slice(0, end).toLowerCase()
}
