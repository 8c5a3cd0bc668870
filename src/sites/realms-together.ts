// What is asked of all realms of one `auth()` at once, by whoever starts, watches or ends it.
import { ConfigurationError } from '../errors/errors.ts'
import type { Config } from '../options/config.ts'
import { faultOf, PREFIX } from '../options/mistakes.ts'
import type { ProviderCheck } from '../provider/check.ts'
import type { Provider } from '../provider/provider.ts'
import type { RealmServices } from './realm-services.ts'
import type { SiteRealm } from './site.ts'

/** @throws what the first threw: a mistake before what may pass, and told by the entry that has it */
export async function allUsable(realms: readonly RealmServices[]): Promise<void> {
  const outcomes = await Promise.allSettled(realms.map(usable))
  const errors = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []))
  const [first] = [...errors].sort((a, b) => rank(a) - rank(b))
  if (first !== undefined) throw first
}

const rank = (error: unknown) => (error instanceof ConfigurationError ? 0 : 1)

async function usable({ config: { providerName }, provider }: RealmServices): Promise<void> {
  try {
    await provider.usable()
  } catch (error) {
    if (providerName === undefined || !(error instanceof ConfigurationError)) throw error
    throw new ConfigurationError('invalid_option', `${PREFIX}providers.${providerName}: ${faultOf(error)}`)
  }
}

export function underWayIn(realms: readonly RealmServices[]) {
  const all = realms.map(({ renewer }) => renewer.underWay())
  const sum = (count: (one: (typeof all)[number]) => number) =>
    all.reduce((total, one) => total + count(one), 0)
  return {
    inFlight: sum(({ inFlight }) => inFlight),
    waitingForStore: sum(({ waitingForStore }) => waitingForStore),
  }
}

/** As `Provider.check()`, of all of them at once; of several, each finding says which one it is of. */
export function checkAll(realms: readonly SiteRealm[]): Pick<Provider, 'check'> {
  return {
    async check(now) {
      const all = await Promise.all(realms.map(({ config, services }) => checkOne(config, services, now)))
      const ahead = all.flatMap(({ aheadMilliseconds }) => aheadMilliseconds ?? [])
      return {
        findings: all.flatMap(({ findings }) => findings),
        aheadMilliseconds: ahead.sort((a, b) => Math.abs(b) - Math.abs(a))[0],
      }
    },
  }
}

async function checkOne(config: Config, { provider }: RealmServices, now: number): Promise<ProviderCheck> {
  const { findings, aheadMilliseconds } = await provider.check(now, config)
  const { providerName: name } = config
  return {
    findings: findings.map((one) => (name === undefined ? one : { ...one, provider: name })),
    aheadMilliseconds,
  }
}

export async function endRealms(realms: readonly RealmServices[], seconds: number): Promise<void> {
  for (const { watch } of realms) watch.close()
  await realmsIdle(realms, seconds)
}

/** Waits for what is in flight, of all of them at once. */
export async function realmsIdle(realms: readonly RealmServices[], seconds: number): Promise<void> {
  await Promise.all(realms.map(({ renewer }) => renewer.idle(seconds)))
}
