// The request line, read by ourselves: what Express makes of a query differs by version and by setting.
import type { Request } from 'express'
import { RefusedError } from '../errors.ts'
import type { RequestContext } from '../request-context.ts'

/** @throws RefusedError (405) for any other method (RFC 9110 §15.5.6) */
export function onlyMethods({ req, res }: RequestContext, methods: readonly string[]): void {
  if (methods.includes(req.method)) return
  res.set('allow', methods.join(', '))
  throw new RefusedError('method_not_allowed', 405, `Use ${methods.join(' or ')} here.`)
}

export function queryOf(req: Request): URLSearchParams {
  const at = req.url.indexOf('?')
  return new URLSearchParams(at < 0 ? '' : req.url.slice(at + 1))
}
