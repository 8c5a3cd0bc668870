// The session's cookie: an id, signed; and how any cookie of ours is read and written.
import { sign, unsign } from 'cookie-signature'
import type { Request, Response } from 'express'
import type { Config } from '../config.ts'
import type { CookieChange, RequestCookies } from '../login-transaction.ts'
import { isSignedInId } from '../session-id.ts'

export interface SessionCookie {
  /** The id in the request's cookie, if its signature is ours; `outdated` where an older secret made it. */
  read(cookies: RequestCookies): { readonly id: string; readonly outdated: boolean } | undefined
  /** The cookie as express-session would read it. */
  write(id: string): CookieChange
  clear(): CookieChange
  readonly name: string
}

/** What express-session puts before a signed value. */
const SIGNED = 's:'

export function createSessionCookie(config: Config): SessionCookie {
  const { name, cookie, absoluteTimeoutSeconds } = config.session

  return {
    name,

    read(cookies) {
      for (const [candidate, value] of cookies) {
        // A cookie may come twice, one of them planted: the first whose signature holds is ours.
        const read =
          candidate === name && value.startsWith(SIGNED) ? verify(value.slice(SIGNED.length)) : undefined
        if (read !== undefined) return read
      }
      return undefined
    },

    write(id) {
      const value = SIGNED + sign(id, config.secrets[0] ?? '')
      // The session's own times are kept in the store; the browser may drop the cookie when no session can live on.
      const lasting = isSignedInId(id) ? { maxAge: absoluteTimeoutSeconds * 1000 } : {}
      return { name, value, options: { ...cookie, ...lasting } }
    },

    clear: () => ({ name, value: undefined, options: cookie }),
  }

  function verify(signed: string): { id: string; outdated: boolean } | undefined {
    for (const [age, secret] of config.secrets.entries()) {
      const id = unsign(signed, secret)
      if (id !== false) return { id, outdated: age > 0 }
    }
    return undefined
  }
}

/** Every cookie in the order of the header, the same name as often as it comes (RFC 6265 §5.4). */
export function requestCookies(req: Request): RequestCookies {
  return (req.headers.cookie ?? '').split(';').flatMap((pair) => {
    const at = pair.indexOf('=')
    return at < 1 ? [] : [[trimBlanks(pair.slice(0, at)), decode(trimBlanks(pair.slice(at + 1)))] as const]
  })
}

/** RFC 6265 §5.2 takes off blanks and tabs alone; `trim()` would make one name of two. */
function trimBlanks(text: string): string {
  const isBlank = (at: number) => text[at] === ' ' || text[at] === '\t'
  let [start, end] = [0, text.length]
  while (start < end && isBlank(start)) start += 1
  while (end > start && isBlank(end - 1)) end -= 1
  return text.slice(start, end)
}

export function applyCookies(res: Response, changes: readonly CookieChange[]): void {
  for (const { name, value, options } of changes) {
    if (value === undefined) res.clearCookie(name, options)
    else res.cookie(name, value, options)
  }
}

function decode(value: string): string {
  try {
    return decodeURIComponent(value)
  } catch {
    return value
  }
}
