// The faults a test can put in front of the provider: hold, answer otherwise, rewrite, cut, delay.
import { createSignal, within } from '../deadline.ts'
import type { Endpoint, SeenRequest } from './seen-requests.ts'

export interface Answer {
  status: number
  headers?: Record<string, string | string[]>
  /** objects become JSON */
  body?: string | Buffer | object
  /** one byte every so many milliseconds */
  dripMs?: number
}

/** What the client gets instead of an answer: a connection that is reset, at once or in the middle of the body. */
export type Cut = 'cut' | { cutMidway: Answer }

/** 'before' the provider handles the request, or 'after' it did (and rotated) but before the client hears of it. */
export type Moment = 'before' | 'after'

export interface Aim {
  /** how many requests it is for; 1 unless told */
  times?: number
  /** only requests of this grant: `refresh_token`, `authorization_code` */
  grantType?: string
  /** only requests that this accepts */
  when?(seen: SeenRequest): boolean
}

export type Handler = (forward: () => Promise<Answer>, seen: SeenRequest) => Promise<Answer | Cut>

export interface Hold {
  /** the request is here (the ten seconds for it begin when this is read) */
  readonly arrived: Promise<void>
  /** the provider has handled it; with 'after', the answer is still kept back */
  readonly processed: Promise<void>
  /** lets it go on; with an answer, that is sent in place of the provider's */
  release(instead?: Answer | Cut): void
}

interface Fault {
  endpoint: Endpoint
  aim: Aim
  left: number
  handle: Handler
}

export interface Faults {
  /** the handler for this request; one that is armed for a number of requests is used up by it */
  take(seen: SeenRequest): Handler | undefined
  arm(endpoint: Endpoint, aim: Aim, handle: Handler): void
  hold(endpoint: Endpoint, aim: Aim & { mode?: Moment }): Hold
  /** disarms everything and lets go of what is held */
  clear(endpoint?: Endpoint): void
}

export function createFaults(): Faults {
  let armed: Fault[] = []
  const holds = new Set<{ endpoint: Endpoint; hold: Hold }>()

  function arm(endpoint: Endpoint, aim: Aim, handle: Handler) {
    const fault = { endpoint, aim, left: aim.times ?? 1, handle }
    // What is for a number of requests goes before what is for all of them.
    if (fault.left === Number.POSITIVE_INFINITY) armed.push(fault)
    else armed.splice(armed.findLastIndex(({ left }) => left !== Number.POSITIVE_INFINITY) + 1, 0, fault)
  }

  return {
    arm,
    take(seen) {
      const fault = armed.find((candidate) => isFor(candidate, seen))
      if (fault) fault.left -= 1
      armed = armed.filter(({ left }) => left > 0)
      return fault?.handle
    },
    hold(endpoint, { mode = 'before', ...aim }) {
      const arrived = createSignal()
      const processed = createSignal()
      const released = createSignal<Answer | Cut | undefined>()
      const hold: Hold = {
        get arrived() {
          return within(arrived.promise, `a held ${endpoint} request to arrive`)
        },
        get processed() {
          return within(processed.promise, `a held ${endpoint} request to be handled by the provider`)
        },
        release: (instead) => released.resolve(instead),
      }
      holds.add({ endpoint, hold })
      arm(endpoint, aim, async (forward) => {
        arrived.resolve()
        if (mode === 'before') {
          const instead = await released.promise
          if (instead) return instead
        }
        const answer = await forward()
        processed.resolve()
        return (await released.promise) ?? answer
      })
      return hold
    },
    clear(endpoint) {
      const concerned = (of: Endpoint) => !endpoint || of === endpoint
      armed = armed.filter((fault) => !concerned(fault.endpoint))
      for (const entry of holds) {
        if (!concerned(entry.endpoint)) continue
        holds.delete(entry)
        entry.hold.release()
      }
    },
  }
}

function isFor({ endpoint, aim }: Fault, seen: SeenRequest): boolean {
  if (endpoint !== seen.endpoint) return false
  if (aim.grantType && aim.grantType !== seen.grantType) return false
  return aim.when?.(seen) ?? true
}
