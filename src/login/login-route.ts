// /login: begun by our own pages, by a guard that needs more, or by the provider or another site (OpenID Connect Core §4).
import { RefusedError } from '../errors/errors.ts'
import { readForm } from '../http/form.ts'
import { onlyMethods, queryOf } from '../http/method-and-query.ts'
import { requirePageLoad } from '../http/navigation.ts'
import { redirect } from '../http/redirect.ts'
import { LONGEST_PATH } from '../http/return-to.ts'
import { crossSiteRefused, isCrossOrigin } from '../http/same-origin.ts'
import { urlBelow } from '../options/app-paths.ts'
import { readStepUp } from '../record/step-up.ts'
import type { RequestContext } from '../session/request-context.ts'
import { askedByLink, LONGEST_VALUE, malformed, oneOf, tellLeftOut } from './asked-parameters.ts'
import { beginLogin, type LoginRequest } from './begin.ts'
import { atIssuer, atLinked, letChoose } from './which-provider.ts'

/** OpenID Connect Core §4. */
const ELSEWHERE = ['iss', 'login_hint', 'target_link_uri']
const HERE = ['return_to', 'max_age', 'acr_values', 'again']
/** Where there are several. */
const WITH = 'provider'

export async function login(context: RequestContext): Promise<void> {
  onlyMethods(context, ['GET', 'POST'])
  requirePageLoad(context.req)
  if (context.req.method === 'POST') return comeByGet(context)
  const asked = queryOf(context.req)
  if (asked.has('iss')) {
    const { from, request } = await elsewhere(context, asked)
    return beginLogin(from, request)
  }
  const request = here(context, asked)
  const name = hasSeveral(context) ? oneOf(asked, WITH) : undefined
  if (!name) {
    if (await letChoose(context, taken(context, asked))) return
    return beginLogin(context, request)
  }
  await beginLogin(atLinked(context, name), request)
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
      [...asked].filter(
        ([name, value]) => namesElsewhere(context).includes(name) && value.length <= LONGEST_PATH,
      ),
    )
    redirect(res, 303, `${urlBelow(config.baseURL, config.routes.login || '').pathname}?${query}`)
  } catch (error) {
    throw error instanceof RefusedError && isCrossOrigin(req, config.origins) ? crossSiteRefused() : error
  }
}

function here(context: RequestContext, query: URLSearchParams): LoginRequest {
  const returnTo = query.getAll('return_to')
  const stepUp = stepUpOf(oneOf(query, 'max_age'), oneOf(query, 'acr_values'))
  const asked = askedByLink(query, context)
  if (stepUp !== undefined && asked.prompt === 'none')
    throw malformed("has 'prompt=none' beside 'max_age' or 'acr_values'")
  tellLeftOut(context, query, namesHere(context))
  return {
    returnTo: returnTo.length === 1 ? returnTo[0] : undefined,
    stepUp,
    asked,
    attempts: Number(/^[1-9]$/.exec(oneOf(query, 'again') ?? '')?.[0] ?? 0),
  }
}

/** Begun by a third party: by a provider of ours, or by somebody who names it. */
async function elsewhere(
  context: RequestContext,
  query: URLSearchParams,
): Promise<{ from: RequestContext; request: LoginRequest }> {
  const from = await atIssuer(
    context,
    oneOf(query, 'iss'),
    hasSeveral(context) ? oneOf(query, WITH) : undefined,
  )
  if (from === undefined) throw malformed("names an 'iss' that is not this site's provider, or none")
  const loginHint = oneOf(query, 'login_hint')
  if (loginHint !== undefined && loginHint.length > LONGEST_VALUE)
    throw malformed("has a 'login_hint' that is too long")
  const target = oneOf(query, 'target_link_uri')
  tellLeftOut(context, query, namesElsewhere(context))
  // `target_link_uri` comes from outside: it is verified (§4) as every page to return to is.
  const asked: Record<string, string> = loginHint === undefined ? {} : { login_hint: loginHint }
  return { from, request: { returnTo: target, asked } }
}

function hasSeveral({ config }: RequestContext): boolean {
  return config.providerNames.length > 0
}

function namesHere(context: RequestContext): string[] {
  return [...HERE, ...(hasSeveral(context) ? [WITH] : []), ...context.config.login.params]
}

function namesElsewhere(context: RequestContext): string[] {
  return [...ELSEWHERE, ...(hasSeveral(context) ? [WITH] : [])]
}

function taken(context: RequestContext, query: URLSearchParams): URLSearchParams {
  return new URLSearchParams([...query].filter(([name]) => namesHere(context).includes(name)))
}

function stepUpOf(maxAge: string | undefined, acrValues: string | undefined) {
  if (maxAge === undefined && acrValues === undefined) return undefined
  const seconds = maxAge !== undefined && /^\d{1,9}$/.test(maxAge) ? Number(maxAge) : maxAge
  const stepUp = readStepUp(seconds, acrValues?.split(' ') ?? [])
  if (stepUp === undefined) throw malformed("has a 'max_age' or 'acr_values' that cannot be asked for")
  return stepUp
}
