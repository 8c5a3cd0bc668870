// `req.session`: express-session's own, over connect-redis, run only when the app asks for it.
import { RedisStore } from 'connect-redis'
import type { Request, Response } from 'express'
import expressSession, { type SessionData, type Store } from 'express-session'
import type { AppData } from '../auth-records/auth-records.ts'
import type { Config } from '../config.ts'
import { TryLaterError } from '../errors.ts'
import type { AuthEventEmitter } from '../events.ts'
import { createAnonymousId } from '../session-id.ts'
import type { SessionCookie } from './session-cookie.ts'

/** What the request found: the id in its cookie with its document, or that the store did not answer. */
export type FoundAppData =
  | { readonly id: string | undefined; readonly document: string | undefined; readonly signedIn: boolean }
  | 'unavailable'

export interface AppSession {
  /** Gives the request its `req.session`, made at first use from what was found already. */
  attach(req: Request, res: Response, found: FoundAppData): void
}

export function createAppSession(
  config: Config,
  appData: AppData,
  cookie: SessionCookie,
  events: AuthEventEmitter,
): AppSession {
  const store = new RedisStore({
    client: redisLike(appData),
    prefix: '',
    ttl: config.session.idleTimeoutSeconds,
  })
  const fromStore = store.get.bind(store)
  /** Set only while express-session, which asks its store at once, is being run. */
  let found: Exclude<FoundAppData, 'unavailable'> | undefined
  store.get = async (id, callback) => {
    if (found === undefined) return fromStore(id, callback)
    // Without a session express-session makes another id; whoever is signed in must keep theirs.
    callback?.(null, readDocument(found.document) ?? (found.signedIn ? emptyData() : null))
  }

  const openSession = expressSession({
    name: config.session.name,
    secret: [...config.secrets],
    store: store as Store,
    genid: createAnonymousId,
    resave: false,
    saveUninitialized: false,
    // Without an expiry express-session sends the cookie of a new session only: a slow response cannot bring an
    // ended session's id back into the browser.
    cookie: { ...config.session.cookie, path: '/', secure: false },
  })
  if (config.session.cookie.secure === true) secureNewSessions(store as unknown as SessionMaker)

  function headerOf(id: string): string {
    const { name, value } = cookie.write(id)
    return `${name}=${encodeURIComponent(value ?? '')}`
  }

  function open(req: Request, res: Response, appSession: FoundAppData): void {
    if (appSession === 'unavailable') {
      throw new TryLaterError(
        'store_unavailable',
        'req.session is out of reach: the session store does not answer.',
      )
    }
    Object.defineProperty(req, 'session', {
      value: undefined,
      configurable: true,
      enumerable: true,
      writable: true,
    })
    let failure: unknown
    const header = req.headers.cookie
    try {
      found = appSession
      // express-session takes the first cookie of its name, which may be a planted one: it is shown ours alone.
      req.headers.cookie = appSession.id === undefined ? '' : headerOf(appSession.id)

      // Called again by express-session when the document could not be saved: the response is on its way by then.
      openSession(req, res, (error?: unknown) => {
        failure = error
        if (error !== undefined)
          events.emit('store-unavailable', { detail: 'req.session could not be saved' })
      })
    } finally {
      found = undefined
      if (header === undefined) delete req.headers.cookie
      else req.headers.cookie = header
    }
    if (failure !== undefined) throw failure
  }

  return {
    attach(req, res, appSession) {
      Object.defineProperty(req, 'session', {
        configurable: true,
        enumerable: true,
        get() {
          open(req, res, appSession)
          return req.session
        },
        set(value) {
          open(req, res, appSession)
          req.session = value
        },
      })
    },
  }
}

/** What express-session makes of a store, and its types leave out. */
interface SessionMaker {
  generate(req: Request): void
}

/**
 * express-session sends a `Secure` cookie only on a request that Express takes for an https one, which behind a proxy
 * depends on `trust proxy`. Here baseURL says what is https: the attribute is there, whatever the request looks like.
 */
function secureNewSessions(store: SessionMaker): void {
  const generate = store.generate.bind(store)
  store.generate = (req) => {
    generate(req)
    const { cookie } = req.session
    const written = { ...Reflect.get(cookie, 'data'), secure: true }
    Object.defineProperty(cookie, 'data', { get: () => written, configurable: true })
  }
}

/** Made anew each time: express-session writes into what it is given. */
function emptyData(): SessionData {
  return { cookie: {} } as SessionData
}

/** The app's data, or null for what cannot be. Anybody who writes to Redis may have put it there. */
function readDocument(document: string | undefined): SessionData | null {
  try {
    const data = JSON.parse(document ?? 'null')
    return typeof data?.cookie === 'object' && data.cookie !== null ? data : null
  } catch {
    return null
  }
}

/** The part of ioredis that connect-redis uses to keep one document. */
function redisLike(appData: AppData) {
  return {
    get: (id: string) => appData.get(id),
    set: (id: string, document: string, _unit: 'EX', seconds: number) => appData.set(id, document, seconds),
    expire: (id: string, seconds: number) => appData.touch(id, seconds),
    del: ([id]: [string]) => appData.delete(id),
  }
}
