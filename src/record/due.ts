// When a session is due for renewal, how long it may be used when it cannot be renewed, and when it was used.
import type { AuthRecord } from './auth-record.ts'

export interface Timeframe {
  readonly afterSeconds: number
  readonly aheadSeconds: number
  /** False: what cannot be renewed is not due before the session ends. */
  readonly required?: boolean
}

/** Where a record stands: used as it is, renewed beside the request, or renewed before the request goes on. */
export type Due = 'no' | 'soon' | 'now'

export function isDue(record: AuthRecord, now: number, timeframe: Timeframe): Due {
  const due = dueAt(record, timeframe)
  if (now >= due) return 'now'
  // An ID token that lives shorter than the timeframe gets the same share of its life to be renewed in.
  const ahead = Math.min(
    timeframe.aheadSeconds * 1000,
    ((due - record.renewedAt) * timeframe.aheadSeconds) / timeframe.afterSeconds,
  )
  return now >= due - ahead * (1 - record.jitter / 2) ? 'soon' : 'no'
}

/** When requests begin to wait for a renewal. */
export function dueAt(record: AuthRecord, { afterSeconds, required = true }: Timeframe): number {
  if (!required && record.refreshToken === undefined) return record.endsAt
  const timeframeEnds = record.renewedAt + afterSeconds * 1000
  return record.idTokenExpiresAt === undefined
    ? timeframeEnds
    : Math.min(timeframeEnds, record.idTokenExpiresAt)
}

/** While the provider is out of reach, the record may be used until then. */
export function servesUntil(record: AuthRecord): number {
  return record.idTokenExpiresAt ?? record.accessTokenExpiresAt ?? record.renewedAt
}

/** An idle time that was extended less than this long ago is left as it is. */
const TOUCH_EVERY_SECONDS = 60

/** True where extending the idle time is worth a write. */
export function wantsTouch(
  { endsAt }: AuthRecord,
  idleEndsAt: number,
  now: number,
  { idleTimeoutSeconds }: { readonly idleTimeoutSeconds: number },
): boolean {
  const fullTime = Math.min(now + idleTimeoutSeconds * 1000, endsAt)
  return fullTime - idleEndsAt >= Math.min(TOUCH_EVERY_SECONDS, idleTimeoutSeconds / 4) * 1000
}
