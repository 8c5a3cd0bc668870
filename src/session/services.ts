// The services of one `auth()`, for whoever needs some of them.
import type { LoginTransactions } from '../cookies/login-cookies.ts'
import type { AuthEventEmitter } from '../events/events.ts'
import type { Operations } from '../events/operations.ts'
import type { LimitedLog } from '../lib/limited-log.ts'
import type { Config } from '../options/config.ts'
import type { Provider } from '../provider/provider.ts'
import type { Renewer } from '../renewal/renew.ts'
import type { SessionStore } from '../store/store.ts'
import type { Realms } from './realms.ts'
import type { SessionRegister } from './session-register.ts'
import type { SessionWatch } from './session-watch.ts'

/** Made once, at start-up. */
export interface Services {
  readonly config: Config
  readonly events: AuthEventEmitter
  readonly operations: Operations
  readonly log: LimitedLog
  readonly store: SessionStore
  readonly provider: Provider
  readonly renewer: Renewer
  readonly sessions: SessionRegister
  readonly logins: LoginTransactions
  readonly watch: SessionWatch
  /** All that the app's people come from, this one among them. */
  readonly realms: Realms<Services>
}
