// The request line, read by ourselves: what Express makes of a query differs by version and by setting.
import type { Request, Response } from 'express'
import { RefusedError } from '../errors/errors.ts'

/** @throws RefusedError (405) for any other method (RFC 9110 §15.5.6) */
export function onlyMethods({ req, res }: Exchange, methods: readonly string[], message?: string): void {
  if (methods.includes(req.method)) return
  res.set('allow', methods.join(', '))
  throw new RefusedError('method_not_allowed', 405, message ?? `Use ${methods.join(' or ')} here.`)
}

interface Exchange {
  readonly req: Request
  readonly res: Response
}

export function queryOf(req: Request): URLSearchParams {
  const at = req.url.indexOf('?')
  return new URLSearchParams(at < 0 ? '' : req.url.slice(at + 1))
}
