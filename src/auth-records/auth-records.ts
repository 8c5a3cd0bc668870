// The one interface of the store of auth records, and of the app data that lives and ends with them.
import type { AuthRecord } from '../auth-record.ts'

/** What the store holds of a signed-in session. */
export interface StoredSession {
  readonly record: AuthRecord
  /** The app's `req.session` as stored, JSON. */
  readonly appData: string | undefined
  /** When the session ends unless it is used again, by the store's clock, in milliseconds. */
  readonly idleEndsAt: number
}

/** The store's clock goes with every answer, so that no process goes by its own. */
export interface Clocked<T> {
  readonly now: number
  readonly value: T
}

/** What asking for the lease comes to. `now` is the store's clock: a renewal began no earlier than its lease. */
export type Acquired =
  | { readonly kind: 'granted'; readonly now: number }
  | { readonly kind: 'renewed'; readonly record: AuthRecord }
  | { readonly kind: 'held' }
  | { readonly kind: 'backing-off'; readonly retryAfterSeconds: number }
  | { readonly kind: 'gone' }

export type Committed = 'committed' | 'superseded' | 'gone'

/** Every method rejects with a TryLaterError (`store_unavailable`) when the store does not answer in time. */
export interface AuthRecords {
  now(): Promise<number>

  find(id: string): Promise<Clocked<StoredSession | undefined>>

  /** Stores a new session under a new id, before anybody is told of it. */
  create(id: string, record: AuthRecord, appData: string | undefined): Promise<void>

  /** Extends the idle time, never past the record's `endsAt`. */
  touch(id: string): Promise<void>

  /** Deletes the session whole. With `generation` only if that is still the stored one; then tells what is. */
  end(id: string, generation?: number): Promise<{ ended: boolean; record: AuthRecord | undefined }>

  /**
   * Asks for the right to renew `generation`. The lease ends by itself after `seconds`.
   *
   * @param owner a name that nobody else has
   */
  acquire(id: string, generation: number, owner: string, seconds: number): Promise<Acquired>

  /**
   * Stores the record of the next generation, if the session still exists and the lease is still the owner's. Saying
   * it again after an answer was lost is no harm.
   *
   * @param backOffSeconds nobody may renew again for so long; 0 where the renewal was whole
   */
  commit(id: string, record: AuthRecord, owner: string, backOffSeconds: number): Promise<Committed>

  /** Gives the lease back without a renewal. For `backOffSeconds` nobody gets another. */
  release(id: string, owner: string, backOffSeconds: number): Promise<void>

  /** True for the first who uses `key` within `seconds`. */
  useOnce(key: string, seconds: number): Promise<boolean>

  /** The documents of `req.session`, for express-session's store. A signed-in session's is written only while it exists. */
  readonly appData: AppData

  close(): Promise<void>
}

export interface AppData {
  get(id: string): Promise<string | null>
  set(id: string, document: string, seconds: number): Promise<void>
  touch(id: string, seconds: number): Promise<void>
  delete(id: string): Promise<void>
}
