// The option `session`: the cookie, and how long a session lives.
import type { Request } from 'express'
import { group, hook, namesOf, onlyKnown, seconds } from './read-option.ts'
import type { Routes } from './routes.ts'
import {
  resolveSessionCookie,
  type SessionCookieConfig,
  type SessionCookieOptions,
} from './session-cookie.ts'

/**
 * @example auth({ session: { idleTimeoutSeconds: 3600, absoluteTimeoutSeconds: 86_400 } })
 */
export interface SessionOptions {
  /** The cookie's name. @defaultValue `'__Host-Http-bff'`, or `'__Secure-bff'` with a `cookie.domain` or `cookie.path`, on https, else `'bff'` */
  name?: string | undefined
  /** A session that is not used for so long ends. @defaultValue `86400`, one day */
  idleTimeoutSeconds?: number | undefined
  /** A session ends so long after its login, used or not. @defaultValue `604800`, seven days */
  absoluteTimeoutSeconds?: number | undefined
  /**
   * Whether a request keeps the session from its idle end; only `true` does. What a page asks by itself, again and again, is
   * no use of it: `(req) => req.path !== '/news'`. `req.path` is as `auth()` sees it. @defaultValue none: every request but `GET /me`
   */
  touches?: ((req: Request) => boolean) | undefined
  cookie?: SessionCookieOptions | undefined
}

export interface SessionConfig extends SessionCookieConfig {
  readonly idleTimeoutSeconds: number
  readonly absoluteTimeoutSeconds: number
  readonly touches: SessionOptions['touches']
}

const NAMES = namesOf<SessionOptions>({
  name: true,
  idleTimeoutSeconds: true,
  absoluteTimeoutSeconds: true,
  touches: true,
  cookie: true,
})

export function resolveSession(given: unknown, baseURL: URL, routes: Readonly<Routes>): SessionConfig {
  const session = group(given, 'session')
  onlyKnown(session, NAMES, 'session.')
  const idleTimeoutSeconds = seconds(session.idleTimeoutSeconds, 'session.idleTimeoutSeconds', {
    fallback: 86_400,
  })
  return Object.freeze({
    ...resolveSessionCookie(session.cookie, session.name, baseURL, routes),
    idleTimeoutSeconds,
    absoluteTimeoutSeconds: seconds(session.absoluteTimeoutSeconds, 'session.absoluteTimeoutSeconds', {
      fallback: 604_800,
    }),
    touches: hook(session.touches as SessionOptions['touches'], 'session.touches', '(req)'),
  })
}
