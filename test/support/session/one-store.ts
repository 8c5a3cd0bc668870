// The store of an app that has one site and one provider.
import { AuthEventEmitter } from '../../../src/events/events.ts'
import type { Config } from '../../../src/options/config.ts'
import { createMemoryStores } from '../../../src/store/memory/memory-store.ts'
import { openRedisStores } from '../../../src/store/redis/redis-stores.ts'
import { type SessionStores, storeOf } from '../../../src/store/session-stores.ts'
import type { SessionStore } from '../../../src/store/store.ts'

export interface OneStore extends SessionStore, Pick<SessionStores, 'usable' | 'check' | 'close'> {}

export function createRedisStore(
  config: Config,
  given: NonNullable<Config['redis']>,
  events: AuthEventEmitter,
): OneStore {
  return oneStore(openRedisStores(config, given, events), config, events)
}

export function createMemoryStore(config: Config, now?: () => number, mostAnonymous?: number): OneStore {
  return oneStore(createMemoryStores(config, now, mostAnonymous), config, new AuthEventEmitter())
}

function oneStore(stores: SessionStores, config: Config, events: AuthEventEmitter): OneStore {
  const { usable, check, close } = stores
  const store = storeOf(stores.of({ owners: [config], secrets: () => config.secrets, events }), config)
  return { ...store, usable, check, close }
}
