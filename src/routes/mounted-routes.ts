// Which path is which route.
import type { Request, Response } from 'express'
import type { Config } from '../config.ts'
import type { House, RequestContext } from '../request-context.ts'
import { comparablePath } from '../return-to.ts'
import { backchannelLogout } from './backchannel-logout.ts'
import { callback } from './callback.ts'
import { login } from './login.ts'
import { logout } from './logout.ts'
import { user } from './user.ts'

type Route =
  | {
      readonly answer: (context: RequestContext) => void | Promise<void>
      /** It may be sent by another site's page: it brings a proof of its own, or begins nothing but a log-in. */
      readonly fromAnywhere?: true
      /** It looks at the session as `auth()` keeps it. */
      readonly renews?: true
      readonly withoutSession?: never
    }
  /** It comes from a server, and no cookie of it is read. */
  | { readonly withoutSession: (house: House, req: Request, res: Response) => Promise<void> }

export interface MountedRoutes {
  find(path: string): Route | undefined
  isCallback(path: string): boolean
}

export function mountRoutes({ routes: paths }: Config): MountedRoutes {
  const all: [string | false, Route][] = [
    [paths.login, { answer: login, fromAnywhere: true }],
    [paths.callback, { answer: callback, fromAnywhere: true }],
    [paths.logout, { answer: logout }],
    [paths.user, { answer: user, renews: true }],
    [paths.backchannelLogout, { withoutSession: backchannelLogout }],
  ]
  const mounted = new Map(
    all.flatMap(([path, route]) => (path === false ? [] : [[comparablePath(path), route] as const])),
  )
  const callbackPath = comparablePath(paths.callback)
  return {
    find: (path) => mounted.get(comparablePath(path)),
    isCallback: (path) => comparablePath(path) === callbackPath,
  }
}
