// Lines for the log: a few of each kind a minute, then how many more there were. What strangers can do, they can do often.
// Not the global one, which an app's tests may have replaced.
import { clearTimeout, setTimeout } from 'node:timers'
import type { Log, LogFields } from './log.ts'

export interface LimitedLog {
  /** @param kind nothing that a stranger chooses */
  say(kind: string, line: string, how: LineOptions): void
  /** Says what was held back. */
  close(): void
}

export interface LineOptions {
  readonly level?: 'error' | 'warn'
  readonly fields: LogFields
  /** So many lines a minute. */
  readonly most?: number
}

interface Kind {
  readonly how: LineOptions
  lines: number
  heldBack: number
}

const MOST_LINES = 10
/** What differs each time, such as a provider's codes, is no way around the other limit. */
const MOST_KINDS = 50
const OTHER_KINDS = 'express-bff-session: lines of other kinds'
const MINUTE = 60_000

export function createLimitedLog(log: Log, milliseconds = MINUTE): LimitedLog {
  const kinds = new Map<string, Kind>()
  let timer: NodeJS.Timeout | undefined

  function endMinute(): void {
    clearTimeout(timer)
    timer = undefined
    const told = [...kinds]
    kinds.clear()
    for (const [kind, { how, heldBack }] of told) {
      const { subject: _ofOne, ...fields } = how.fields
      if (heldBack > 0) write(`${kind}: ${heldBack} more within a minute`, { ...how, fields })
    }
  }

  function write(line: string, { level = 'warn', fields }: LineOptions): void {
    log[level](line, fields)
  }

  function kindOf(name: string, how: LineOptions): Kind {
    const known = kinds.get(name)
    if (known !== undefined) return known
    const isOther = name === OTHER_KINDS
    if (kinds.size >= MOST_KINDS && !isOther) return kindOf(OTHER_KINDS, { fields: {} })
    const kind = { how, lines: isOther ? Number.POSITIVE_INFINITY : 0, heldBack: 0 }
    kinds.set(name, kind)
    return kind
  }

  return {
    say(name, line, how) {
      const kind = kindOf(name, how)
      timer ??= setTimeout(endMinute, milliseconds).unref()
      if (kind.lines >= (how.most ?? MOST_LINES)) {
        kind.heldBack += 1
        return
      }
      kind.lines += 1
      write(line, how)
    },

    close: endMinute,
  }
}
