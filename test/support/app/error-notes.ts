// The end of a test app: errors that reach it are noted, and answered as they would be without that.
import type { ErrorRequestHandler } from 'express'

export function noteErrors(onError: (error: unknown) => void): ErrorRequestHandler {
  return (error, _req, _res, next) => {
    onError(error)
    next(error)
  }
}
