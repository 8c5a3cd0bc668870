// Middleware as apps are given it.
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { NextFunction, Request, Response } from 'express'

/**
 * Express middleware that takes any request. With Express's own `RequestHandler` it would say what `req.params` is, and
 * the handlers beside it in `app.get('/orders/:id', requireAuth(), …)` would no longer know of `id`.
 */
export type Middleware = (req: IncomingMessage, res: ServerResponse, next: (error?: unknown) => void) => void

/** Express's requests are what it is given. */
export function asMiddleware(
  handler: (req: Request, res: Response, next: NextFunction) => Promise<void>,
): Middleware {
  return handler as unknown as Middleware
}
