// The cookie of `req.session`: written by express-session, with the attributes that are ours to decide on.
import type { CookieOptions, Request } from 'express'
import type { SessionData } from 'express-session'
import { isLoggedInId } from '../record/session-id.ts'

/** What express-session makes of a store, and its types leave out. */
interface SessionMaker {
  generate(req: Request): void
  createSession(req: Request, data: SessionData): unknown
}

/** The cookie of every session that express-session makes or reads is ours to decide on. */
export function decideCookies(given: object, cookie: CookieOptions): void {
  const store = given as SessionMaker
  const { generate, createSession } = store
  store.generate = (req) => {
    generate.call(store, req)
    decideCookie(req, cookie)
  }
  store.createSession = (req, data) => {
    const session = createSession.call(store, req, data)
    decideCookie(req, cookie)
    return session
  }
}

function decideCookie({ session: { cookie }, sessionID }: Request, { path, secure }: CookieOptions): void {
  if (path !== undefined) cookie.path = path
  if (isLoggedInId(sessionID)) {
    // With an expiry express-session would send the id again, and a slow response could bring back an ended one.
    Object.defineProperty(cookie, 'expires', { get: () => null, set() {}, configurable: true })
  }
  if (secure !== true) return
  // It sends a Secure cookie only on what Express takes for https, which behind a proxy depends on `trust proxy`.
  // Here baseURL says what is https: the attribute is there, whatever the request looks like.
  const { get } = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(cookie), 'data') ?? {}
  cookie.secure = false
  Object.defineProperty(cookie, 'data', {
    get: () => ({ ...get?.call(cookie), secure: true }),
    configurable: true,
  })
}
