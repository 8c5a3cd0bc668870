// The one interface of the store of auth records, and of the app data that lives and ends with them.
import type { AuthRecord, SessionGroup } from '../record/auth-record.ts'

/** What the store holds of a logged-in session. */
export interface StoredSession {
  readonly record: AuthRecord
  /** The app's `req.session` as stored, JSON. */
  readonly appData: string | undefined
  /** When the session ends unless it is used again, by the store's clock, in milliseconds. */
  readonly idleEndsAt: number
}

/** The store's clock goes with every answer, so that no process goes by its own. */
export interface Found {
  readonly now: number
  readonly value: StoredSession | undefined
  /** The store was not asked. */
  readonly isCached?: boolean
}

/** What asking for the lease comes to. `now` is the store's clock: a renewal began no earlier than its lease. */
export type Acquired =
  | { readonly kind: 'granted'; readonly now: number }
  | { readonly kind: 'renewed'; readonly record: AuthRecord }
  | { readonly kind: 'held' }
  /** Held, and for so long that it is not worth waiting for. */
  | { readonly kind: 'overdue' }
  | { readonly kind: 'backing-off'; readonly retryAfterSeconds: number }
  | { readonly kind: 'gone' }

export interface LeaseTerms {
  /** The lease ends by itself after so long. */
  readonly seconds: number
  /** The provider takes a spent refresh token again for so long after it was first sent. */
  readonly reuseSeconds: number
  /**
   * Where a lease ended without a word, its holder may still have the new tokens. For so long after somebody noticed,
   * nobody presents the spent one: a holder that is alive brings them by then.
   */
  readonly patienceSeconds: number
  /** The lease of whoever sent the token so long ago is overdue; left out, none is. */
  readonly overdueSeconds?: number
}

/** How long to leave a provider alone that did not renew. */
export interface BackOff {
  readonly firstSeconds: number
  readonly longestSeconds: number
  /** 0 to 1: how much of the time to wait, drawn by the caller, so that sessions do not come back together. */
  readonly share: number
  /** What the provider asked for: that is waited, whatever the rest says. */
  readonly askedSeconds: number | undefined
}

/** All 0 where the lease was another's by then. */
export interface Released {
  /** Nobody gets another lease for so long. */
  readonly waitSeconds: number
  /** Of this generation so far, this one included; 0 where this was none. */
  readonly refusals: number
  /** Since the first of them. */
  readonly refusedForSeconds: number
}

/** 'held': another process has a lease by now, and may or may not bring newer tokens. */
export type Committed = 'committed' | 'superseded' | 'held' | 'gone'

/** Every method rejects with a TryLaterError (`store_unavailable`) when the store does not answer in time. */
export interface SessionStore {
  now(): Promise<number>

  /** @param options.mayBeCached what this process has read before may do, where it would have heard of a change */
  find(id: string, options?: { readonly mayBeCached: boolean }): Promise<Found>

  /** Stores a new session under a new id, before anybody is told of it. */
  create(id: string, record: AuthRecord, appData: string | undefined): Promise<void>

  /** Extends the idle time, never past the record's `endsAt`. */
  touch(id: string): Promise<void>

  /**
   * Deletes the session whole, and takes it out of the index, as far as that answers: what has ended is passed over there
   * anyway. With `generation` only if that is still the stored one; then tells what is.
   *
   * @param amount where many are ended in a row, none of them waits for replicas, since each would hold up those after it,
   * and the index is left to the caller
   */
  end(
    id: string,
    generation?: number,
    amount?: 'one of many',
  ): Promise<{ ended: boolean; record: AuthRecord | undefined }>

  /**
   * Asks for the right to renew `generation`.
   *
   * @param owner a name that nobody else has
   */
  acquire(id: string, generation: number, owner: string, terms: LeaseTerms): Promise<Acquired>

  /**
   * Prolongs a lease whose holder is alive: it ends so many seconds from now.
   *
   * @returns false where it is another's by now, or nobody's
   */
  extend(id: string, owner: string, seconds: number): Promise<boolean>

  /**
   * Stores the record of the next generation, if the session still exists and the lease is still the owner's. Saying
   * it again after an answer was lost is no harm.
   *
   * @param backOffSeconds nobody may renew again for so long; 0 where the renewal was whole
   * @returns `safe` is false where too few replicas have it yet: saying it again waits for them again
   */
  commit(
    id: string,
    record: AuthRecord,
    owner: string,
    backOffSeconds: number,
  ): Promise<{ readonly result: Committed; readonly safe: boolean }>

  /**
   * Gives the lease back without a renewal. Nobody gets another for a time that doubles with each failure in a row.
   *
   * @param isRefusal counts it with those of the same generation
   */
  release(id: string, owner: string, backOff: BackOff, isRefusal?: boolean): Promise<Released>

  /** True for the first who uses `key` within `seconds`. */
  useOnce(key: string, seconds: number): Promise<boolean>

  wasUsed(key: string): Promise<boolean>

  /**
   * Who has claimed `key`: `owner`, if nobody did within `seconds`.
   *
   * @param over takes it from whoever this is
   */
  claim(key: string, owner: string, seconds: number, over?: string): Promise<string>

  readonly index: SessionIndex

  /** The documents of `req.session`, for express-session's store. A logged-in session's is written only while it exists. */
  readonly appData: AppData
}

export interface AppData {
  get(id: string): Promise<string | null>
  set(id: string, document: string, seconds: number): Promise<void>
  touch(id: string, seconds: number): Promise<void>
  delete(id: string): Promise<void>
}

/**
 * Finds sessions from elsewhere. What it names may have ended by itself; what lives it names until the latest end of
 * the session, through every renewal.
 */
export interface SessionIndex {
  /** Before the session is stored: one that is stored and not named here could not be ended from elsewhere. */
  add(id: string, record: AuthRecord): Promise<void>
  remove(ids: readonly string[], groups: readonly SessionGroup[]): Promise<void>
  /** Newest first. */
  page(group: SessionGroup, from: number, count: number): Promise<readonly string[]>
  /**
   * Marks the group as ended, for `seconds`, and hands out whom it names, in batches: everybody at least once who was
   * named then, and nobody who is added later. What has ended is to be removed by the caller; an id without a session
   * may be a login of this moment, and stays.
   */
  endGroup(group: SessionGroup, seconds: number): AsyncGenerator<readonly string[], void, undefined>
  /** When it was ended last, in milliseconds, as far as that is remembered. */
  endedAt(group: SessionGroup): Promise<number | undefined>
}

/** So many sessions are ended at a time: no store is held up by somebody who has very many. */
export const END_BATCH = 100
