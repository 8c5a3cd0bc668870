// Which session a request belongs to: ours, by our cookie, or that of an express-session which the app mounted itself.
import type { Request, Response } from 'express'
import onHeaders from 'on-headers'
import { applyCookies, type CookieChange, cookieNames, keepFromCaches } from '../cookies/cookies.ts'
import type { ReadCookies, SessionCookie } from '../cookies/session-cookie.ts'
import { mayBeShared } from '../lib/caching.ts'
import { createLoggedInId, isLoggedInId } from '../record/session-id.ts'
import type { AppData, StoredSession } from '../store/store.ts'
import type { EndedSessions } from './ended-sessions.ts'
import type { ExpressSession } from './express-session.ts'

export interface SessionBinding {
  /** The id under which an auth record may be; undefined where nobody can be logged in. */
  readonly authId: string | undefined
  /** Nothing is changed in the browser before `adopt()`. */
  readonly canYield: boolean
  /** Gives the request its `req.session`. */
  attach(stored: StoredSession | undefined | 'unavailable'): void | Promise<void>
  /** A new id, with the app's data under it if that is kept. The browser is not told yet. */
  begin(keepData: boolean): Promise<{ id: string; appData: string | undefined }>
  /**
   * Drops an anonymous session's data, and tells the browser the new id.
   *
   * @param owner whose the new session is (`ownerName()`)
   */
  adopt(id: string, owner: string): Promise<void>
  /** Takes the id from the browser. */
  forget(): Promise<void>
  /** The same where the request goes on: with a `req.session` of nobody's, kept through the next login. */
  beginAgain(): Promise<void>
}

/** What all sessions of ours share. */
export interface SessionParts {
  readonly cookie: SessionCookie
  readonly appSession: ExpressSession
  readonly appData: AppData
  readonly ended: EndedSessions
}

/** Another process may have ended the session meanwhile, and begun another in the same browser. */
const PROMPT_MILLISECONDS = 1000

/** Ours: one signed cookie, and `req.session` made at first use. */
export class CookieSession implements SessionBinding {
  readonly authId: string | undefined
  readonly canYield = true
  readonly #req: Request
  readonly #res: Response
  readonly #read: ReadCookies['session']
  readonly #parts: SessionParts
  /** The app's data as it was found. */
  #document: string | undefined

  constructor(req: Request, res: Response, read: ReadCookies['session'], parts: SessionParts) {
    this.#req = req
    this.#res = res
    this.#read = read
    this.#parts = parts
    this.authId = read !== undefined && isLoggedInId(read.id) ? read.id : undefined
  }

  /** An anonymous session's. */
  get #dataId(): string | undefined {
    return this.authId === undefined ? this.#read?.id : undefined
  }

  attach(stored: StoredSession | undefined | 'unavailable'): void | Promise<void> {
    if (stored === 'unavailable') this.#parts.appSession.attach(this.#req, this.#res, 'unavailable')
    // The data of a logged-in session is nobody's once its auth record is gone.
    else if (this.#dataId === undefined) this.#attach(stored?.appData, stored !== undefined)
    else return this.#attachAnonymous(this.#dataId)
  }

  async #attachAnonymous(id: string): Promise<void> {
    this.#attach((await this.#parts.appData.get(id)) ?? undefined, false)
  }

  #attach(document: string | undefined, loggedIn: boolean): void {
    const { id, outdated = false } = this.#read ?? {}
    this.#document = document
    // A retired secret is still good for reading: what it signed moves to the new one while it is.
    if (outdated && id !== undefined && (loggedIn || document !== undefined)) this.#moveCookie(id)
    this.#parts.appSession.attach(this.#req, this.#res, { id, document, loggedIn })
  }

  #moveCookie(id: string): void {
    const moved = this.#parts.cookie.write(id)
    // What the answer says of the cookie by itself is newer.
    this.#tell(moved, () => !this.#parts.ended.has(id) && !cookieNames(this.#res).includes(moved.name))
  }

  /** Only with an answer that is given to nobody else, and that cannot come after the one of a later login. */
  #tell(change: CookieChange, isTrue = () => true): void {
    const since = performance.now()
    keepFromCaches(this.#res, change.name)
    onHeaders(this.#res, () => {
      const isPrompt = performance.now() - since <= PROMPT_MILLISECONDS
      if (isPrompt && isTrue() && !mayBeShared(this.#res)) applyCookies(this.#res, [change])
    })
  }

  async begin(keepData: boolean): Promise<{ id: string; appData: string | undefined }> {
    // The app may have written to it during the login; from here on it is the new session's.
    const written = this.#parts.appSession.take(this.#req)
    return { id: createLoggedInId(), appData: keepData ? (written ?? this.#document) : undefined }
  }

  async adopt(id: string): Promise<void> {
    await this.#dropData()
    applyCookies(this.#res, [this.#parts.cookie.write(id)])
  }

  async forget(): Promise<void> {
    await this.#dropData()
    if (!this.#res.headersSent) applyCookies(this.#res, [this.#parts.cookie.clear()])
  }

  async beginAgain(): Promise<void> {
    const cleared = this.#parts.cookie.clear()
    await this.#dropData()
    // What it keeps opens nothing any more; a new `req.session` of nobody's brings a cookie of its own.
    this.#tell(cleared, () => !cookieNames(this.#res).includes(cleared.name))
    this.#parts.appSession.attachAnew(this.#req, this.#res)
  }

  async #dropData(): Promise<void> {
    if (this.#dataId === undefined) return
    this.#parts.ended.add(this.#dataId)
    await this.#parts.appData.delete(this.#dataId)
  }
}

/** In an app's own session, says that there is an auth record, and makes express-session keep the session. */
const MARK = 'expressBffSession'
/** And whose it is: another `auth()` may share the app's session. */
const OWNER = 'expressBffOwner'

/**
 * The app's: express-session was mounted above `auth()`, and its id is the session's.
 *
 * @param isOurs whether a session of that owner is; older ones say nothing of theirs
 */
export function mountedSession(req: Request, isOurs: (owner: unknown) => boolean): SessionBinding {
  const data = () => req.session as unknown as Record<string, unknown>
  const done = (run: (callback: (error: unknown) => void) => void) =>
    new Promise<void>((resolve, reject) => run((error) => (error ? reject(error) : resolve())))
  const regenerate = () => done((callback) => req.session.regenerate(callback))

  const isMarked = data()[MARK] === true
  const isForeign = isMarked && !isOurs(data()[OWNER])
  const authId = isMarked && !isForeign ? req.sessionID : undefined
  let kept: Record<string, unknown> = {}

  return {
    authId,
    // Its id is another one from the beginning on.
    canYield: false,

    async attach(stored) {
      // A person's data is nobody's once their login is over.
      if (authId !== undefined && stored === undefined) await regenerate()
    },

    async begin(keepData) {
      const { cookie: _, [MARK]: __, [OWNER]: ___, ...before } = data()
      if (keepData && !isForeign) kept = before
      await regenerate()
      return { id: req.sessionID, appData: undefined }
    },

    async adopt(_id, owner) {
      // Only now: neither a login that was refused meanwhile nor what it would have kept must be found later.
      Object.assign(req.session, kept, { [MARK]: true, [OWNER]: owner })
      await done((callback) => req.session.save(callback))
    },
    // Another session, and not none: handlers below may read it.
    forget: regenerate,
    beginAgain: regenerate,
  }
}

/** The session that express-session gave the request before `auth()` saw it. */
export function isMounted(req: Request): boolean {
  return Object.hasOwn(req, 'session') && req.session !== undefined
}
