// Where the sessions of all sites are kept, and how each site sees its own alone.
import type { AuthEventEmitter } from '../events/events.ts'
import type { Finding } from '../findings.ts'
import type { Owner } from '../record/owner.ts'
import { withFormerIndex } from './former-index.ts'
import type { SessionIndex, SessionStore } from './store.ts'

/** Opened once for all sites. Its methods reject as those of a `SessionStore`. */
export interface SessionStores {
  now(): Promise<number>

  /** At start: answers where it can be used, and tells the log what may go wrong with it later. */
  usable(): Promise<void>

  /** What it says of itself, in what it may be asked beyond what sessions need. Never throws. */
  check(): Promise<readonly Finding[]>

  /** What others than these keep there is nobody's session, whoever has its id. It may be dropped without a word. */
  of(site: StoreSite): SiteStore

  close(): Promise<void>
}

/** Who has sessions together: by their secrets, and by their providers and clients. */
export interface StoreSite {
  /** What is kept for none of them alone goes by the name of the first. */
  readonly owners: readonly [Owner, ...Owner[]]
  /** The same list while they do not change. */
  readonly secrets: () => readonly string[]
  /** Where it is another than elsewhere. */
  readonly idleTimeoutSeconds?: number
  /** Told of records that cannot be read. */
  readonly events: AuthEventEmitter
}

/** The sessions of all owners of a site; who is named in the index is of one. */
export interface SiteStore extends Omit<SessionStore, 'index'> {
  indexOf(owner: Owner): SessionIndex
}

/** The same sessions, with the index of one owner. */
export function storeOf({ indexOf, ...store }: SiteStore, owner: Owner): SessionStore {
  return { ...store, index: owner.isFormer ? withFormerIndex(indexOf, owner) : indexOf(owner) }
}
