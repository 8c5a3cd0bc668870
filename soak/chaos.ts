// What goes wrong during a soak, and when: three streams of faults at once, each from the seed.
import type { RedisServer } from '../test/support/redis/redis-server.ts'
import type { Fleet, Instance } from './fleet.ts'
import type { ProviderFault } from './provider-main.ts'
import type { SoakProvider } from './provider-process.ts'
import { createRandom, type Random } from './random.ts'

export interface Chaos {
  /** how often each fault was made */
  readonly faults: Record<string, number>
  /** what was wrong with a process that should have ended by itself */
  readonly wrong: string[]
  /** makes no more; resolves when the last one is over, and everything runs */
  stop(): Promise<void>
}

interface World {
  seed: number
  fleet: Fleet
  provider: SoakProvider
  redis: RedisServer
}

const PROVIDER_FAULTS: ProviderFault[] = [
  '500',
  '429',
  'reset',
  'slow',
  'garbage',
  'hang',
  'keys 500',
  'discovery 500',
]
/** Longer than `renewal.timeoutSeconds`, so that nobody waits for what hangs any more when it is let go. */
const HANG_MS = 5500
/** Much shorter than the deadline of a renewal and than a lease. */
const PAUSE_MS = [300, 1300] as const
const CATCH_MS = 2000

const pause = (ms: number) => new Promise<void>((resolve) => void setTimeout(resolve, ms))

export function startChaos({ seed, fleet, provider, redis }: World): Chaos {
  const faults: Record<string, number> = {}
  const wrong: string[] = []
  let going = true

  function made(kind: string) {
    faults[kind] = (faults[kind] ?? 0) + 1
  }

  /** One fault after another, with a time to recover between them. */
  async function stream(
    name: string,
    [least, most]: [number, number],
    fault: (random: Random) => Promise<void>,
  ) {
    const random = createRandom(seed, name)
    while (going) {
      await pause(random.between(least, most))
      if (going) await fault(random)
    }
  }

  async function providerFault(random: Random) {
    const kind = random.pick(PROVIDER_FAULTS) ?? '500'
    const ms = kind === 'hang' ? HANG_MS : random.between(300, 2000)
    made(`provider: ${kind}`)
    await provider.fault(kind, random.between(0.2, 1))
    await pause(ms)
    await provider.normal()
  }

  async function redisFault(random: Random) {
    const kind = random.pick(['frozen', 'refuses writes', 'connections cut', 'connections of one cut'])
    made(`Redis: ${kind}`)
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

  async function processFault(random: Random) {
    const victim = random.pick(fleet.slots)
    const kind = random.pick([
      'SIGKILL at random',
      'SIGKILL before the provider rotated',
      'SIGKILL between rotation and commit',
      'SIGKILL at the commit',
      'SIGKILL after the commit',
      'SIGTERM',
      'SIGTERM',
      'SIGSTOP and SIGCONT',
      'SIGSTOP and SIGCONT',
    ])
    if (!victim) return
    const done = () => made(`process: ${kind}`)
    switch (kind) {
      case 'SIGKILL at random':
        done()
        return killed(victim)
      case 'SIGKILL before the provider rotated':
      case 'SIGKILL between rotation and commit': {
        const name = await provider.catchNext(kind.includes('before') ? 'before' : 'after', CATCH_MS)
        const holder = fleet.slots.find((each) => each.name === name)
        if (!holder) return provider.letGo()
        done()
        return killed(holder, () => provider.letGo())
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
        if (code !== 0) wrong.push(`${victim.name} ended with ${code} on SIGTERM`)
        return fleet.replace(victim)
      }
      default:
        done()
        return fleet.pause(victim, random.between(...PAUSE_MS))
    }
  }

  async function killed(victim: Instance, meanwhile: () => unknown = () => {}) {
    await fleet.kill(victim)
    await meanwhile()
    await fleet.replace(victim)
  }

  const streams = [
    stream('provider', [1000, 4000], providerFault),
    stream('redis', [3000, 7000], redisFault),
    stream('process', [300, 1500], processFault),
  ].map((each) =>
    each.catch((error: unknown) => {
      wrong.push(`the soak's own machinery failed: ${error instanceof Error ? error.stack : error}`)
      going = false
    }),
  )

  return {
    faults,
    wrong,
    async stop() {
      going = false
      await Promise.all(streams)
    },
  }
}
