// Which session a request belongs to: ours, by our cookie, or that of an express-session which the app mounted itself.
import type { Request, Response } from 'express'
import type { AuthRecords, StoredSession } from '../auth-records/auth-records.ts'
import type { RequestCookies } from '../login-transaction.ts'
import { createSignedInId, isSignedInId } from '../session-id.ts'
import type { AppSession } from './app-session.ts'
import { applyCookies, type SessionCookie } from './session-cookie.ts'

export interface BrowserSession {
  /** The id under which an auth record may be; undefined where nobody can be signed in. */
  readonly authId: string | undefined
  /** Gives the request its `req.session`. */
  attach(stored: StoredSession | undefined | 'unavailable'): Promise<void>
  /** A new id, with the app's data under it if that is kept. The browser is not told yet. */
  begin(keepData: boolean): Promise<{ id: string; appData: string | undefined }>
  /** Drops an anonymous session's data, and tells the browser the new id. */
  adopt(id: string): Promise<void>
  /** Takes the id from the browser. */
  forget(): Promise<void>
  /** The same where the request goes on: with a `req.session` of nobody's, kept through the next log-in. */
  beginAgain(): Promise<void>
}

/** Ours: one signed cookie, and `req.session` made at first use. */
export function ownSession(
  req: Request,
  res: Response,
  cookies: RequestCookies,
  { cookie, appSession, records }: { cookie: SessionCookie; appSession: AppSession; records: AuthRecords },
): BrowserSession {
  const { id, outdated = false } = cookie.read(cookies) ?? {}
  const authId = id !== undefined && isSignedInId(id) ? id : undefined
  let document: string | undefined

  async function forget(): Promise<void> {
    if (id !== undefined && authId === undefined) await records.appData.delete(id)
    if (!res.headersSent) applyCookies(res, [cookie.clear()])
  }

  return {
    authId,

    async attach(stored) {
      if (stored === 'unavailable') return appSession.attach(req, res, 'unavailable')
      // The data of a signed-in session is nobody's once its auth record is gone.
      if (authId !== undefined) document = stored?.appData
      else if (id !== undefined) document = (await records.appData.get(id)) ?? undefined
      const known = stored !== undefined || document !== undefined
      // A retired secret is still good for reading: what it signed moves to the new one while it is.
      if (outdated && known && id !== undefined) applyCookies(res, [cookie.write(id)])
      appSession.attach(req, res, { id, document, signedIn: stored !== undefined })
    },

    async begin(keepData) {
      // The app may have written to it during the log-in; from here on it is the new session's.
      const written = appSession.take(req)
      return { id: createSignedInId(), appData: keepData ? (written ?? document) : undefined }
    },

    async adopt(newId) {
      if (id !== undefined && authId === undefined) await records.appData.delete(id)
      applyCookies(res, [cookie.write(newId)])
    },

    forget,

    async beginAgain() {
      await forget()
      appSession.attachAnew(req, res)
    },
  }
}

/** In an app's own session, says that there is an auth record, and makes express-session keep the session. */
const MARK = 'expressBffSession'

/** The app's: express-session was mounted above `auth()`, and its id is the session's. */
export function mountedSession(req: Request): BrowserSession {
  const data = () => req.session as unknown as Record<string, unknown>
  const done = (run: (callback: (error: unknown) => void) => void) =>
    new Promise<void>((resolve, reject) => run((error) => (error ? reject(error) : resolve())))
  const regenerate = () => done((callback) => req.session.regenerate(callback))

  const authId = data()[MARK] === true ? req.sessionID : undefined

  return {
    authId,

    async attach(stored) {
      // A person's data is nobody's once their log-in is over.
      if (authId !== undefined && stored === undefined) await regenerate()
    },

    async begin(keepData) {
      const { cookie: _, ...kept } = data()
      await regenerate()
      Object.assign(req.session, keepData ? kept : {}, { [MARK]: undefined })
      return { id: req.sessionID, appData: undefined }
    },

    async adopt() {
      // Only now: a log-in that was refused meanwhile must not be found later.
      Object.assign(req.session, { [MARK]: true })
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
