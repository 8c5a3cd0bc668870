// What `auth()` leaves on a request for the guards and routes below it.
import type { Request, Response } from 'express'
import type { AuthRecords } from './auth-records/auth-records.ts'
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

export interface RequestContext extends House {
  readonly req: Request
  readonly res: Response
  readonly cookies: RequestCookies
  readonly session: CurrentSession
}

/** Beside the request and not on it, so that nothing that prints a request can print a token. */
const contexts = new WeakMap<Request, RequestContext>()

export function setContext(context: RequestContext): void {
  contexts.set(context.req, context)
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
