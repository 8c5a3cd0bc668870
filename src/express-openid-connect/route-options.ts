// The option `routes`, and the address that the provider comes back to.
import type { RoutesParams } from './config-params.ts'
import { flag, group, optionError } from './inside.ts'
import type { Row, Rows } from './row.ts'

export const ROUTES: Rows<RoutesParams> = {
  // These two are answered in this folder, as that package answers them.
  login: (value) => ({
    core: { routes: { login: false } },
    layer: { login: path(value, 'routes.login', '/login') },
  }),
  logout: (value) => ({
    core: { routes: { logout: false } },
    layer: { logout: path(value, 'routes.logout', '/logout') },
  }),
  callback,
  postLogoutRedirect,
  backchannelLogout: (value, { backchannelLogout }) => ({
    core: {
      routes: {
        // It has no `/me`, so that path is the app's.
        user: false,
        backchannelLogout:
          isOn(backchannelLogout) && path(value, 'routes.backchannelLogout', '/backchannel-logout'),
      },
    },
  }),
}

function path(value: unknown, option: string, fallback: string): string | false {
  if (value === undefined) return fallback
  if (value === false) return false
  const given = typeof value === 'string' ? value.replace(/^(?!\/)/, '/') : ''
  if (/^\/(?!\/)[^?#\\\s]*$/.test(given)) return given
  throw optionError(option, `must be a path such as '${fallback}', or false`)
}

/** Its hooks are refused, one by one: what they were for is done already, and by nobody else. */
function isOn(given: unknown): boolean {
  if (typeof given !== 'object' || given === null) return flag(given, 'backchannelLogout', false)
  for (const hook of ['onLogoutToken', 'isLoggedOut', 'onLogin']) {
    if ((given as Record<string, unknown>)[hook] === undefined) continue
    throw optionError(
      `backchannelLogout.${hook}`,
      "cannot be had: a logout token ends the sessions at once, on every server; listen to bff.on('session-ended', …), and leave it out",
    )
  }
  return true
}

/** With `false` the app answers that path itself. With `redirect_uri` both have to mean the same. */
function callback(value: unknown, all: Readonly<Record<string, unknown>>): ReturnType<Row> {
  const option = 'authorizationParams.redirect_uri'
  const { redirect_uri: uri } = group(all.authorizationParams, 'authorizationParams')
  const base = baseOf(all)
  const given = path(value, 'routes.callback', '/callback')
  const own = uri === undefined ? given || '/callback' : pathBelow(uri, base)
  if (own === undefined || (given !== false && value !== undefined && own !== given))
    throw optionError(
      option,
      `must be an address below baseURL${given ? ` (${base}${given})` : ''}: the session's cookie comes nowhere else`,
    )
  return {
    core: { routes: { callback: own } },
    layer: { redirectURI: base + own, ...(given === false && { callbackOfApp: own }) },
  }
}

function postLogoutRedirect(value: unknown, all: Readonly<Record<string, unknown>>): ReturnType<Row> {
  const option = 'routes.postLogoutRedirect'
  const base = baseOf(all)
  if (value === undefined) return { layer: { postLogoutRedirect: `${base}/` } }
  if (typeof value !== 'string') throw optionError(option, 'must be a path, or the URL of a page')
  const isURL = /^https?:/i.test(value) && URL.canParse(value)
  const page = isURL ? new URL(value) : undefined
  const isElsewhere = page !== undefined && URL.canParse(base) && page.origin !== new URL(base).origin
  return {
    layer: { postLogoutRedirect: isURL ? value : `${base}/${value.replace(/^\/+/, '')}` },
    ...(isElsewhere && { core: { allowedReturnOrigins: [page.origin] } }),
  }
}

function pathBelow(uri: unknown, base: string): string | undefined {
  return typeof uri === 'string' && uri.startsWith(`${base}/`) ? uri.slice(base.length) : undefined
}

/** Without a slash at its end. What is wrong with it, this package says itself. */
export function baseOf({ baseURL = process.env.BASE_URL }: Readonly<Record<string, unknown>>): string {
  return typeof baseURL === 'string' ? baseURL.replace(/\/+$/, '') : 'https://app.example.com'
}

/** @throws ConfigurationError where there are several, which that package does not have */
export function requireOneBase({
  baseURL: given = process.env.BASE_URL,
}: Readonly<Record<string, unknown>>): void {
  if (typeof given === 'object' || String(given).includes(','))
    throw optionError(
      'baseURL (BASE_URL)',
      "must be one URL here: several are an option of this package's own auth()",
    )
}
