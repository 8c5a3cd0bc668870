// auth(): joins the services; the only file that knows them all.
import type { NextFunction, Request, Response } from 'express'
import type { AuthHandler } from './auth-handler.ts'
import { type AuthError, ConfigurationError, isAuthError, RefusedError } from './errors/errors.ts'
import { AuthEventEmitter, type AuthEvents, type EventOrigin } from './events/events.ts'
import { type AroundOperation, createOperations } from './events/operations.ts'
import { answerError, type Exchange } from './http/answer-error.ts'
import { asMiddleware } from './http/middleware.ts'
import { OWN_RESOURCE } from './http/own-resource.ts'
import { failedWith } from './http/problem.ts'
import { reportRefused } from './http/report-refused.ts'
import { crossSiteRefused, isCrossOrigin, isSafe } from './http/same-origin.ts'
import { asError } from './lib/as-error.ts'
import { createBackgroundTasks } from './lib/background-tasks.ts'
import { shareHiddenClasses } from './lib/hidden-class.ts'
import { createLimitedLog } from './lib/limited-log.ts'
import { trySilently } from './login/silent.ts'
import type { AuthOptions } from './options/auth-options.ts'
import type { Config } from './options/config.ts'
import { optionError } from './options/read-option.ts'
import { resolveAll } from './options/resolve-options.ts'
import { attachOidc } from './request-oidc.ts'
import { CurrentSession } from './session/current-session.ts'
import { createEndedSessions } from './session/ended-sessions.ts'
import { contextOf, forgetContext, knownConfig, ranBefore, setContext } from './session/request-context.ts'
import { createSessions } from './session/sessions.ts'
import { serveTenants } from './sites/many-tenants.ts'
import { serveOne } from './sites/one-tenant.ts'
import type { Site } from './sites/site.ts'
import { createMemoryStores } from './store/memory/memory-store.ts'
import { openRedisStores } from './store/redis/redis-stores.ts'
import { withStoreEvents } from './store/store-events.ts'

/** Shorter than the half minute that process managers give. */
const CLOSE_SECONDS = 20

/**
 * Express middleware that logs people in with OpenID Connect, keeps their refresh token on the server, and renews
 * their ID token by itself.
 *
 * @example
 * app.use(auth()) // all of it from the environment
 * @example
 * const bff = auth({ renewal: { afterSeconds: 300 }, apis: ['https://api.example.com'] })
 * app.use(bff)
 * await bff.ready()
 * @throws ConfigurationError that names the option and the cure
 */
export function auth(options?: AuthOptions): AuthHandler {
  const configs = resolveAll(options)
  const [config] = configs
  const events = new AuthEventEmitter()
  const operations = createOperations()
  const kept =
    config.redis === undefined ? createMemoryStores(config) : openRedisStores(config, config.redis, events)
  const stores = withStoreEvents(kept, events, config)
  const log = createLimitedLog(config.logger)
  const shared = { events, operations, log, tasks: createBackgroundTasks(), ended: createEndedSessions() }
  const { sites, ready, health, check, end, forgetTenant } =
    config.tenants === undefined
      ? serveOne(configs, stores, shared)
      : serveTenants(config, config.tenants, stores, shared)

  async function bffSession(req: Request, res: Response, next: NextFunction): Promise<void> {
    let site: Site | undefined
    try {
      const before = ranBefore(req, shared)
      // Above the app and above its router too: once is enough.
      if (before === 'another') {
        forgetContext(req, res)
        if (config.authRequired) contextOf(req)
      }
      if (before !== undefined) return next()
      const found = sites.of(req)
      site = found instanceof Promise ? await found : found
      if (await passes(site, req, res)) next()
    } catch (error) {
      if (!isAuthError(error) || error instanceof ConfigurationError) next(asError(error))
      else if (!res.headersSent) await refuse(site, { req, res, next }, error)
    }
  }

  /** The way of a request. @returns false where it was answered here */
  async function passes(
    { config, realms, cookie, routes, bindingOf, tellMisplaced }: Site,
    req: Request,
    res: Response,
  ): Promise<boolean> {
    shareHiddenClasses(req, res)
    const route = routes.find(req.path)
    tellMisplaced(req, route !== undefined)
    if (route !== undefined) res.set(OWN_RESOURCE)
    if (route?.withoutSession !== undefined) {
      await route.withoutSession(realms, req, res)
      return false
    }
    requireOwnPage(req, config, route?.fromAnywhere)
    const cookies = cookie.read(req)
    const session = await CurrentSession.read(realms, bindingOf(req, res, cookies))
    const own = session.record === undefined ? realms.first : realms.of(session.record)
    const context = setContext(own, { req, res, cookies: cookies.all, session })
    attachOidc(context)
    const renewing = route === undefined || route.renews ? session.keepWithinTimeframe() : undefined
    if (renewing !== undefined) await renewing
    if (route !== undefined) {
      await route.answer(context)
      return false
    }
    if (config.attemptSilentLogin && (await trySilently(context))) return false
    // Once, and here: below a mount path `req.path` would be another.
    const { touches } = config.session
    if (session.wantsTouch) session.isUse = touches === undefined || touches(req) === true
    if (session.wantsTouch) res.once('finish', () => session.touch())
    if (config.authRequired && !routes.isOpen(req.path)) session.require()
    return true
  }

  /** @throws RefusedError (403) for what another site's page sends with our cookie */
  function requireOwnPage(req: Request, { origins }: Pick<Config, 'origins'>, fromAnywhere = false): void {
    if (fromAnywhere && req.headers.upgrade === undefined) return
    if (!isSafe(req) && isCrossOrigin(req, origins)) throw crossSiteRefused()
  }

  async function refuse(site: Site | undefined, exchange: Exchange, error: AuthError): Promise<void> {
    if (error instanceof RefusedError) {
      const name = failedWith(error)
      const own = name === undefined ? undefined : site?.realms.byName(name)
      reportRefused(own ?? site ?? shared, error)
    }
    const isCallback = site?.routes.isCallback(exchange.req.path)
    const hooks = [isCallback ? config.onCallbackError : undefined, config.onError]
    await answerError(exchange, error, knownConfig(exchange.req) ?? site?.config ?? config, hooks)
  }

  const handler: AuthHandler = Object.assign(asMiddleware(bffSession), {
    sessions: createSessions(sites.realmsOf),
    ready,
    health,
    check,
    async close() {
      await end(CLOSE_SECONDS)
      await stores.close()
      log.close()
    },
    forgetTenant(key: string) {
      if (forgetTenant === undefined) throw optionError('forgetTenant()', 'needs the option tenant')
      forgetTenant(key)
    },
    on<Name extends keyof AuthEvents>(name: Name, listener: (event: AuthEvents[Name] & EventOrigin) => void) {
      events.on(name, listener)
      return handler
    },
    around(hook: AroundOperation) {
      operations.add(hook)
      return handler
    },
  })
  return handler
}
