// The processes of a soak: started, killed, ended, paused, each with its own way to Redis and its own story.
import type { AuthOptions } from '../src/index.ts'
import { type AppProcess, startAppProcess } from '../test/support/app/app-process.ts'
import { type SoakFront, startSoakFront } from './front.ts'

export interface Instance {
  /** what it calls itself at the provider */
  readonly name: string
  readonly app: AppProcess
  readonly front: SoakFront
  /** takes requests */
  up: boolean
  killedAt: number | undefined
  /** longest time it stood still, in milliseconds */
  longestPause: number
}

export interface Fleet {
  readonly slots: readonly Instance[]
  /** everybody who ever was, by name */
  byName(name: string): Instance | undefined
  kill(instance: Instance): Promise<void>
  /** SIGTERM; resolves with the exit code */
  end(instance: Instance): Promise<number | null>
  pause(instance: Instance, ms: number): Promise<void>
  /** a new process in the place of one that is gone */
  replace(instance: Instance): Promise<void>
  /** how often each event was told, `renewal-failed` by outcome and `session-ended` by reason */
  events(): Record<string, number>
  output(): string
  stop(): Promise<void>
}

const MOST_OUTPUT = 2000

/** @param changed hears who takes requests, whenever that is somebody else */
export async function startFleet(
  count: number,
  redis: { port: number },
  options: AuthOptions,
  changed: (urls: string[]) => void,
): Promise<Fleet> {
  const all = new Map<string, Instance>()
  const told: Record<string, number> = {}
  let output = ''
  let started = 0

  async function start(): Promise<Instance> {
    const name = `p${++started}`
    const front = await startSoakFront(redis)
    const preload = new URL('../test/support/app/via-header.mjs', import.meta.url)
    try {
      const app = await startAppProcess({
        redisUrl: front.url,
        options,
        env: { NODE_OPTIONS: `--import=${preload}`, VIA: name },
      })
      const instance = { name, app, front, up: true, killedAt: undefined, longestPause: 0 }
      all.set(name, instance)
      return instance
    } catch (error) {
      await front.stop()
      throw error
    }
  }

  function tally({ app }: Instance) {
    for (const { name, event } of app.events.splice(0)) {
      const { outcome, reason, idToken } = event as Record<string, string | undefined>
      const key = [name, outcome ?? reason ?? idToken].filter(Boolean).join(': ')
      told[key] = (told[key] ?? 0) + 1
    }
  }

  async function gone(instance: Instance) {
    tally(instance)
    output = (output + instance.app.output()).slice(-MOST_OUTPUT)
    await instance.front.stop()
  }

  const slots = await Promise.all(Array.from({ length: count }, start))
  const tellChanged = () => changed(slots.filter(({ up }) => up).map(({ app }) => app.url))
  tellChanged()

  return {
    slots,
    byName: (name) => all.get(name),
    async kill(instance) {
      instance.up = false
      instance.killedAt = Date.now()
      tellChanged()
      await instance.app.sigkill()
      await gone(instance)
    },
    async end(instance) {
      instance.up = false
      tellChanged()
      const code = await instance.app.sigterm()
      await gone(instance)
      return code
    },
    async pause(instance, ms) {
      const began = Date.now()
      instance.app.freeze()
      await new Promise((resolve) => setTimeout(resolve, ms))
      instance.app.thaw()
      instance.longestPause = Math.max(instance.longestPause, Date.now() - began)
    },
    async replace(instance) {
      slots[slots.indexOf(instance)] = await start()
      tellChanged()
    },
    events() {
      for (const instance of slots) tally(instance)
      return told
    },
    output: () => (output + slots.map(({ app }) => app.output()).join('')).slice(-MOST_OUTPUT),
    async stop() {
      await Promise.all(
        slots.map(async (instance) => {
          await instance.app.stop()
          await instance.front.stop()
        }),
      )
    },
  }
}
