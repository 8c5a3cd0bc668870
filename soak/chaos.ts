// What goes wrong below the sessions of a soak: the provider, Redis, and the processes themselves.
import type { RedisServer } from '../test/support/redis/redis-server.ts'
import type { Fleet, Instance } from './fleet.ts'
import type { ProviderFault } from './provider-faults.ts'
import type { SoakProvider } from './provider-process.ts'
import { createDeck, type Random } from './random.ts'
import { pause, type Stream } from './streams.ts'
import type { Tally } from './tally.ts'

interface World {
  tally: Tally
  fleet: Fleet
  provider: SoakProvider
  redis: RedisServer
}

const PROVIDER_FAULTS: ProviderFault[] = [
  '500',
  '429',
  'reset',
  'slow',
  'late',
  'garbage',
  'hang',
  'keys 500',
  'discovery 500',
]
const REDIS_FAULTS = ['frozen', 'refuses writes', 'connections cut', 'connections of one cut'] as const
const PROCESS_FAULTS = [
  'SIGKILL at random',
  'SIGKILL before the provider rotated',
  'SIGKILL between rotation and commit',
  'SIGKILL at the commit',
  'SIGKILL after the commit',
  'SIGTERM',
  'SIGTERM',
  'SIGSTOP and SIGCONT',
  'SIGSTOP and SIGCONT',
] as const

export const CHAOS_KINDS = [
  ...PROVIDER_FAULTS.map((kind) => `provider: ${kind}`),
  ...REDIS_FAULTS.map((kind) => `Redis: ${kind}`),
  ...PROCESS_FAULTS.map((kind) => `process: ${kind}`),
]

/** Longer than `renewal.timeoutSeconds`, so that nobody waits for what hangs any more when it is let go. */
const HANG_MS = 5500
/** Much shorter than the deadline of a renewal and than a lease. */
const PAUSE_MS = [300, 1300] as const
const CATCH_MS = 2000

export function chaosStreams(world: World): Stream[] {
  return [
    { name: 'provider', pauses: [1000, 4000], begin: (random) => providerFaults(world, random) },
    { name: 'redis', pauses: [3000, 7000], begin: (random) => redisFaults(world, random) },
    { name: 'process', pauses: [300, 1500], begin: (random) => processFaults(world, random) },
  ]
}

function providerFaults({ provider, tally }: World, random: Random) {
  const draw = createDeck(random, PROVIDER_FAULTS)
  return async () => {
    const kind = draw()
    const ms = kind === 'hang' ? HANG_MS : random.between(300, 2000)
    tally.made(`provider: ${kind}`)
    await provider.fault(kind, random.between(0.2, 1))
    await pause(ms)
    await provider.normal()
  }
}

function redisFaults({ fleet, redis, tally }: World, random: Random) {
  const draw = createDeck(random, REDIS_FAULTS)
  return async () => {
    const kind = draw()
    tally.made(`Redis: ${kind}`)
    if (kind === 'frozen') {
      redis.freeze()
      await pause(random.between(1000, 3000))
      redis.thaw()
    } else if (kind === 'refuses writes') {
      for (const { front } of fleet.slots) front.refuseWrites()
      await pause(random.between(300, 2500))
      for (const { front } of fleet.slots) front.normal()
    } else {
      const one = random.pick(fleet.slots)
      for (const { front } of kind === 'connections cut' ? fleet.slots : one ? [one] : []) front.cutAll()
    }
  }
}

function processFaults({ fleet, provider, tally }: World, random: Random) {
  const draw = createDeck(random, PROCESS_FAULTS)

  async function killed(victim: Instance, meanwhile: () => unknown = () => {}) {
    await fleet.kill(victim)
    await meanwhile()
    await fleet.replace(victim)
  }

  return async () => {
    const victim = random.pick(fleet.slots)
    const kind = draw()
    if (!victim) return
    const done = () => tally.made(`process: ${kind}`)
    switch (kind) {
      case 'SIGKILL at random':
        done()
        return killed(victim)
      case 'SIGKILL before the provider rotated':
      case 'SIGKILL between rotation and commit': {
        const moment = kind.includes('before') ? 'before' : 'after'
        const name = await provider.catchNext('refresh_token', moment, CATCH_MS)
        const holder = fleet.slots.find((each) => each.name === name)
        const letGo = () => provider.letGo('refresh_token', 'cut')
        if (!holder) return letGo()
        done()
        return killed(holder, letGo)
      }
      case 'SIGKILL at the commit':
      case 'SIGKILL after the commit': {
        const held = victim.front.hold(kind.includes('at') ? 'before' : 'after')
        const there = await held.arrived.then(
          () => true,
          () => false,
        )
        if (!there) return held.release()
        done()
        return killed(victim)
      }
      case 'SIGTERM': {
        done()
        const code = await fleet.end(victim)
        if (code !== 0)
          tally.wrong('a process did not end by itself', `${victim.name} ended with ${code} on SIGTERM`)
        return fleet.replace(victim)
      }
      default:
        done()
        return fleet.pause(victim, random.between(...PAUSE_MS))
    }
  }
}
