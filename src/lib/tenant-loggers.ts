// The log as each tenant has it: its lines say whose they are, and all tenants together say so many a minute.
// Not the global one, which an app's tests may have replaced.
import { clearTimeout, setTimeout } from 'node:timers'
import type { Log, LogFields, LogLevel } from './log.ts'

export interface TenantLoggers {
  of(tenant: string): Log
  /** Says what was held back. */
  close(): void
}

const MOST_LINES = 300
const MINUTE = 60_000
const PREFIX = 'express-bff-session: '

export function createTenantLoggers(log: Log, milliseconds = MINUTE): TenantLoggers {
  let lines = 0
  let heldBack = 0
  let timer: NodeJS.Timeout | undefined

  function endMinute(): void {
    clearTimeout(timer)
    timer = undefined
    if (heldBack > 0) log.warn(`${PREFIX}lines of tenants: ${heldBack} more within a minute`, {})
    lines = 0
    heldBack = 0
  }

  return {
    of(tenant) {
      const prefix = `express-bff-session (tenant ${JSON.stringify(tenant)}): `
      const say = (level: LogLevel) => (line: string, fields: LogFields) => {
        timer ??= setTimeout(endMinute, milliseconds).unref()
        if (lines >= MOST_LINES) {
          heldBack += 1
          return
        }
        lines += 1
        log[level](line.startsWith(PREFIX) ? prefix + line.slice(PREFIX.length) : line, { ...fields, tenant })
      }
      return { error: say('error'), warn: say('warn'), info: say('info') }
    },

    close: endMinute,
  }
}
