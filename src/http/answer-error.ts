// An error of ours on its way out: to the functions of the app that want to answer it, then as this package does.
import type { NextFunction, Request, Response } from 'express'
import type { AuthError } from '../errors/errors.ts'
import { asError } from '../lib/as-error.ts'
import type { Config } from '../options/config.ts'
import { answerProblem, setErrorHeaders } from './problem.ts'

export interface Exchange {
  readonly req: Request
  readonly res: Response
  readonly next: NextFunction
}

/** @param hooks of the options, in their order; each hands on by `next()`, and an error of its own by `next(error)` */
export async function answerError(
  exchange: Exchange,
  error: AuthError,
  config: Config,
  hooks: readonly Config['onError'][] = [config.onError],
): Promise<void> {
  const { req, res, next } = exchange
  try {
    const [hook, ...others] = hooks.filter((each) => each !== undefined)
    if (hook === undefined) return answerProblem(req, res, error, config)
    setErrorHeaders(res, error)
    await hook(error, req, res, (passedOn?: unknown) => {
      // Express takes 'route' and 'router' for "go on", and then a guard would let everybody through.
      if (passedOn) next(asError(passedOn))
      else if (!res.headersSent) void answerError(exchange, error, config, others)
    })
  } catch (thrown) {
    next(asError(thrown))
  }
}
