// What one realm has of its own: its provider, whoever renews and ends its sessions, and its logins under way.
import { createLoginTransactions } from './cookies/login-transaction.ts'
import type { BackgroundTasks } from './lib/background-tasks.ts'
import type { Config } from './options/config.ts'
import { createProvider } from './provider/provider.ts'
import { createRenewer } from './renewal/renew.ts'
import type { EndedSessions } from './session/ended-sessions.ts'
import type { Services } from './session/services.ts'
import { createSessionRegister } from './session/session-register.ts'
import { createSessionWatch } from './session/session-watch.ts'

/** What all realms of one `auth()` share. */
export interface SharedServices extends Pick<Services, 'events' | 'operations' | 'log' | 'store'> {
  readonly tasks: BackgroundTasks
  readonly ended: EndedSessions
}

export function createRealmServices(config: Config, shared: SharedServices): Services {
  const { events, operations, log, store, tasks, ended } = shared
  const provider = createProvider(config, events, tasks)
  const renewer = createRenewer({ config, store, provider, events, operations, tasks })
  return {
    config,
    events,
    operations,
    log,
    store,
    provider,
    renewer,
    sessions: createSessionRegister(config, store, provider, renewer, events, ended),
    logins: createLoginTransactions(config),
    watch: createSessionWatch(config, store, renewer),
  }
}
