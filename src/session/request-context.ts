// What `auth()` leaves on a request for the guards and routes below it.
import type { Request, Response } from 'express'
import type { RequestCookies } from '../cookies/cookies.ts'
import { ConfigurationError } from '../errors.ts'
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
const contexts = createSideTable<Request, RequestContext>()

export function setContext(services: Services, { req, res, cookies, session }: RequestParts): RequestContext {
  const { config, events, store, provider, renewer, sessions, logins } = services
  // Written out, since V8 gives what is added to a spread another shape each time, for some microseconds a request.
  const context = { config, events, store, provider, renewer, sessions, logins, req, res, cookies, session }
  contexts.set(req, context)
  return context
}

/** @throws ConfigurationError where no `auth()` ran for this request */
export function contextOf(req: Request): RequestContext {
  const context = contexts.get(req)
  if (context === undefined) {
    throw new ConfigurationError(
      'auth_not_mounted',
      'No auth() ran for this request: put app.use(auth()) above it.',
    )
  }
  return context
}
