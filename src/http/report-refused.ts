// A refusal, told to whoever listens and to the log, in one line.
import { type AuthError, RefusedError } from '../errors/errors.ts'
import type { AuthEventEmitter } from '../events/events.ts'
import { isOfClient } from '../lib/details.ts'
import type { LimitedLog } from '../lib/limited-log.ts'

/** A cure, what the provider offers, and 200 letters of its own words. */
const LONGEST = 1000

/** @param what what was refused, where the code alone does not say it */
export function reportRefused(
  { events, log }: { readonly events: AuthEventEmitter; readonly log: LimitedLog },
  error: AuthError,
  what = 'refused',
): void {
  const reason = (error instanceof RefusedError && error.reason) || error.message
  // It may hold what a person, an app or a stranger chose: one line stays one line.
  const detail = reason.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ').slice(0, LONGEST)
  events.emit('refused', { code: error.code, detail })
  const kind = `express-bff-session: ${what} (${error.code})`
  const level = isOfClient(detail) ? 'error' : 'warn'
  log.say(kind, `${kind}: ${detail}`, {
    level,
    fields: { event: 'refused', code: error.code, ...events.origin },
  })
}
