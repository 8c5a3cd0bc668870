// /login: begun by our own pages, by a guard that needs more, or by the provider or another site (OpenID Connect Core §4).
import { RefusedError } from '../errors.ts'
import { readForm } from '../http/form.ts'
import { onlyMethods, queryOf } from '../http/method-and-query.ts'
import { requirePageLoad } from '../http/navigation.ts'
import { redirect } from '../http/redirect.ts'
import { LONGEST_PATH } from '../http/return-to.ts'
import { crossSiteRefused, isCrossOrigin } from '../http/same-origin.ts'
import { urlBelow } from '../options/app-paths.ts'
import { readStepUp } from '../record/step-up.ts'
import type { RequestContext } from '../session/request-context.ts'
import { beginLogin, type LoginRequest } from './begin.ts'

const LONGEST_HINT = 512
/** OpenID Connect Core §4. */
const ELSEWHERE = new Set(['iss', 'login_hint', 'target_link_uri'])

export async function login(context: RequestContext): Promise<void> {
  onlyMethods(context, ['GET', 'POST'])
  requirePageLoad(context.req)
  if (context.req.method === 'POST') return comeByGet(context)
  const asked = queryOf(context.req)
  await beginLogin(context, asked.has('iss') ? await elsewhere(context, asked) : here(asked))
}

/**
 * Another site may post here only what the provider itself could. A GET of our own brings the cookies, by which logins
 * that were begun before make room.
 */
async function comeByGet(context: RequestContext): Promise<void> {
  const { config, req, res } = context
  try {
    const asked = await readForm(req, res, malformed)
    await elsewhere(context, asked)
    const query = new URLSearchParams(
      [...asked].filter(([name, value]) => ELSEWHERE.has(name) && value.length <= LONGEST_PATH),
    )
    redirect(res, 303, `${urlBelow(config.baseURL, config.routes.login || '').pathname}?${query}`)
  } catch (error) {
    throw error instanceof RefusedError && isCrossOrigin(req, config.origins) ? crossSiteRefused() : error
  }
}

function here(asked: URLSearchParams): LoginRequest {
  const returnTo = asked.getAll('return_to')
  return {
    returnTo: returnTo.length === 1 ? returnTo[0] : undefined,
    stepUp: stepUpOf(one(asked, 'max_age'), one(asked, 'acr_values')),
    attempts: Number(/^[1-9]$/.exec(one(asked, 'again') ?? '')?.[0] ?? 0),
  }
}

/** Begun by a third party: by our provider, or by somebody who names it. */
async function elsewhere({ provider }: RequestContext, asked: URLSearchParams): Promise<LoginRequest> {
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
