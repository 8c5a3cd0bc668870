// The parameters of a callback, from the query or a form, and nothing that is not one of them.
import { urlencoded } from 'express'
import { RefusedError } from '../errors.ts'
import type { RequestContext } from '../request-context.ts'
import { onlyMethods, queryOf } from './method-and-query.ts'

const MOST_FORM_BYTES = '64kb'

/** @throws RefusedError for what cannot be the answer to a log-in */
export async function callbackParameters(context: RequestContext): Promise<URLSearchParams> {
  onlyMethods(context, context.config.formPost ? ['GET', 'POST'] : ['GET'])
  const parameters = context.req.method === 'POST' ? await formOf(context) : queryOf(context.req)
  for (const name of new Set(parameters.keys())) {
    // RFC 6749 §3.1; and `state[]`, `code[x]` are parameters that nobody defined.
    if (parameters.getAll(name).length > 1) throw malformed('has a parameter more than once')
    if (/^(?:code|state|iss|error)\W/.test(name)) throw malformed('has a parameter that is none')
  }
  if (!parameters.get('state')) throw malformed("has no 'state'")
  const answers = ['code', 'error'].filter((name) => parameters.has(name))
  // After a form the answer is in the log-in's cookie.
  const elsewhere = context.config.formPost && context.req.method === 'GET'
  if (answers.length !== 1 && !(elsewhere && answers.length === 0)) {
    throw malformed("must have either 'code' or 'error'")
  }
  return parameters
}

async function formOf({ req, res }: RequestContext): Promise<URLSearchParams> {
  if (!req.is('application/x-www-form-urlencoded')) {
    throw new RefusedError(
      'unsupported_media_type',
      415,
      'The callback takes application/x-www-form-urlencoded.',
    )
  }
  const parse = urlencoded({ extended: false, limit: MOST_FORM_BYTES })
  await new Promise<void>((resolve, reject) => {
    parse(req, res, (error?: unknown) => (error === undefined ? resolve() : reject(unreadable(error))))
  })
  const fields = Object.entries((req.body ?? {}) as Record<string, unknown>)
  // A parser of the app's own may have run before: twice the same name is a list by then, or an object.
  const odd = fields.some(([, value]) => typeof value !== 'string')
  if (odd) throw malformed('has a parameter more than once')
  return new URLSearchParams(fields as [string, string][])
}

function unreadable(error: unknown): RefusedError {
  return (error as { status?: unknown }).status === 413
    ? new RefusedError('content_too_large', 413, 'The form is too large.')
    : malformed('cannot be read')
}

function malformed(how: string): RefusedError {
  return new RefusedError('callback_malformed', 400, `The callback ${how}. Begin the log-in again.`)
}
