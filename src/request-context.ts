// What `auth()` leaves on a request for the guards and routes below it.
import type { Request, Response } from 'express'
import type { AuthRecords } from './auth-records/auth-records.ts'
import { createBeside } from './beside.ts'
import type { Config } from './config.ts'
import type { CurrentSession } from './current-session.ts'
import { ConfigurationError } from './errors.ts'
import type { AuthEventEmitter } from './events.ts'
import type { LoginTransactions, RequestCookies } from './login-transaction.ts'
import type { Provider } from './provider.ts'
import type { Renewer } from './renewal/renew.ts'
import type { SessionRegister } from './sessions.ts'

/** The rooms of one `auth()`. */
export interface House {
  readonly config: Config
  readonly events: AuthEventEmitter
  readonly records: AuthRecords
  readonly provider: Provider
  readonly renewer: Renewer
  readonly sessions: SessionRegister
  readonly logins: LoginTransactions
}

/** What one request brings. */
interface Visit {
  readonly req: Request
  readonly res: Response
  readonly cookies: RequestCookies
  readonly session: CurrentSession
}

export interface RequestContext extends House, Visit {}

/** Beside the request and not on it, so that nothing that prints a request can print a token. */
const contexts = createBeside<Request, RequestContext>()

export function setContext(house: House, { req, res, cookies, session }: Visit): RequestContext {
  const { config, events, records, provider, renewer, sessions, logins } = house
  // Written out, since V8 gives what is added to a spread another shape each time, for some microseconds a request.
  const context = { config, events, records, provider, renewer, sessions, logins, req, res, cookies, session }
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
