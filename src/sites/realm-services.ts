// What one realm has of its own under whichever address of the app: its provider, and whoever renews and ends its sessions.
import type { BackgroundTasks } from '../lib/background-tasks.ts'
import type { RealmConfig, SharedConfig } from '../options/config.ts'
import { createProvider } from '../provider/provider.ts'
import { createRenewer } from '../renewal/renew.ts'
import type { EndedSessions } from '../session/ended-sessions.ts'
import type { Services } from '../session/services.ts'
import { createSessionRegister } from '../session/session-register.ts'
import { createSessionWatch } from '../session/session-watch.ts'
import { type SiteStore, storeOf } from '../store/session-stores.ts'

/** What all realms of one `auth()` share. */
export interface SharedServices extends Pick<Services, 'events' | 'operations' | 'log'> {
  readonly tasks: BackgroundTasks
  readonly ended: EndedSessions
}

/** What its requests need besides goes by the address that they came to. */
export interface RealmServices extends Omit<Services, 'config' | 'logins' | 'realms'> {
  readonly config: SharedConfig & RealmConfig
}

export function createRealmServices(
  config: SharedConfig & RealmConfig,
  sessionsOfSite: SiteStore,
  shared: SharedServices,
): RealmServices {
  const { operations, log, tasks, ended } = shared
  const events = shared.events.of({ provider: config.providerName })
  const store = storeOf(sessionsOfSite, config)
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
    watch: createSessionWatch(config, store, renewer),
  }
}
