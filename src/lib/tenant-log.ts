// The log as tenants have it: each as much of it as an app without tenants has, and all of them together so many lines a minute.
// Not the global one, which an app's tests may have replaced.
import { clearTimeout, setTimeout } from 'node:timers'
import { createLimitedLog, type LimitedLog } from './limited-log.ts'
import type { Log, LogFields, LogLevel } from './log.ts'

export interface TenantLog extends LimitedLog {
  /** For what is said once, or seldom, of one tenant. */
  of(tenant: string): Log
}

const MOST_LINES = 300
const MINUTE = 60_000
const PREFIX = 'express-bff-session'

/** Lines are a tenant's by their field `tenant`; those without are the process's. */
export function createTenantLog(log: Log, milliseconds = MINUTE): TenantLog {
  const process = createLimitedLog(log, milliseconds)
  /** Of those who said something within this minute. */
  const tenants = new Map<string, LimitedLog>()
  let lines = 0
  let heldBack = 0
  let timer: NodeJS.Timeout | undefined

  function endMinute(): void {
    clearTimeout(timer)
    timer = undefined
    lines = 0
    for (const own of tenants.values()) own.close()
    tenants.clear()
    if (heldBack > 0) log.warn(`${PREFIX}: lines of tenants: ${heldBack} more within a minute`, {})
    heldBack = 0
  }

  /** @returns false where there were too many lines */
  function isRoom(): boolean {
    timer ??= setTimeout(endMinute, milliseconds).unref()
    if (lines >= MOST_LINES) heldBack += 1
    return lines < MOST_LINES
  }

  function of(tenant: string): Log {
    const say = (level: LogLevel) => (line: string, fields: LogFields) => {
      if (!isRoom()) return
      lines += 1
      log[level](named(line, tenant), { ...fields, tenant })
    }
    return { error: say('error'), warn: say('warn'), info: say('info') }
  }

  return {
    of,

    say(kind, line, how) {
      const { tenant } = how.fields
      if (tenant === undefined) return process.say(kind, line, how)
      let own = tenants.get(tenant)
      if (own === undefined) {
        // No more of them than there are lines.
        if (!isRoom()) return
        own = createLimitedLog(of(tenant), milliseconds)
        tenants.set(tenant, own)
      }
      own.say(kind, line, how)
    },

    close() {
      endMinute()
      process.close()
    },
  }
}

/** A logger may take the line alone. */
function named(line: string, tenant: string): string {
  if (line.includes(`tenant ${tenant}`) || !line.startsWith(PREFIX)) return line
  return `${PREFIX} (tenant ${tenant})${line.slice(PREFIX.length)}`
}
