// auth() as express-openid-connect has it: this package's, and what its routes and its members are called there.
import type { NextFunction, Request, Response } from 'express'
import { type AuthHandler, auth as authOfThisPackage, type Middleware } from '../index.ts'
import { translateAfterCallback } from './after-callback.ts'
import { attachAppSession } from './app-session.ts'
import { leaveToApp } from './callback-of-app.ts'
import type { ConfigParams, LayerConfig } from './config-params.ts'
import { requiresAuth } from './guards.ts'
import { comparablePath, contextOf, crossSiteRefused, isCrossOrigin, requirePageLoad } from './inside.ts'
import { requestMembers } from './request.ts'
import { beginLogin, logOut, RESPONSE_MEMBERS } from './response.ts'
import { attemptSilentLogin } from './silent.ts'
import { translate } from './translate.ts'
import { layOver, type Visit, visitOf } from './visit.ts'

/**
 * `auth()` of express-openid-connect, over this package: an app changes the name that it imports from.
 *
 * @example app.use(auth({ authRequired: false, authorizationParams: { response_type: 'code' } }))
 * @throws ConfigurationError that names every option that is wrong, or cannot be had, with what to use instead
 */
export function auth(params?: ConfigParams): AuthHandler {
  const { core: options, layer } = translate(params)
  const afterCallback = translateAfterCallback(layer, (req) =>
    enter(req, req.res as Response, req.next as NextFunction, layer),
  )
  const own = authOfThisPackage({ ...options, afterCallback })
  const guards = [
    ...(layer.authRequired ? [requiresAuth()] : []),
    ...(layer.attemptSilentLogin ? [attemptSilentLogin()] : []),
  ]

  const [loginPath, logoutPath, callbackPath] = [layer.login, layer.logout, layer.callbackOfApp].map(
    (route) => (typeof route === 'string' ? comparablePath(route) : undefined),
  )

  function expressOpenidConnect(req: Request, res: Response, next: NextFunction): void {
    if (callbackPath !== undefined && comparablePath(req.path) === callbackPath)
      leaveToApp(own, layer, { req, res, next })
    else own(req, res, (error) => (error ? next(error) : goOn(req, res, next)))
  }

  function goOn(req: Request, res: Response, next: NextFunction): void {
    answer(req, res, next).then((isAnswered) => isAnswered || pass(guards, req, res, next), next)
  }

  /** @returns true for a route of this folder's */
  async function answer(req: Request, res: Response, next: NextFunction): Promise<boolean> {
    const visit = enter(req, res, next, layer)
    if (req.method !== 'GET') return false
    const path = comparablePath(req.path)
    const [isLogin, isLogout] = [path === loginPath, path === logoutPath]
    if (!isLogin && !isLogout) return false
    requirePageLoad(req)
    if (isLogin) await beginLogin(visit, { returnTo: layer.baseURL.href })
    else if (isCrossOrigin(req, contextOf(req).config.origins)) throw crossSiteRefused()
    else await logOut(visit)
    return true
  }

  return Object.assign(expressOpenidConnect as unknown as AuthHandler, {
    sessions: own.sessions,
    ready: own.ready,
    check: own.check,
    health: own.health,
    close: own.close,
    forgetTenant: own.forgetTenant,
    on(...listening: Parameters<AuthHandler['on']>) {
      own.on(...listening)
      return this
    },
    around(hook: Parameters<AuthHandler['around']>[0]) {
      own.around(hook)
      return this
    },
  }) as AuthHandler
}

/** For stores that are made from it, as `MemoryStore(auth)`. */
auth.Store = class Store {}

function enter(req: Request, res: Response, next: NextFunction, config: LayerConfig): Visit {
  const known = visitOf(req.oidc)
  if (known !== undefined) return known
  const { login, logout } = res.oidc
  const visit: Visit = { req, res, next, config, own: { login, logout }, pending: undefined }
  layOver(req.oidc, visit, requestMembers)
  layOver(res.oidc, visit, () => RESPONSE_MEMBERS)
  attachAppSession(visit)
  return visit
}

/** One after the other, as Express would. */
function pass(
  [guard, ...others]: readonly Middleware[],
  req: Request,
  res: Response,
  next: NextFunction,
): void {
  if (guard === undefined) next()
  else guard(req, res, (error) => (error ? next(error) : pass(others, req, res, next)))
}
