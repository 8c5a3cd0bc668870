// auth(): joins the rooms; the only one that knows them all.
import type { NextFunction, Request, RequestHandler, Response } from 'express'
import type { AuthRecords } from './auth-records/auth-records.ts'
import { createMemoryRecords } from './auth-records/memory.ts'
import { createRedisRecords } from './auth-records/redis.ts'
import { CurrentSession } from './current-session.ts'
import { type AuthError, asError, isAuthError, RefusedError } from './errors.ts'
import { AuthEventEmitter, type AuthEvents } from './events.ts'
import { shareHiddenClasses } from './hidden-class.ts'
import { createLoginTransactions } from './login-transaction.ts'
import type { AuthOptions } from './options.ts'
import { answerProblem } from './problem.ts'
import { createProvider } from './provider.ts'
import { createRenewer } from './renewal/renew.ts'
import { type House, setContext } from './request-context.ts'
import { putOidc } from './request-oidc.ts'
import { resolveOptions } from './resolve-options.ts'
import { mountRoutes } from './routes/mounted-routes.ts'
import { crossSite, isCrossOrigin, isSafe } from './same-origin.ts'
import { createAppSession } from './session/app-session.ts'
import { isMounted, mountedSession, OwnSession } from './session/browser-session.ts'
import { createSessionCookie } from './session/session-cookie.ts'
import { createSessionRegister, type Sessions } from './sessions.ts'
import { trySilently } from './silent-log-in.ts'
import { tellRefused } from './tell-refused.ts'

/** What `auth()` returns: middleware, with a life of its own. */
export interface AuthHandler extends RequestHandler {
  /**
   * Resolves once the provider and the store have answered.
   * @throws TryLaterError
   * @throws ConfigurationError where the provider does not offer what the options ask for
   */
  ready(): Promise<void>
  /** Waits for what is in flight, then lets go of the store. Call it before the process ends. */
  close(): Promise<void>
  /** Tells of what happens to sessions; no event carries a token. */
  on<Name extends keyof AuthEvents>(name: Name, listener: (event: AuthEvents[Name]) => void): AuthHandler
  /** Everybody's sessions: to show a person theirs, and to end one or all of them. */
  readonly sessions: Sessions
}

/** Shorter than the half minute that process managers give. */
const CLOSE_SECONDS = 20
/** Of one kind, each another one. */
const MOST_WARNINGS = 20

/**
 * Express middleware that logs people in with OpenID Connect, keeps their refresh token on the server, and renews
 * their ID token by itself.
 *
 * @throws ConfigurationError that names the option and the cure
 */
export function auth(options?: AuthOptions): AuthHandler {
  const config = resolveOptions(options)
  const events = new AuthEventEmitter()
  const records: AuthRecords =
    config.redis === undefined
      ? createMemoryRecords(config)
      : createRedisRecords(config, config.redis, events)
  const provider = createProvider(config, events)
  const renewer = createRenewer(config, records, provider, events)
  const sessions = createSessionRegister(config, records, provider, renewer, events)
  const logins = createLoginTransactions(config)
  const house: House = { config, events, records, provider, renewer, sessions, logins }
  const cookie = createSessionCookie(config)
  const appSession = createAppSession(config, records.appData, cookie, events)
  const sessionParts = { cookie, appSession, appData: records.appData }
  const routes = mountRoutes(config)
  warnOf(
    'refresh-token-missing',
    ({ hint }) => `the provider sent no refresh token, so sessions cannot be renewed: ${hint}`,
  )
  // It may be a mistake in the set-up, and then it lasts.
  warnOf('provider-unavailable', ({ detail }) => `the provider cannot be used just now: ${detail}`)

  async function bffSession(req: Request, res: Response, next: NextFunction): Promise<void> {
    try {
      if (await passes(req, res)) next()
    } catch (error) {
      if (!isAuthError(error)) next(asError(error))
      else if (!res.headersSent) await refuse(req, res, error, next).catch(next)
    }
  }

  /** @returns false where the request was answered here */
  async function passes(req: Request, res: Response): Promise<boolean> {
    shareHiddenClasses(req, res)
    const route = routes.find(req.path)
    if (route?.withoutSession !== undefined) {
      await route.withoutSession(house, req, res)
      return false
    }
    const fromAnywhere = route?.fromAnywhere === true && req.headers.upgrade === undefined
    if (!fromAnywhere && !isSafe(req) && isCrossOrigin(req, config.origins)) {
      throw crossSite()
    }
    const cookies = cookie.read(req)
    const browser = isMounted(req)
      ? mountedSession(req)
      : new OwnSession(req, res, cookies.session, sessionParts)
    const session = await CurrentSession.read(house, browser)
    const context = setContext(house, { req, res, cookies: cookies.all, session })
    putOidc(context)

    const renewing = route === undefined || route.renews ? session.keepWithinTimeframe() : undefined
    if (renewing !== undefined) await renewing
    if (route !== undefined) {
      await route.answer(context)
      return false
    }
    if (config.attemptSilentLogin && (await trySilently(context))) return false
    if (session.wantsTouch) res.once('finish', () => void session.touch())
    if (config.authRequired) session.require()
    return true
  }

  async function refuse(req: Request, res: Response, error: AuthError, next: NextFunction): Promise<void> {
    if (error instanceof RefusedError) tellRefused(house, error)
    const answer = (passedOn?: unknown) =>
      passedOn ? next(passedOn) : answerProblem(req, res, error, config)
    if (config.onCallbackError === undefined || !routes.isCallback(req.path)) return answer()
    try {
      await config.onCallbackError(error, req, res, answer)
    } catch (thrown) {
      next(asError(thrown))
    }
  }

  /** Says it in the log too: an event that nobody listens to helps nobody. The same line once, and not very many. */
  function warnOf<Name extends keyof AuthEvents>(
    name: Name,
    lineOf: (event: AuthEvents[Name]) => string,
  ): void {
    const said = new Set<string>()
    events.on(name, (event) => {
      const line = lineOf(event)
      if (said.has(line) || said.size >= MOST_WARNINGS) return
      said.add(line)
      config.logger.warn(`express-bff-session: ${line}`)
    })
  }

  const handler: AuthHandler = Object.assign(bffSession, {
    sessions: Object.freeze({
      list: sessions.list,
      revoke: sessions.revoke,
      revokeAll: sessions.revokeAll,
    }),
    async ready() {
      await Promise.all([provider.usable(), records.now()])
    },
    async close() {
      await renewer.idle(CLOSE_SECONDS)
      await records.close()
    },
    on<Name extends keyof AuthEvents>(name: Name, listener: (event: AuthEvents[Name]) => void) {
      events.on(name, listener)
      return handler
    },
  })
  return handler
}
