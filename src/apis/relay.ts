// relay(): hands requests on to an API with the person's access token, and the answers back.
import type { NextFunction, Request, Response } from 'express'
import { ConfigurationError, isAuthError, RefusedError } from '../errors/errors.ts'
import { answerError } from '../http/answer-error.ts'
import { asMiddleware, type Middleware } from '../http/middleware.ts'
import { reportRefused } from '../http/report-refused.ts'
import { asError } from '../lib/as-error.ts'
import { contextOf } from '../session/request-context.ts'
import { createForward } from './forward.ts'
import { type RelayOptions, resolveRelayOptions } from './relay-options.ts'
import { createUpstreamRequests } from './upstream-request.ts'

export type { RelayOptions } from './relay-options.ts'

/**
 * Hands requests on to an API with the person's access token, and its answers back, both as they come: uploads, downloads,
 * event streams, and with {@link handleUpgrade} WebSockets. Mount it above body parsers.
 *
 * @example app.use('/api', requireAuth(), relay({ target: 'https://api.example.com/v1' }))
 * @throws ConfigurationError that names the option and the cure
 */
export function relay(options: RelayOptions): Middleware {
  const config = resolveRelayOptions(options)
  const forward = createForward(config, createUpstreamRequests(config))

  async function relay(req: Request, res: Response, next: NextFunction): Promise<void> {
    try {
      const context = contextOf(req)
      try {
        const about = { method: req.method, target: config.target.origin }
        const operation = { name: 'relay', ...about, ...context.events.origin } as const
        await context.operations.run(
          operation,
          () => forward(context),
          (end) => end,
        )
      } catch (error) {
        if (!isAuthError(error) || error instanceof ConfigurationError) throw error
        if (error instanceof RefusedError) reportRefused(context, error)
        await answerError({ req, res, next }, error, context.config)
      }
    } catch (error) {
      next(asError(error))
    }
  }
  return asMiddleware(relay)
}
