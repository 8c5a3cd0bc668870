// /login: begun by our own pages, by a guard that needs more, or by the provider or another site (OpenID Connect Core §4).
import { RefusedError } from '../errors.ts'
import { beginLogIn, type LogInRequest } from '../log-in.ts'
import type { RequestContext } from '../request-context.ts'
import { crossSite, isCrossOrigin } from '../same-origin.ts'
import { readStepUp } from '../step-up.ts'
import { readForm } from './form.ts'
import { onlyMethods, queryOf } from './method-and-query.ts'

const LONGEST_HINT = 512

export async function login(context: RequestContext): Promise<void> {
  onlyMethods(context, ['GET', 'POST'])
  const { req } = context
  if (req.method === 'POST') return beginLogIn(context, await posted(context))
  const asked = queryOf(req)
  await beginLogIn(context, asked.has('iss') ? await elsewhere(context, asked) : here(asked))
}

/** Another site may post here only what the provider itself could. */
async function posted(context: RequestContext): Promise<LogInRequest> {
  const { config, req, res } = context
  try {
    return await elsewhere(context, await readForm(req, res, malformed))
  } catch (error) {
    throw error instanceof RefusedError && isCrossOrigin(req, config.origins) ? crossSite() : error
  }
}

function here(asked: URLSearchParams): LogInRequest {
  const returnTo = asked.getAll('return_to')
  return {
    returnTo: returnTo.length === 1 ? returnTo[0] : undefined,
    stepUp: stepUpOf(one(asked, 'max_age'), one(asked, 'acr_values')),
  }
}

/** Begun by a third party: by our provider, or by somebody who names it. */
async function elsewhere({ provider }: RequestContext, asked: URLSearchParams): Promise<LogInRequest> {
  const iss = one(asked, 'iss')
  if (iss === undefined || iss !== (await provider.issuer())) {
    throw malformed("names an 'iss' that is not this site's provider, or none")
  }
  const loginHint = one(asked, 'login_hint')
  if (loginHint !== undefined && loginHint.length > LONGEST_HINT)
    throw malformed("has a 'login_hint' that is too long")
  // `target_link_uri` comes from outside: no open redirector (§4), so only a page of ours is taken.
  return { returnTo: one(asked, 'target_link_uri'), loginHint }
}

function stepUpOf(maxAge: string | undefined, acrValues: string | undefined) {
  if (maxAge === undefined && acrValues === undefined) return undefined
  const seconds = maxAge !== undefined && /^\d{1,9}$/.test(maxAge) ? Number(maxAge) : maxAge
  const stepUp = readStepUp(seconds, acrValues?.split(' ') ?? [])
  if (stepUp === undefined) throw malformed("has a 'max_age' or 'acr_values' that cannot be asked for")
  return stepUp
}

function one(asked: URLSearchParams, name: string): string | undefined {
  const values = asked.getAll(name)
  // RFC 6749 §3.1
  if (values.length > 1) throw malformed(`has '${name}' more than once`)
  return values[0]
}

function malformed(how: string): RefusedError {
  return new RefusedError('login_malformed', 400, `The request to log in ${how}.`)
}
