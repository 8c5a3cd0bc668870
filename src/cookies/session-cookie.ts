// The session's cookie: an id, signed.
import { sign, unsign } from 'cookie-signature'
import type { Request } from 'express'
import { createChangeCheck } from '../lib/change-check.ts'
import { createOnceLog } from '../lib/once-log.ts'
import { createPartedMap, type PartedMap } from '../lib/parted-map.ts'
import type { Config } from '../options/config.ts'
import { isLoggedInId } from '../record/session-id.ts'
import { type CookieChange, parseCookies, type RequestCookies } from './cookies.ts'

export interface ReadCookies {
  readonly all: RequestCookies
  /** The id in the session's cookie, if its signature is ours; `outdated` where an older secret made it. */
  readonly session: { readonly id: string; readonly outdated: boolean } | undefined
}

export interface SessionCookie {
  read(req: Request): ReadCookies
  /** The cookie as express-session would read it. */
  write(id: string): CookieChange
  clear(): CookieChange
  readonly name: string
}

/** What express-session puts before a signed value. */
const SIGNED = 's:'

/** Headers that were read, of up to so many characters. */
const MOST_HEADERS = 2000
const LONGEST_HEADER = 2000

/** A browser sends the same header again and again. @param most so many of one site */
export function createKnownHeaders(most = MOST_HEADERS): KnownHeaders {
  return createPartedMap(MOST_HEADERS, most)
}

export type KnownHeaders = PartedMap<ReadCookies>

export function createSessionCookie(config: Config, headers = createKnownHeaders()): SessionCookie {
  const { name, cookie, transient, absoluteTimeoutSeconds } = config.session
  const known = headers.part()
  // What an older secret signed is outdated now, or nobody's.
  const forgetOfOthers = createChangeCheck(() => config.secrets, known.clear)
  const sayOnce = createOnceLog(config.logger.warn)

  return {
    name,

    read({ headers: { cookie: header = '' } }) {
      forgetOfOthers()
      const before = known.get(header)
      if (before !== undefined) return before
      const all = parseCookies(header)
      const read = { all, session: sessionIn(all) }
      // Nobody without a session of ours can push out what is known of others.
      if (read.session !== undefined && header.length <= LONGEST_HEADER) known.set(header, read)
      return read
    },

    write(id) {
      const value = SIGNED + sign(id, config.secrets[0] ?? '')
      // The session's own times are kept in the store; the browser may drop the cookie when no session can live on.
      const lasting = isLoggedInId(id) && !transient ? { maxAge: absoluteTimeoutSeconds * 1000 } : {}
      return { name, value, options: { ...cookie, ...lasting } }
    },

    clear: () => ({ name, value: undefined, options: cookie }),
  }

  function sessionIn(cookies: RequestCookies): ReadCookies['session'] {
    let isOfAnother = false
    for (const [candidate, value] of cookies) {
      if (candidate !== name || !value.startsWith(SIGNED)) continue
      // A cookie may come twice, one of them planted: the first whose signature holds is ours.
      const read = verify(value.slice(SIGNED.length))
      if (read !== undefined) return read
      isOfAnother = true
    }
    // Cookies know no port (RFC 6265 §8.5): two apps on localhost log each other's people out.
    if (isOfAnother && config.development)
      sayOnce(
        `a browser sent a cookie '${name}' that was not made with this secret (SECRET): where another app runs on this host, at any port, give each a session.name of its own; where SECRET was changed, this passes with the next login`,
      )
    return undefined
  }

  function verify(signed: string): ReadCookies['session'] {
    for (const [age, secret] of config.secrets.entries()) {
      const id = unsign(signed, secret)
      if (id !== false) return { id, outdated: age > 0 }
    }
    return undefined
  }
}
