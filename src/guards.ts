// Middleware for routes that need a log-in, or a fresh one.
import type { NextFunction, Request, RequestHandler, Response } from 'express'
import type { CurrentSession } from './current-session.ts'
import { ConfigurationError, isAuthError } from './errors.ts'
import { answerProblem } from './problem.ts'
import { contextOf } from './request-context.ts'

/**
 * Lets through who is logged in. Others are sent to log in (a page) or answered 401 (anything else); 503 while the
 * session cannot be known.
 */
export function requireAuth(): RequestHandler {
  return guard('requireAuth', (session) => session.require())
}

export interface RequireFreshOptions {
  /** The ID token's renewal may have begun so long before this request, in seconds. @defaultValue `0` */
  maxAgeSeconds?: number | undefined
}

/**
 * Lets through who is logged in with an ID token that was renewed for this request, or at most `maxAgeSeconds` ago:
 * the provider was asked whether the account is still good. Requests at the same time share one renewal. 503 while the
 * provider cannot be asked.
 */
export function requireFresh({ maxAgeSeconds = 0 }: RequireFreshOptions = {}): RequestHandler {
  if (typeof maxAgeSeconds !== 'number' || !(maxAgeSeconds >= 0)) {
    throw new ConfigurationError(
      'invalid_option',
      'requireFresh(): maxAgeSeconds must be a number of seconds, 0 or more',
    )
  }
  return guard('requireFresh', (session) => session.renewedSince(session.arrivedAt - maxAgeSeconds * 1000))
}

function guard(name: string, check: (session: CurrentSession) => unknown): RequestHandler {
  const handler = async (req: Request, res: Response, next: NextFunction): Promise<void> => {
    try {
      const context = contextOf(req)
      try {
        await check(context.session)
      } catch (error) {
        if (!isAuthError(error)) throw error
        answerProblem(req, res, error, context.config)
        return
      }
    } catch (error) {
      next(error)
      return
    }
    next()
  }
  return Object.defineProperty(handler, 'name', { value: name })
}
