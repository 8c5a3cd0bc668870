// What `auth()` leaves on a request for the guards and routes below it.
import type { Request, Response } from 'express'
import type { RequestCookies } from '../cookies/cookies.ts'
import { ConfigurationError } from '../errors/errors.ts'
import { shared } from '../lib/shared.ts'
import { createSideTable } from '../lib/side-table.ts'
import type { CurrentSession } from './current-session.ts'
import type { Services } from './services.ts'

/** What one request brings. */
interface RequestParts {
  readonly req: Request
  readonly res: Response
  readonly cookies: RequestCookies
  readonly session: CurrentSession
}

export interface RequestContext extends Services, RequestParts {}

/** Beside the request and not on it, so that nothing that prints a request can print a token. */
const contexts = shared('contexts', () => createSideTable<Request, RequestContext | 'of two'>())

export function setContext(services: Services, parts: RequestParts): RequestContext {
  const context = contextIn(services, parts)
  contexts.set(parts.req, context)
  return context
}

/** As another realm sees it: its own services, and the session that is there, whosever it is. */
export function contextIn(services: Services, { req, res, cookies, session }: RequestParts): RequestContext {
  const { config, events, operations, log, store, provider, renewer, sessions, logins, watch, realms } =
    services
  // Written out, since V8 gives what is added to a spread another shape each time, for some microseconds a request.
  return {
    config,
    events,
    operations,
    log,
    store,
    provider,
    renewer,
    sessions,
    logins,
    watch,
    realms,
    req,
    res,
    cookies,
    session,
  }
}

/** By which the request is answered, once its session is known. */
export function knownConfig(req: Request): Services['config'] | undefined {
  const context = contexts.get(req)
  return context === 'of two' ? undefined : context?.config
}

/** Whether this `auth()` ran for the request already, or another one. */
export function ranBefore(
  req: Request,
  { operations }: Pick<Services, 'operations'>,
): 'this' | 'another' | undefined {
  const context = contexts.get(req)
  if (context === undefined) return undefined
  // One `auth()` has one of these, whichever realm of its serves the request.
  return context !== 'of two' && context.operations === operations ? 'this' : 'another'
}

/**
 * A request that two `auth()` saw has nobody's session: whoever asks for one is told so. A page that nobody has, below one of
 * them, is not found as before.
 */
export function forgetContext(req: Request, res: Response): void {
  contexts.set(req, 'of two')
  for (const side of [req, res]) Object.defineProperty(side, 'oidc', OF_TWO)
}

const OF_TWO: PropertyDescriptor = {
  configurable: true,
  get() {
    throw mountedTwice()
  },
}

function mountedTwice(): ConfigurationError {
  return new ConfigurationError(
    'auth_mounted_twice',
    'Two auth() ran for this request, and each would take the session of the other for none: mount one of them, or each on paths of its own.',
  )
}

/** @throws ConfigurationError where no `auth()` ran for this request, or two did */
export function contextOf(req: Request): RequestContext {
  const context = contexts.get(req)
  if (context === 'of two') throw mountedTwice()
  if (context === undefined) {
    throw new ConfigurationError(
      'auth_not_mounted',
      'No auth() ran for this request: put app.use(auth()) above it.',
    )
  }
  return context
}
