// Lines for the log: a few of each kind a minute, then how many more there were. What strangers can do, they can do often.
// Not the global one, which an app's tests may have replaced.
import { clearTimeout, setTimeout } from 'node:timers'

export interface LimitedLog {
  /**
   * @param kind one of a few, and nothing that a stranger chooses
   * @param most so many lines a minute
   */
  warn(kind: string, line: string, most?: number): void
  /** Says what was held back. */
  close(): void
}

const MOST_LINES = 10
const MINUTE = 60_000

export function createLimitedLog(warn: (line: string) => void, milliseconds = MINUTE): LimitedLog {
  const kinds = new Map<string, { lines: number; heldBack: number }>()
  let timer: NodeJS.Timeout | undefined

  function endMinute(): void {
    clearTimeout(timer)
    timer = undefined
    const told = [...kinds]
    kinds.clear()
    for (const [kind, { heldBack }] of told) {
      if (heldBack > 0) warn(`${kind}: ${heldBack} more within a minute`)
    }
  }

  return {
    warn(kind, line, most = MOST_LINES) {
      const known = kinds.get(kind) ?? { lines: 0, heldBack: 0 }
      kinds.set(kind, known)
      timer ??= setTimeout(endMinute, milliseconds).unref()
      if (known.lines >= most) {
        known.heldBack += 1
        return
      }
      known.lines += 1
      warn(line)
    },

    close: endMinute,
  }
}
