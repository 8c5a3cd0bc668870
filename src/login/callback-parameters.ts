// The parameters of a callback, from the query or a form, and nothing that is not one of them.
import { RefusedError } from '../errors/errors.ts'
import { readForm } from '../http/form.ts'
import { onlyMethods, queryOf } from '../http/method-and-query.ts'
import type { RequestContext } from '../session/request-context.ts'
import { isAt } from './callback-provider.ts'

/** @throws RefusedError for what cannot be the answer to a login */
export async function callbackParameters(context: RequestContext): Promise<URLSearchParams> {
  const takesForms = context.realms.all.some(({ config }) => config.formPost && isAt(context, config))
  onlyMethods(context, takesForms ? ['GET', 'POST'] : ['GET'])
  const parameters =
    context.req.method === 'POST' ? await readForm(context.req, context.res, malformed) : queryOf(context.req)
  const seen = new Set<string>()
  for (const name of parameters.keys()) {
    // RFC 6749 §3.1; and `state[]`, `code[x]` are parameters that nobody defined.
    if (seen.has(name)) throw malformed('has a parameter more than once')
    seen.add(name)
    if (/^(?:code|state|iss|error)\W/.test(name)) throw malformed('has a parameter that is none')
  }
  if (!parameters.get('state')) throw malformed("has no 'state'")
  const answers = ['code', 'error'].filter((name) => parameters.has(name))
  // After a form the answer is in the login's cookie.
  const elsewhere = takesForms && context.req.method === 'GET'
  if (answers.length !== 1 && !(elsewhere && answers.length === 0)) {
    throw malformed("must have either 'code' or 'error'")
  }
  return parameters
}

function malformed(how: string, reason?: string): RefusedError {
  return new RefusedError('callback_malformed', 400, `The callback ${how}. Begin the login again.`, {
    reason,
  })
}
