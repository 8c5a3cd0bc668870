// Which path is which route.
import type { Request, Response } from 'express'
import { callback } from './login/callback.ts'
import { login } from './login/login-route.ts'
import { backchannelLogout } from './logout/backchannel-logout.ts'
import { logout } from './logout/logout-route.ts'
import { user } from './me-route.ts'
import { comparablePath } from './options/app-paths.ts'
import type { Config } from './options/config.ts'
import type { Realms } from './session/realms.ts'
import type { RequestContext } from './session/request-context.ts'
import type { Services } from './session/services.ts'

type Route =
  | {
      readonly answer: (context: RequestContext) => void | Promise<void>
      /** It may be sent by another site's page: it brings a proof of its own, or begins nothing but a login. */
      readonly fromAnywhere?: true
      /** It looks at the session as `auth()` keeps it. */
      readonly renews?: true
      readonly withoutSession?: never
    }
  /** It comes from a server, and no cookie of it is read. */
  | { readonly withoutSession: (realms: Realms<Services>, req: Request, res: Response) => Promise<void> }

export interface MountedRoutes {
  find(path: string): Route | undefined
  isCallback(path: string): boolean
  /** A page of the app's by which people choose how to log in. */
  isOpen(path: string): boolean
}

export function mountRoutes({ routes: paths, callbackPaths }: Config): MountedRoutes {
  const all: [string | false, Route][] = [
    [paths.login, { answer: login, fromAnywhere: true }],
    ...callbackPaths.map((path): [string, Route] => [path, { answer: callback, fromAnywhere: true }]),
    [paths.logout, { answer: logout }],
    [paths.user, { answer: user, renews: true }],
    [paths.backchannelLogout, { withoutSession: backchannelLogout }],
  ]
  const mounted = new Map(
    all.flatMap(([path, route]) => (path === false ? [] : [[comparablePath(path), route] as const])),
  )
  const own = new Set(callbackPaths.map(comparablePath))
  const choice = paths.chooseProvider === false ? undefined : comparablePath(paths.chooseProvider)
  return {
    find: (path) => mounted.get(comparablePath(path)),
    isCallback: (path) => own.has(comparablePath(path)),
    isOpen: (path) => choice !== undefined && comparablePath(path) === choice,
  }
}
