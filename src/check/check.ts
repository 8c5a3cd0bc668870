// Asks the provider and the store what can be asked without a person. Whatever is wrong there, it is found and not thrown.
import { isAuthError } from '../errors/errors.ts'
import { type Finding, failed, saidBy, unknown, warning } from '../findings.ts'
import type { Config } from '../options/config.ts'
import type { Provider } from '../provider/provider.ts'
import type { SessionStores } from '../store/session-stores.ts'
import type { SessionStore } from '../store/store.ts'
import { clockFinding } from './clock.ts'
import { rightsFinding } from './store-rights.ts'

const IN_MEMORY = warning(
  'store',
  'sessions are kept in the memory of this process: a restart logs everybody out, and no other process knows them',
  'set redis (REDIS_URL)',
)

const UNASKED = (['eviction', 'replicas', 'memory', 'store-rights'] as const).map((name) =>
  unknown(name, 'was not asked: see store'),
)

/** @param provider undefined: the store alone is asked */
export async function checkSetUp(
  config: Config,
  provider: Pick<Provider, 'check'> | undefined,
  stores: Pick<SessionStores, 'now' | 'check'>,
  store: SessionStore,
): Promise<Finding[]> {
  const clock = await storeClock(stores)
  const now = clock.now ?? Date.now()
  const [asked, stored] = await Promise.all([provider?.check(now, config), storeFindings()])
  const ahead = {
    provider: asked?.aheadMilliseconds,
    store: config.redis === undefined ? undefined : clock.ahead,
  }
  return [...(asked?.findings ?? []), ...stored, clockFinding(ahead, config.clockToleranceSeconds)]

  async function storeFindings(): Promise<Finding[]> {
    if (clock.fault !== undefined) return [failed('store', clock.fault), ...UNASKED]
    if (config.redis === undefined) return [IN_MEMORY]
    return [...(await stores.check()), await rightsFinding(store, config, now)]
  }
}

async function storeClock({
  now: ask,
}: Pick<SessionStores, 'now'>): Promise<{ now?: number; ahead?: number; fault?: string }> {
  const began = Date.now()
  try {
    const now = await ask()
    return { now, ahead: now - (began + Date.now()) / 2 }
  } catch (error) {
    return { fault: isAuthError(error) ? saidBy(error) : 'the store does not answer' }
  }
}
