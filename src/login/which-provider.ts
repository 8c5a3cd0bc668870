// With which of several providers a login is: the one that is named, the one that the session is of, or one that the person chooses.
import { redirect } from '../http/redirect.ts'
import { pageToReturnTo } from '../http/return-to.ts'
import { tellCaches } from '../lib/caching.ts'
import { urlBelow } from '../options/app-paths.ts'
import { argumentError } from '../options/read-option.ts'
import { contextIn, type RequestContext } from '../session/request-context.ts'
import { unknownProvider } from '../session/required-provider.ts'
import { malformed } from './asked-parameters.ts'

/**
 * @param name none: the session's provider, or the first
 * @returns undefined where there is none of that name
 */
function atProvider(context: RequestContext, name: string | undefined): RequestContext | undefined {
  if (name === undefined || name === context.config.providerName) return context
  const own = context.realms.byName(name)
  return own && contextIn(own, context)
}

/** @throws RefusedError for a name that a link has and nobody else */
export function atLinked(context: RequestContext, name: string | undefined): RequestContext {
  const found = atProvider(context, name)
  if (found === undefined) throw malformed("names a 'provider' that is none of this site's")
  return found
}

/** @throws ConfigurationError for a name that the app's own code has wrong */
export function atNamed(context: RequestContext, name: unknown): RequestContext {
  const found = name === undefined || typeof name === 'string' ? atProvider(context, name) : undefined
  if (found !== undefined) return found
  const fault = unknownProvider(String(name), context.config.providerNames)
  throw argumentError('res.oidc.login()', 'provider', fault)
}

/**
 * Only whose issuer it may be is asked how it writes it: one that is out of reach keeps nobody from another.
 *
 * @param name of two clients there, where it is given
 */
export async function atIssuer(
  context: RequestContext,
  issuer: string | undefined,
  name: string | undefined,
): Promise<RequestContext | undefined> {
  for (const own of issuer === undefined ? [] : context.realms.byIssuer(issuer)) {
    const isMeant = name === undefined || name === own.config.providerName
    if (isMeant && issuer !== undefined && (await own.provider.isIssuer(issuer)))
      return contextIn(own, context)
  }
  return undefined
}

/**
 * Where nobody says with which provider, and the app has a way to ask.
 *
 * @param query of the link to the login that was followed, as far as a login goes by it
 * @returns true where the person is asked, and nothing is left to do
 */
export async function letChoose(context: RequestContext, query: URLSearchParams): Promise<boolean> {
  const { config, req, res, session } = context
  const { chooseProvider, login } = config.routes
  const { onChooseProvider, providerNames } = config
  if (providerNames.length === 0) return false
  if (!session.isAnonymous || (onChooseProvider === undefined && chooseProvider === false)) return false
  if (query.get('prompt') === 'none') return false
  tellCaches(res, 'no-store')
  if (onChooseProvider === undefined) {
    const { pathname } = urlBelow(config.baseURL, chooseProvider || '/')
    redirect(res, req.method === 'POST' ? 303 : 302, query.size === 0 ? pathname : `${pathname}?${query}`)
    return true
  }
  const { pathname } = urlBelow(config.baseURL, login || '/')
  const providers = providerNames.map((name) => {
    const asked = new URLSearchParams(query)
    asked.set('provider', name)
    return { name, loginURL: `${pathname}?${asked}` }
  })
  await onChooseProvider(req, res, { returnTo: pageToReturnTo(query.get('return_to'), config), providers })
  return true
}
