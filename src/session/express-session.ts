// `req.session`: express-session's own, over connect-redis, run only when the app asks for it.
import { RedisStore } from 'connect-redis'
import type { Request, Response } from 'express'
import expressSession, { type SessionData, type Store } from 'express-session'
import { keepFromCaches } from '../cookies/cookies.ts'
import type { SessionCookie } from '../cookies/session-cookie.ts'
import { TryLaterError } from '../errors/errors.ts'
import type { AuthEventEmitter } from '../events/events.ts'
import { createSideTable } from '../lib/side-table.ts'
import type { Config } from '../options/config.ts'
import { createAnonymousId } from '../record/session-id.ts'
import type { AppData } from '../store/store.ts'
import { decideCookies } from './express-session-cookie.ts'
import { createSessionBelowLog } from './session-below.ts'

/** What the request found: the id in its cookie with its document, or that the store did not answer. */
export type FoundAppData =
  | { readonly id: string | undefined; readonly document: string | undefined; readonly loggedIn: boolean }
  | 'unavailable'

export interface ExpressSession {
  /** Gives the request its `req.session`, made at first use from what was found already. */
  attach(req: Request, res: Response, found: FoundAppData): void
  /** Gives the request a `req.session` of nobody's, in place of the one it had. */
  attachAnew(req: Request, res: Response): void
  /** Takes what the app wrote from the request, if it did, so that express-session neither keeps it nor names its id. */
  take(req: Request): string | undefined
}

export function createExpressSession(
  config: Config,
  appData: AppData,
  cookie: SessionCookie,
  events: AuthEventEmitter,
): ExpressSession {
  /** Set only while express-session, which asks its store at once, is being run. */
  let found: Exclude<FoundAppData, 'unavailable'> | undefined
  /** express-session keeps this very list: what stands in it counts at each request. */
  const secrets: string[] = []
  let made: ReturnType<typeof expressSession> | undefined

  /** Made when the first request asks for it: of many tenants most never do. */
  function makeSession(): ReturnType<typeof expressSession> {
    const store = new RedisStore({
      client: redisLike(appData),
      prefix: '',
      ttl: config.session.idleTimeoutSeconds,
    })
    const fromStore = store.get.bind(store)
    store.get = async (id, callback) => {
      if (found === undefined) return fromStore(id, callback)
      // Without a session express-session makes another id; whoever is logged in must keep theirs.
      const data = readDocument(found.document) ?? (found.loggedIn ? emptyData() : null)
      // The attributes are today's, not those of the day on which the document was written.
      callback?.(null, data && { ...data, cookie: Object.assign(data.cookie, config.session.cookie) })
    }
    const session = expressSession({
      name: config.session.name,
      secret: secrets,
      store: store as Store,
      genid: createAnonymousId,
      resave: false,
      saveUninitialized: false,
      // By its path express-session decides which requests have a session, and a proxy may have cut that path off.
      cookie: { ...config.session.cookie, path: '/', secure: false },
    })
    decideCookies(store, config.session.cookie)
    return session
  }

  const logSessionBelow = createSessionBelowLog(config)

  function headerOf(id: string): string {
    const { name, value } = cookie.write(id)
    return `${name}=${encodeURIComponent(value ?? '')}`
  }

  function open(req: Request, res: Response, appSession: FoundAppData): void {
    logSessionBelow()
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
    // Before express-session, whose cookie is then there when this looks.
    keepFromCaches(res, config.session.name)
    try {
      found = appSession
      // express-session takes the first cookie of its name, which may be a planted one: it is shown ours alone.
      req.headers.cookie = appSession.id === undefined ? '' : headerOf(appSession.id)
      secrets.splice(0, secrets.length, ...config.secrets)
      made ??= makeSession()

      // Called again by express-session when the document could not be saved: the response is on its way by then.
      made(req, res, (error?: unknown) => {
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
    take(req) {
      const session = Object.getOwnPropertyDescriptor(req, 'session')?.value
      if (session === undefined) return undefined
      Object.defineProperty(req, 'session', { value: undefined, configurable: true, writable: true })
      return JSON.stringify(session)
    },

    attach,

    attachAnew: (req, res) => attach(req, res, { id: undefined, document: undefined, loggedIn: false }),
  }

  function attach(req: Request, res: Response, appSession: FoundAppData): void {
    unopened.set(req, () => open(req, res, appSession))
    Object.defineProperty(req, 'session', UNOPENED)
  }
}

const unopened = createSideTable<Request, () => void>()

/** One for all requests: with functions of its own, each request would be an object of another shape to the engine. */
const UNOPENED: PropertyDescriptor & ThisType<Request> = {
  configurable: true,
  enumerable: true,
  get() {
    unopened.get(this)?.()
    return this.session
  },
  set(value) {
    unopened.get(this)?.()
    this.session = value
  },
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
