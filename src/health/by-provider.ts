// What is known of each of several providers: one that is down says nothing of the others.
import type { AuthEventEmitter } from '../events/events.ts'
import { withDeadline } from '../lib/deadline.ts'
import type { RealmConfig } from '../options/config.ts'
import type { Provider } from '../provider/provider.ts'
import { type Health, LONGEST_WAIT_SECONDS } from './health.ts'
import { createProviderPart } from './provider-part.ts'

interface Realm {
  readonly config: Pick<RealmConfig, 'providerName'>
  readonly provider: Pick<Provider, 'ask'>
}

const WORST_FIRST = ['down', 'unknown', 'up']

/** @returns of all of them the worst, and each by its name; nobody is asked where `mayAsk` is false */
export function createProvidersHealth(
  realms: readonly Realm[],
  events: AuthEventEmitter,
): (mayAsk: boolean) => Promise<Pick<Health, 'provider' | 'providers'>> {
  const parts = realms.map(({ config: { providerName: name = '' }, provider: asked }) => {
    const part = createProviderPart(asked, events, ({ provider }) => provider === name)
    return [name, part] as const
  })

  return async (mayAsk) => {
    const asked = Promise.all(mayAsk ? parts.map(([, part]) => part.askIfDue()) : [])
    await withDeadline(asked, LONGEST_WAIT_SECONDS, () => undefined)
    const known = parts.map(([name, part]) => [name, { ...part.health(), ...part.rest() }] as const)
    const [worst = { status: 'unknown' as const }] = known
      .map(([, health]) => health)
      .sort((a, b) => WORST_FIRST.indexOf(a.status) - WORST_FIRST.indexOf(b.status))
    return { provider: worst, providers: Object.fromEntries(known) }
  }
}
