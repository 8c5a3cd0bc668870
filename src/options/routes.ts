// The option `routes`: where this middleware answers.
import { comparablePath } from './app-paths.ts'
import type { Routes } from './auth-options.ts'
import type { Config } from './config.ts'
import { group, onlyKnown, optionError } from './read-option.ts'

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
      throw optionError(`routes.${name}`, `must be a path such as '/${name}'${mayBeOff ? ', or false' : ''}`)
    }
  }
  const given = Object.entries(routes).filter(([, path]) => path !== undefined)
  const resolved: Routes = { ...defaults, ...Object.fromEntries(given) }
  const { postLogoutRedirect: _, ...mounted } = resolved
  const own = Object.values(mounted).filter((path) => path !== false)
  if (new Set(own.map(comparablePath)).size < own.length) {
    throw optionError(
      'routes',
      'must be paths that differ: two of login, callback, logout, user and backchannelLogout are the same',
    )
  }
  return Object.freeze(resolved)
}
