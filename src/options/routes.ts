// The option `routes`: where this middleware answers.
import { comparablePath } from './app-paths.ts'
import { group, onlyKnown, optionError } from './read-option.ts'

/**
 * The paths of the middleware's own routes.
 *
 * @example auth({ routes: { login: '/sign-in', backchannelLogout: false, postLogoutRedirect: '/goodbye' } })
 */
export interface Routes {
  /**
   * `GET`, with `?return_to=/path`: 302 to the provider, and later back to `/path`. Also the `initiate_login_uri` for
   * logins that the provider begins (`iss`, `login_hint`, `target_link_uri`), by `POST` too. @defaultValue `'/login'`
   */
  login: string | false
  /** `GET`: 303 to where the login began; `POST` too with `response_mode=form_post`. @defaultValue `'/callback'` */
  callback: string
  /** `POST`, and `GET` from your own pages: the session is gone first; then 303 to the provider's logout, or a page that leads there, below a policy with `form-action`. @defaultValue `'/logout'` */
  logout: string | false
  /**
   * `GET`: `{ authenticated, user?, session? }`, for the page; asking does not keep a session from its idle end.
   * @defaultValue `'/me'`
   */
  user: string | false
  /**
   * `POST`: the provider's own logout ends the sessions here. Enter `BASE_URL` + this path there.
   * @defaultValue `'/backchannel-logout'`
   */
  backchannelLogout: string | false
  /** Where the browser lands after a logout: a page of yours. @defaultValue `'/'` */
  postLogoutRedirect: string
  /**
   * With `providers`: a page of yours that offers the choice, by links to `/login?provider=NAME` with the query that it was
   * given. A login that names no provider is sent there. @defaultValue `false`: the first provider
   */
  chooseProvider: string | false
}

const DEFAULTS: Readonly<Routes> = {
  login: '/login',
  callback: '/callback',
  logout: '/logout',
  user: '/me',
  backchannelLogout: '/backchannel-logout',
  postLogoutRedirect: '/',
  chooseProvider: false,
}

export function resolveRoutes(options: unknown): Readonly<Routes> {
  const routes = group(options, 'routes')
  onlyKnown(routes, Object.keys(DEFAULTS), 'routes.')
  for (const [name, path] of Object.entries(routes)) {
    const mayBeOff = name !== 'callback' && name !== 'postLogoutRedirect'
    if (path === undefined || (path === false && mayBeOff)) continue
    if (typeof path !== 'string' || !/^\/(?!\/)[^?#\\\s]*$/.test(path)) {
      throw optionError(`routes.${name}`, `must be a path such as '/${name}'${mayBeOff ? ', or false' : ''}`)
    }
  }
  const given = Object.entries(routes).filter(([, path]) => path !== undefined)
  const resolved: Routes = { ...DEFAULTS, ...Object.fromEntries(given) }
  const { postLogoutRedirect: _, chooseProvider: __, ...mounted } = resolved
  const own = Object.values(mounted).filter((path) => path !== false)
  if (new Set(own.map(comparablePath)).size < own.length) {
    throw optionError(
      'routes',
      'must be paths that differ: two of login, callback, logout, user and backchannelLogout are the same',
    )
  }
  const { chooseProvider } = resolved
  if (chooseProvider !== false && own.map(comparablePath).includes(comparablePath(chooseProvider)))
    throw optionError(
      'routes.chooseProvider',
      `must be a page of yours, and ${chooseProvider} is answered by auth() itself`,
    )
  return Object.freeze(resolved)
}
