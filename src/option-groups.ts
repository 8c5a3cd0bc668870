// The options that are groups of options.
import type { Config } from './config.ts'
import { group, isLoopback, mistake, oneOf, onlyKnown, seconds, text, wholeNumber } from './option-readers.ts'
import type { Routes } from './options.ts'
import { comparablePath } from './return-to.ts'

/** What every log-in makes anew: nobody may fix it in the configuration. */
const RESERVED_PARAMS = [
  'client_id',
  'redirect_uri',
  'state',
  'nonce',
  'code_challenge',
  'code_challenge_method',
]

export function resolveRoutes(options: unknown): Config['routes'] {
  const routes = group(options, 'routes')
  const defaults: Routes = {
    login: '/login',
    callback: '/callback',
    logout: '/logout',
    user: '/me',
    backchannelLogout: '/backchannel-logout',
    postLogoutRedirect: '/',
  }
  onlyKnown(routes, Object.keys(defaults), 'routes.')
  for (const [name, path] of Object.entries(routes)) {
    const mayBeOff = name !== 'callback' && name !== 'postLogoutRedirect'
    if (path === undefined || (path === false && mayBeOff)) continue
    if (typeof path !== 'string' || !/^\/(?!\/)[^?#\\\s]*$/.test(path)) {
      throw mistake(`routes.${name}`, `must be a path such as '/${name}'${mayBeOff ? ', or false' : ''}`)
    }
  }
  const given = Object.entries(routes).filter(([, path]) => path !== undefined)
  const resolved: Routes = { ...defaults, ...Object.fromEntries(given) }
  const { postLogoutRedirect: _, ...mounted } = resolved
  const own = Object.values(mounted).filter((path) => path !== false)
  if (new Set(own.map(comparablePath)).size < own.length) {
    throw mistake(
      'routes',
      'must be paths that differ: two of login, callback, logout, user and backchannelLogout are the same',
    )
  }
  return Object.freeze(resolved)
}

export function resolveAuthorizationParams(
  given: unknown,
  env: NodeJS.ProcessEnv,
  baseURL: URL,
): Config['authorizationParams'] {
  const params: Record<string, string> = { scope: env.SCOPE || 'openid profile email offline_access' }
  // Restricts the access token (RFC 9700 §2.3); `resource` is the standard's word for it (RFC 8707 §2).
  if (env.AUDIENCE) params.audience = env.AUDIENCE
  const { resource: _, ...others } = group(given, 'authorizationParams')
  for (const [name, value] of Object.entries(others)) {
    if (value === undefined) continue
    if (RESERVED_PARAMS.includes(name))
      throw mistake(`authorizationParams.${name}`, 'is made anew for every log-in; leave it out')
    params[name] = text(value, `authorizationParams.${name}`, 'must be a string that is not empty')
  }
  if (!params.scope?.split(' ').includes('openid'))
    throw mistake('authorizationParams.scope (SCOPE)', "must include 'openid'")
  // RFC 10017 §6.1: the authorization code grant, nothing else.
  oneOf(params.response_type, 'authorizationParams.response_type', ['code'], 'code')
  const mode = oneOf(
    params.response_mode,
    'authorizationParams.response_mode',
    ['query', 'form_post'],
    'query',
  )
  // The log-in's cookie has to come back with another site's form: SameSite=None, which browsers take only with
  // Secure, and that over plain http only from this machine.
  if (mode === 'form_post' && baseURL.protocol === 'http:' && !isLoopback(baseURL.hostname)) {
    throw mistake(
      'authorizationParams.response_mode',
      "is form_post, which needs an https baseURL (BASE_URL), or http://localhost: browsers drop the log-in's cookie otherwise. Use https, or leave response_mode out",
    )
  }
  return Object.freeze(params)
}

export function resolveRenewal(given: unknown, env: NodeJS.ProcessEnv): Config['renewal'] {
  const renewal = group(given, 'renewal')
  onlyKnown(
    renewal,
    ['afterSeconds', 'aheadSeconds', 'timeoutSeconds', 'providerReuseSeconds', 'maxConcurrent'],
    'renewal.',
  )
  const afterSeconds = seconds(
    renewal.afterSeconds ?? env.RENEW_AFTER_SECONDS,
    'renewal.afterSeconds (RENEW_AFTER_SECONDS)',
    { fallback: 900 },
  )
  return Object.freeze({
    afterSeconds,
    aheadSeconds: seconds(renewal.aheadSeconds, 'renewal.aheadSeconds', {
      fallback: afterSeconds / 5,
      min: 0,
      max: afterSeconds,
    }),
    timeoutSeconds: seconds(renewal.timeoutSeconds, 'renewal.timeoutSeconds', {
      fallback: 5,
      min: 0.1,
      max: 60,
    }),
    providerReuseSeconds: seconds(renewal.providerReuseSeconds, 'renewal.providerReuseSeconds', {
      fallback: 0,
      min: 0,
    }),
    maxConcurrent: wholeNumber(renewal.maxConcurrent, 'renewal.maxConcurrent', { fallback: 20, min: 1 }),
  })
}

export function resolveSession(given: unknown, baseURL: URL): Config['session'] {
  const session = group(given, 'session')
  onlyKnown(session, ['name', 'idleTimeoutSeconds', 'absoluteTimeoutSeconds', 'cookie'], 'session.')
  const cookie = group(session.cookie, 'session.cookie')
  onlyKnown(cookie, ['sameSite'], 'session.cookie.')
  const secure = baseURL.protocol === 'https:'
  const sameSite = oneOf(cookie.sameSite, 'session.cookie.sameSite', ['lax', 'strict', 'none'], 'lax')
  if (sameSite === 'none' && !secure) {
    throw mistake(
      'session.cookie.sameSite',
      "can be 'none' only on https: browsers drop such a cookie otherwise",
    )
  }
  const name = session.name ?? (secure ? '__Host-Http-bff' : 'bff')
  if (typeof name !== 'string' || !/^[\w!#$%&'*+.^`|~-]+$/.test(name)) {
    throw mistake('session.name', 'must be a cookie name: letters, digits, - and _')
  }
  if (!secure && /^__(?:host|secure)-/i.test(name)) {
    throw mistake('session.name', 'has a prefix that browsers accept only on https; baseURL is http')
  }
  const idleTimeoutSeconds = seconds(session.idleTimeoutSeconds, 'session.idleTimeoutSeconds', {
    fallback: 86_400,
  })
  return Object.freeze({
    name,
    idleTimeoutSeconds,
    absoluteTimeoutSeconds: seconds(session.absoluteTimeoutSeconds, 'session.absoluteTimeoutSeconds', {
      fallback: 604_800,
    }),
    // RFC 10017 §6.1.3.2: Secure, HttpOnly, Path=/, no Domain. Lax and not Strict, since the provider, another
    // site, sends the browser back here.
    cookie: Object.freeze({ path: '/', httpOnly: true, secure, sameSite }),
  })
}
