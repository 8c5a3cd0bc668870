// How the bank and its API say no: problem details (RFC 9457).
import type { NextFunction, Request, Response } from 'express'

type HttpError = Error & { status?: number; headers?: Record<string, string> }

export function sendProblem(res: Response, status: number, code: string, detail: string): void {
  res
    .status(status)
    .set('Cache-Control', 'no-store')
    .type('application/problem+json')
    .send(JSON.stringify({ status, code, detail }))
}

export function answerNotFound(_req: Request, res: Response): void {
  sendProblem(res, 404, 'not_found', 'There is nothing at this address.')
}

// Express recognises an error handler by its four parameters.
export function answerError(error: HttpError, _req: Request, res: Response, next: NextFunction): void {
  const { status = 500 } = error
  if (res.headersSent) {
    next(error)
  } else if (status < 500) {
    sendProblem(res, status, 'bad_request', 'The bank could not read this request.')
  } else {
    // The stack alone: an error's other properties can hold what was sent.
    console.error(error.stack)
    sendProblem(res, status, 'server_error', 'Something went wrong at the bank.')
  }
}
