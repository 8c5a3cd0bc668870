// A site: the app as browsers have it under one address, with its cookies, its paths, and the realms that people log in at.
import type { Request, Response } from 'express'
import { createLoginTransactions } from '../cookies/login-cookies.ts'
import {
  createSessionCookie,
  type KnownHeaders,
  type ReadCookies,
  type SessionCookie,
} from '../cookies/session-cookie.ts'
import { createMisplacedCallbackLog } from '../login/misplaced-callback.ts'
import type { Config } from '../options/config.ts'
import { namesOf } from '../record/owner.ts'
import { type MountedRoutes, mountRoutes } from '../routes.ts'
import { createExpressSession } from '../session/express-session.ts'
import { createRealms, type Realms } from '../session/realms.ts'
import type { Services } from '../session/services.ts'
import { CookieSession, isMounted, mountedSession, type SessionBinding } from '../session/session-binding.ts'
import type { RealmServices, SharedServices } from './realm-services.ts'

export interface Site extends Pick<SharedServices, 'events' | 'log'> {
  /** What is not of one realm alone; the rest of it is the first one's. */
  readonly config: Config
  readonly realms: Realms<Services>
  readonly cookie: SessionCookie
  readonly routes: MountedRoutes
  /** An express-session that the app mounted above keeps its own id. */
  bindingOf(req: Request, res: Response, cookies: ReadCookies): SessionBinding
  /** Tells the log, where a request to one of our routes, or to none of them, shows that they are at another place. */
  tellMisplaced(req: Request, isOurs: boolean): void
}

export interface SiteRealm {
  /** With the address of the site. */
  readonly config: Config
  readonly services: RealmServices
}

/** Before all realms of the site are there. */
type Unfinished = Omit<Services, 'realms'> & { realms: Realms<Services> | undefined }

/** @param headers what all sites together remember of cookies */
export function createSite(
  given: readonly [SiteRealm, ...SiteRealm[]],
  { events, log, ended }: Pick<SharedServices, 'events' | 'log' | 'ended'>,
  headers?: KnownHeaders,
): Site {
  const [first, ...others] = given
  const { config, services } = first
  const configs = given.map((realm) => realm.config)
  const cookie = createSessionCookie(config, headers)
  const logins = createLoginTransactions(
    config,
    configs.some(({ formPost }) => formPost),
  )
  const { appData } = services.store
  const appSession = createExpressSession(config, appData, cookie, events)
  const parts = { cookie, appSession, appData, ended }
  const names = new Set<unknown>(configs.flatMap(namesOf))
  // What is older than owners is older than tenants.
  if (config.tenant === undefined || config.isFormer) names.add(undefined)
  const isOurs = (owner: unknown) => names.has(owner)
  const servicesOf = (realm: SiteRealm): Unfinished => ({
    ...realm.services,
    config: realm.config,
    logins,
    realms: undefined,
  })
  const all = [servicesOf(first), ...others.map(servicesOf)] as [Services, ...Services[]]
  const realms = createRealms(all)
  // No accessor: with one of its own each of many sites would be an object of another shape to the engine.
  for (const own of all as Unfinished[]) own.realms = realms

  return {
    config,
    events,
    log,
    realms,
    cookie,
    routes: mountRoutes(config),
    bindingOf: (req, res, { session }) =>
      isMounted(req) ? mountedSession(req, isOurs) : new CookieSession(req, res, session, parts),
    tellMisplaced: createMisplacedCallbackLog(config),
  }
}
