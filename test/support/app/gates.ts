// Gates: a request stops at one, says so, and goes on when the test opens it.
import { createSignal, type Signal, within } from '../deadline.ts'

export interface Gate {
  /** so many requests have stopped here since the gate was made */
  arrived(count?: number): Promise<void>
  /** lets them go on, and everybody who comes later */
  open(): void
}

interface GateState {
  count: number
  waiting: { count: number; signal: Signal }[]
  opened: Signal
}

const LONGEST_MS = 30_000

/** `onOpen` carries the word to where the requests really wait, when that is another process. */
export function createGates(onOpen: (name: string) => void = () => {}) {
  const states = new Map<string, GateState>()

  function state(name: string): GateState {
    const known = states.get(name) ?? { count: 0, waiting: [], opened: createSignal() }
    states.set(name, known)
    return known
  }

  return {
    gate(name: string): Gate {
      const { waiting, opened } = state(name)
      return {
        arrived(count = 1) {
          const signal = createSignal()
          waiting.push({ count, signal })
          settle(state(name))
          return within(signal.promise, `${count} request(s) at gate "${name}"`)
        },
        open() {
          opened.resolve()
          onOpen(name)
        },
      }
    },
    /** somebody stopped there */
    announce(name: string) {
      const known = state(name)
      known.count += 1
      settle(known)
    },
    waitForOpen: (name: string) => within(state(name).opened.promise, `gate "${name}" to open`, LONGEST_MS),
  }
}

function settle({ count, waiting }: GateState) {
  for (const entry of waiting) if (count >= entry.count) entry.signal.resolve()
}
