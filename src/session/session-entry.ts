// A session as its owner may see it, in a list of theirs.
import type { EventOrigin } from '../events/events.ts'
import type { StoredSession } from '../store/store.ts'

/** A logged-in session, as its owner may see it. */
export interface SessionEntry {
  /** For `revoke(id)`, and equal to `req.oidc.session.id` of its own requests. It is no credential: the cookie is signed. */
  readonly id: string
  readonly createdAt: Date
  readonly renewedAt: Date
  /** When the session ends unless it is used again. */
  readonly expiresAt: Date
  /** Of the browser that logged in. Behind a proxy, Express's `trust proxy` decides. */
  readonly address: string | undefined
  /** What the browser called itself, 256 characters at most. */
  readonly userAgent: string | undefined
  /** Of several, the one they logged in at, by its name in `providers`. */
  readonly provider?: string | undefined
  /** Of several, by its key. */
  readonly tenant?: string | undefined
}

export function toEntry(
  id: string,
  { record, idleEndsAt }: StoredSession,
  origin?: EventOrigin,
): SessionEntry {
  const { createdAt, renewedAt, device } = record
  return {
    id,
    createdAt: new Date(createdAt),
    renewedAt: new Date(renewedAt),
    expiresAt: new Date(idleEndsAt),
    address: device?.address,
    userAgent: device?.userAgent,
    ...origin,
  }
}
