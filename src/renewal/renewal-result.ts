// What asking for a renewal comes to.
import type { RenewalOutcome, SessionEndReason } from '../events/events.ts'
import type { OperationEnd } from '../events/operations.ts'
import type { AuthRecord } from '../record/auth-record.ts'

/** What became of a renewed record. */
export type Stored =
  /** The record to use: this one, or a newer one that was stored meanwhile. */
  | { readonly kind: 'renewed'; readonly record: AuthRecord }
  | { readonly kind: 'ended'; readonly reason: SessionEndReason | undefined }

/** What asking for a renewal comes to. */
export type RenewalResult = Outcome & {
  /** What was wrong with the provider's answer, for those who watch. */
  readonly failure?: RenewalOutcome | 'id-token-rejected'
}

type Outcome =
  | Stored
  /** The session is kept; the record that was there may still serve. */
  | {
      readonly kind: 'unavailable'
      readonly because: 'store' | 'provider' | 'pending'
      readonly retryAfterSeconds: number
    }

export function endOf(result: RenewalResult): OperationEnd {
  if (result.kind === 'ended') return { outcome: 'ended', error: result.reason }
  if (result.failure !== undefined) return { outcome: 'failed', error: result.failure }
  return { outcome: result.kind === 'renewed' ? 'renewed' : 'failed' }
}
