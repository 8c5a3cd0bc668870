// relay(): hands requests on to an API with the person's access token, and the answers back.
import type { NextFunction, Request, RequestHandler, Response } from 'express'
import { asError, ConfigurationError, isAuthError, RefusedError } from '../errors.ts'
import { answerProblem } from '../problem.ts'
import { contextOf } from '../request-context.ts'
import { tellRefused } from '../tell-refused.ts'
import { createApiExchange } from './api-exchange.ts'
import { createHandOn } from './hand-on.ts'
import { type RelayOptions, resolveRelayOptions } from './relay-options.ts'

export type { RelayOptions } from './relay-options.ts'

/**
 * Hands requests on to an API with the person's access token, and its answers back, both as they come: uploads, downloads,
 * event streams, and with {@link handleUpgrade} WebSockets. Mount it above body parsers:
 * `app.use('/api', relay({ target: 'https://api.example.com/v1' }))`.
 *
 * @throws ConfigurationError that names the option and the cure
 */
export function relay(options: RelayOptions): RequestHandler {
  const config = resolveRelayOptions(options)
  const handOn = createHandOn(config, createApiExchange(config))

  return async function relay(req: Request, res: Response, next: NextFunction): Promise<void> {
    try {
      const context = contextOf(req)
      try {
        await handOn(context)
      } catch (error) {
        if (!isAuthError(error) || error instanceof ConfigurationError) throw error
        if (error instanceof RefusedError) tellRefused(context, error)
        answerProblem(req, res, error, context.config)
      }
    } catch (error) {
      next(asError(error))
    }
  }
}
