// What the userinfo endpoint says after a renewal. The renewed record is stored first: whatever becomes of this, no token is lost.
import { isDeepStrictEqual } from 'node:util'
import type { Provider } from '../provider/provider.ts'
import type { AuthRecord } from '../record/auth-record.ts'
import type { SessionStore } from '../store/store.ts'

/** The renewal that stored the record. */
interface Renewal {
  readonly id: string
  /** The lease's. */
  readonly owner: string
  readonly beganAt: number
  readonly deadline: AbortSignal
}

/** @returns the record with what is new of the person, where that was stored in time; else the one that is given */
export async function withUserInfo(
  { store, provider }: { readonly store: SessionStore; readonly provider: Provider },
  { id, owner, beganAt, deadline }: Renewal,
  record: AuthRecord,
): Promise<AuthRecord> {
  const { claims, accessToken, generation } = record
  const userInfo = await provider.renewedUserInfo({ claims, accessToken, now: beganAt }, deadline)
  if (userInfo === undefined || isDeepStrictEqual(userInfo, record.userInfo)) return record
  const next: AuthRecord = { ...record, userInfo, generation: generation + 1 }
  // Not tried again: another renewal may be under way by now, and brings its own.
  const stored = await store.commit(id, next, owner, 0).catch(() => undefined)
  return stored?.result === 'committed' ? next : record
}
