// Who may pass, by the rules of express-openid-connect: others are sent to log in, or are an error (401) to the app.
import type { NextFunction, Request, Response } from 'express'
import {
  type IdTokenClaims,
  LoginRequiredError,
  type Middleware,
  type OnError,
  RefusedError,
} from '../index.ts'
import { argumentError, contextOf, isPrefetch } from './inside.ts'
import { beginLogin } from './response.ts'
import { visitOf } from './visit.ts'

/**
 * Sends who is not logged in to log in; with a function, whom it says `true` of.
 *
 * @example app.get('/profile', requiresAuth(), handler)
 */
export function requiresAuth(requiresLogin: (req: Request) => boolean = isNobody): Middleware {
  return guard('requiresAuth', requiresLogin)
}

type Primitive = boolean | number | string | null

/**
 * Lets through whose ID token has that claim with that value; others are sent to log in.
 *
 * @example app.get('/admin', claimEquals('isAdmin', true), handler)
 */
export function claimEquals(claim: string, value: Primitive): Middleware {
  checkArguments('claimEquals()', claim, [value])
  return claimGuard('claimEquals', (_req, claims) => Object.hasOwn(claims, claim) && claims[claim] === value)
}

/**
 * Lets through whose claim, a list or words with spaces between, has all of the values.
 *
 * @example app.get('/admin', claimIncludes('roles', 'admin', 'staff'), handler)
 */
export function claimIncludes(claim: string, ...values: Primitive[]): Middleware {
  checkArguments('claimIncludes()', claim, values)
  return claimGuard('claimIncludes', (_req, claims) => {
    const found = Object.hasOwn(claims, claim) ? claims[claim] : undefined
    const all: unknown = typeof found === 'string' ? found.split(' ') : found
    return Array.isArray(all) && values.every((value) => all.includes(value))
  })
}

/**
 * Lets through of whom the function says something true.
 *
 * @example app.get('/admin', claimCheck((_req, claims) => Number(claims.level) > 3), handler)
 */
export function claimCheck(check: (req: Request, claims: IdTokenClaims) => boolean): Middleware {
  if (typeof check !== 'function' || check.constructor.name === 'AsyncFunction')
    throw argumentError(
      'claimCheck()',
      'its argument',
      'must be a function of (req, claims) that is not async',
    )
  return claimGuard('claimCheck', check)
}

function checkArguments(method: string, claim: unknown, values: readonly unknown[]): void {
  if (typeof claim !== 'string') throw argumentError(method, 'claim', 'must be a string')
  if (values.every((one) => one === null || /^(?:boolean|number|string)$/.test(typeof one))) return
  throw argumentError(method, 'what is expected', 'must be a string, a number, a boolean or null')
}

function claimGuard(name: string, check: (req: Request, claims: IdTokenClaims) => boolean): Middleware {
  return guard(name, (req) => {
    if (isNobody(req)) return true
    const { idTokenClaims, user } = req.oidc
    return !told(check(req, idTokenClaims ?? (user as unknown as IdTokenClaims)), name)
  })
}

/** A promise would be true, whatever it comes to. */
function told(answer: unknown, name: string): unknown {
  if (typeof (answer as { then?: unknown } | null | undefined)?.then !== 'function') return answer
  throw argumentError(`${name}()`, 'its function', 'must not return a promise')
}

const isNobody = ({ oidc }: Request) => !oidc.isAuthenticated()

function guard(name: string, requiresLogin: (req: Request) => boolean): Middleware {
  const handler = async (req: Request, res: Response, next: NextFunction): Promise<void> => {
    try {
      requireAttached(req)
      if (!told(requiresLogin(req), name)) return next()
      await sendToLogIn(
        req,
        res,
        notLoggedIn(),
        new RefusedError('claim_required', 403, 'You may not do this.'),
      )
    } catch (error) {
      next(error)
    }
  }
  return Object.defineProperty(handler as unknown as Middleware, 'name', { value: name })
}

/** @throws ConfigurationError without `auth()`, TryLaterError where nobody knows whether there is a session */
function requireAttached(req: Request): void {
  const isStubbed = typeof (req as Partial<Request>).oidc?.isAuthenticated === 'function'
  try {
    contextOf(req).session.requireKnown()
  } catch (error) {
    // An app's own tests may have made one up, as for the guards of this package.
    const isMissing = (error as { code?: unknown }).code === 'auth_not_mounted'
    if (!isMissing || !isStubbed || process.env.NODE_ENV === 'production') throw error
  }
}

const notLoggedIn = () =>
  new LoginRequiredError('login_required', 'Authentication is required for this route.')

/** From the callback to the page. */
const JUST_BACK_MILLISECONDS = 10_000

/** A page, where a login may help; for the rest it is an error: that one, or `otherwise` where the browser would go in circles. */
async function sendToLogIn(req: Request, res: Response, error: Error, otherwise = error): Promise<void> {
  const visit = visitOf(res.oidc)
  if (visit?.config.errorOnRequiredAuth === true || !isPage(req)) throw error
  const { session } = req.oidc
  // What a login did not bring, the next one would not bring either.
  if (
    session !== undefined &&
    contextOf(req).session.now - session.createdAt.getTime() < JUST_BACK_MILLISECONDS
  )
    throw otherwise
  await (visit === undefined ? res.oidc.login() : beginLogin(visit))
}

/** For the guards of this package below this `auth()`; a step-up is no login of this folder's. */
export const onError: OnError = async (error, req, res, next) => {
  try {
    if (!(error instanceof LoginRequiredError) || error.stepUp !== undefined) throw error
    await sendToLogIn(req, res, error)
  } catch (thrown) {
    next(thrown)
  }
}

/** What a browser says to be a script's request, no redirect to another site helps. */
export function isPage(req: Request): boolean {
  const { 'sec-fetch-mode': mode = 'navigate' } = req.headers
  return mode === 'navigate' && !isPrefetch(req) && req.accepts('html') !== false
}
