// Paths of this app: its URLs below baseURL, and when two are the same to Express.

/** An URL of this app: `path` below baseURL, which may itself have a path. */
export function urlBelow(baseURL: URL, path: string): URL {
  return new URL(baseURL.pathname.replace(/\/$/, '') + path, baseURL)
}

/**
 * A path of this app as browsers have it: a proxy may have taken baseURL's path off before the app saw it.
 *
 * @param path what the app sees: `req.originalUrl`, or the beginning of it
 */
export function asBrowsersHaveIt(path: string, { pathname }: URL): string {
  const prefix = pathname.replace(/\/$/, '')
  const before = path.slice(0, prefix.length).toLowerCase()
  const isThere = before === prefix.toLowerCase() && /^(?:[/?]|$)/.test(path.slice(prefix.length))
  return isThere ? path : prefix + path
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
