// A form that somebody posted to one of our routes: small, of the right kind, each field once.
import { type Request, type Response, urlencoded } from 'express'
import { RefusedError } from '../errors/errors.ts'

const parse = urlencoded({ extended: false, limit: '64kb' })

/**
 * @param malformed the error for what cannot be read; `reason` is for operators
 * @throws RefusedError 413, 415, or that one
 */
export async function readForm(
  req: Request,
  res: Response,
  malformed: (how: string, reason?: string) => RefusedError,
): Promise<URLSearchParams> {
  if (!req.is('application/x-www-form-urlencoded')) {
    throw new RefusedError(
      'unsupported_media_type',
      415,
      'This route takes application/x-www-form-urlencoded.',
    )
  }
  if (isReadAlready(req)) throw malformed('cannot be read', READ_ALREADY)
  await new Promise<void>((resolve, reject) => {
    parse(req, res, (error?: unknown) => {
      if (error === undefined) resolve()
      else if ((error as { status?: unknown }).status === 413)
        reject(new RefusedError('content_too_large', 413, 'The form is too large.'))
      else reject(malformed('cannot be read'))
    })
  })
  const fields = Object.entries((req.body ?? {}) as Record<string, unknown>)
  // A parser of the app's own may have run before: twice the same name is a list by then, or an object.
  const odd = fields.some(([, value]) => typeof value !== 'string')
  if (odd) throw malformed('has a parameter more than once')
  return new URLSearchParams(fields as [string, string][])
}

const READ_ALREADY =
  'its form was read before auth() could read it, by a body parser that makes no fields of it, such as express.text() or express.raw(): put auth() above it'

function isReadAlready({ body, readableEnded }: Request): boolean {
  return typeof body === 'string' || body instanceof Uint8Array || (readableEnded && body === undefined)
}
