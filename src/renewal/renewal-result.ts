// What asking for a renewal comes to.
import type { SessionEndReason } from '../events.ts'
import type { AuthRecord } from '../record/auth-record.ts'

/** What became of a renewed record. */
export type Stored =
  /** The record to use: this one, or a newer one that was stored meanwhile. */
  | { readonly kind: 'renewed'; readonly record: AuthRecord }
  | { readonly kind: 'ended'; readonly reason: SessionEndReason | undefined }

/** What asking for a renewal comes to. */
export type RenewalResult =
  | Stored
  /** The session is kept; the record that was there may still serve. */
  | {
      readonly kind: 'unavailable'
      readonly because: 'store' | 'provider' | 'pending'
      readonly retryAfterSeconds: number
    }
