// Which path is which route.
import type { Config } from '../config.ts'
import type { RequestContext } from '../request-context.ts'
import { comparablePath } from '../return-to.ts'
import { callback } from './callback.ts'
import { login } from './login.ts'
import { logout } from './logout.ts'
import { user } from './user.ts'

interface Route {
  readonly answer: (context: RequestContext) => void | Promise<void>
  /** It may be sent by another site's page: it brings a proof of its own, or begins nothing but a log-in. */
  readonly fromAnywhere: boolean
  /** It looks at the session as `auth()` keeps it. */
  readonly renews: boolean
}

export interface MountedRoutes {
  find(path: string): Route | undefined
  isCallback(path: string): boolean
  isBackchannelLogout(path: string): boolean
}

export function mountRoutes({ routes: paths }: Config): MountedRoutes {
  const isAt = (wanted: string | false) => (path: string) =>
    wanted !== false && comparablePath(path) === comparablePath(wanted)
  const all: [string | false, Route][] = [
    [paths.login, { answer: login, fromAnywhere: true, renews: false }],
    [paths.callback, { answer: callback, fromAnywhere: true, renews: false }],
    [paths.logout, { answer: logout, fromAnywhere: false, renews: false }],
    [paths.user, { answer: user, fromAnywhere: false, renews: true }],
  ]
  const mounted = new Map(
    all.flatMap(([path, route]) => (path === false ? [] : [[comparablePath(path), route] as const])),
  )
  return {
    find: (path) => mounted.get(comparablePath(path)),
    isCallback: isAt(paths.callback),
    isBackchannelLogout: isAt(paths.backchannelLogout),
  }
}
