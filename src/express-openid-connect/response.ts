// `res.oidc` with the members of express-openid-connect over those of this package.
import type { ResponseOidc } from '../index.ts'
import type { AuthorizationParameters, LoginOptions, LogoutOptions } from './arguments.ts'
import type { LayerConfig } from './config-params.ts'
import {
  applyCookies,
  argumentError,
  asBrowsersHaveIt,
  comparablePath,
  contextOf,
  triedCookie,
  urlBelow,
} from './inside.ts'
import { logoutParams, written } from './options.ts'
import { type Visit, visitOf } from './visit.ts'

export const RESPONSE_MEMBERS: PropertyDescriptorMap & ThisType<ResponseOidc> = {
  login: {
    get() {
      const visit = visitOf(this)
      return (options?: LoginOptions) => answered(visit, (known) => beginLogin(known, options))
    },
  },
  logout: {
    get() {
      const visit = visitOf(this)
      return (options?: LogoutOptions) => answered(visit, (known) => logOut(known, options))
    },
  },
  callback: {
    get() {
      return async () => {
        throw argumentError(
          'res.oidc.callback()',
          'it',
          'is for routes: { callback: false }; this route is answered already',
        )
      }
    },
  },
  errorOnRequiredAuth: {
    get() {
      return visitOf(this)?.config.errorOnRequiredAuth
    },
  },
}

/** Handlers of that package call without waiting: what fails has to go on by `next`. */
async function answered(visit: Visit | undefined, run: (visit: Visit) => Promise<void>): Promise<void> {
  if (visit === undefined) return
  try {
    await run(visit)
  } catch (error) {
    visit.next(error)
  }
}

/** @throws what this package's own `res.oidc.login()` throws */
export async function beginLogin(visit: Visit, options: LoginOptions = {}): Promise<void> {
  const { req, config, own } = visit
  const { silent = false, authorizationParams = {}, returnTo, ...others } = options
  const page =
    returnTo ??
    (req.method === 'GET' ? asBrowsersHaveIt(req.originalUrl, config.baseURL) : config.baseURL.href)
  const state: unknown = await config.getLoginState(req, { ...options, authorizationParams, returnTo: page })
  if (typeof state !== 'object' || state === null || Array.isArray(state))
    throw argumentError('getLoginState()', 'what it returns', 'must be an object, such as { returnTo }')
  const { returnTo: wanted = config.baseURL.href, ...appState } = state as Record<string, unknown>
  await own.login({
    ...others,
    returnTo: isRoute(wanted, config) ? config.baseURL.href : String(wanted),
    authorizationParams: { ...askedFor(authorizationParams, visit), ...(silent && { prompt: 'none' }) },
    appState: withPage(appState, wanted),
  })
}

/** The page is remembered anyway; a long one would leave no room beside it. */
function withPage(appState: Record<string, unknown>, returnTo: unknown): Record<string, unknown> {
  const both = { ...appState, returnTo }
  return Buffer.byteLength(JSON.stringify(both)) <= MOST_BYTES ? both : appState
}

/** Of `appState`. */
const MOST_BYTES = 1000

/** Who came back to it would log in or out again. */
function isRoute(page: unknown, { baseURL, login, logout }: LayerConfig): boolean {
  if (typeof page !== 'string' || !URL.canParse(page, baseURL.href)) return false
  const { origin, pathname } = new URL(page, baseURL)
  if (origin !== baseURL.origin) return false
  const path = comparablePath(pathname)
  return [login, logout].some(
    (route) => route !== false && comparablePath(urlBelow(baseURL, route).pathname) === path,
  )
}

/** What is so for all logins may be said again. */
function askedFor(params: AuthorizationParameters, { req, config }: Visit): Record<string, string> {
  const { response_type: type, response_mode: mode, redirect_uri: uri, ...others } = params
  if (uri !== undefined && uri !== config.redirectURI)
    throw argumentError(
      'res.oidc.login()',
      'authorizationParams.redirect_uri',
      `must be ${config.redirectURI}, or another one for all logins: in the authorizationParams of auth()`,
    )
  const { formPost } = contextOf(req).config
  return written({
    ...others,
    ...(type !== 'code' && type !== 'code id_token' && { response_type: type }),
    ...(mode !== (formPost ? 'form_post' : 'query') && { response_mode: mode }),
  })
}

/** @throws what this package's own `res.oidc.logout()` throws */
export async function logOut(visit: Visit, options: LogoutOptions = {}): Promise<void> {
  const { req, res, config, own } = visit
  const { returnTo = config.postLogoutRedirect, logoutParams: params, ...others } = options
  const { pathname } = config.baseURL
  const isURL = /^[a-z][a-z\d+.-]*:|^[\\/]{2}/i.test(returnTo)
  // Whoever leaves is not brought back by a page that looks for them at the provider.
  applyCookies(res, [triedCookie(contextOf(req).config)])
  await own.logout({
    ...others,
    returnTo: isURL ? returnTo : `${pathname.replace(/\/$/, '')}/${returnTo.replace(/^\/+/, '')}`,
    ...(params !== undefined && { params: logoutParams(params, 'logoutParams') }),
  })
}
