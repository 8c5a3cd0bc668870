// Stores renewed records, at once or as soon as the store takes them: the old refresh token is spent by then.
import type { AuthEventEmitter } from '../events/events.ts'
import type { BackgroundTasks } from '../lib/background-tasks.ts'
import type { Provider } from '../provider/provider.ts'
import type { AuthRecord } from '../record/auth-record.ts'
import type { SessionStore } from '../store/store.ts'
import type { PendingRecords } from './pending-records.ts'
import type { Stored } from './renewal-result.ts'

export interface Commit {
  readonly id: string
  readonly record: AuthRecord
  /** The lease's. */
  readonly owner: string
  readonly backOffSeconds: number
}

export interface WriteBehind {
  /** Resolves with the record to use, stored or waiting to be. */
  commit(commit: Commit): Promise<Stored>
  /** The newest record that this process knows: a renewed one may be waiting to be stored. */
  newest(id: string, found: AuthRecord): AuthRecord
  /** How many wait to be stored. */
  waiting(): number
  /** Stops trying; what is not stored by now is lost, and said to be. */
  abandon(): void
}

/** The store did not answer or another holds the lease; or it is stored, and too few replicas have it. */
type TryAgain = 'not stored' | 'not replicated'

const GIVE_UP_SECONDS = 900
/** Much shorter than a peer's patience with a lease that ended without a word. */
const LONGEST_WAIT_MILLISECONDS = 1000

export function createWriteBehind(
  store: SessionStore,
  pending: PendingRecords,
  provider: Provider,
  events: AuthEventEmitter,
  tasks: BackgroundTasks,
): WriteBehind {
  let abandoned = false

  return {
    async commit(commit) {
      const stored = await tryToStore(commit)
      if (typeof stored === 'object') return stored
      const { id, record } = commit
      tell('commit-delayed', record)
      if (pending.put(id, record)) tasks.run(storeLater(commit))
      else tell('commit-lost', record)
      return { kind: 'renewed', record }
    },

    newest(id, found) {
      const record = pending.get(id)
      return record !== undefined && record.generation > found.generation ? record : found
    },

    waiting: pending.count,

    abandon() {
      abandoned = true
    },
  }

  async function tryToStore({ id, record, owner, backOffSeconds }: Commit): Promise<Stored | TryAgain> {
    try {
      const { result, safe } = await store.commit(id, record, owner, backOffSeconds)
      switch (result) {
        case 'committed':
          return safe ? { kind: 'renewed', record } : 'not replicated'
        case 'gone':
          // Logged out meanwhile: the session stays dead, and so must the token that came too late.
          if (record.refreshToken !== undefined) provider.revoke(record.refreshToken)
          return { kind: 'ended', reason: undefined }
        case 'held':
          return 'not stored'
        case 'superseded': {
          const { value } = await store.find(id)
          return value === undefined
            ? { kind: 'ended', reason: undefined }
            : { kind: 'renewed', record: value.record }
        }
      }
    } catch {
      return 'not stored'
    }
  }

  async function storeLater(commit: Commit): Promise<void> {
    const { id, record } = commit
    const giveUpAt = performance.now() + GIVE_UP_SECONDS * 1000
    let stored: Stored | TryAgain = 'not stored'
    for (let wait = 50; typeof stored === 'string'; wait = Math.min(wait * 2, LONGEST_WAIT_MILLISECONDS)) {
      await new Promise((resolve) => setTimeout(resolve, wait))
      if (abandoned || performance.now() > giveUpAt) break
      stored = await tryToStore(commit)
    }
    pending.drop(id, record)
    if (stored === 'not stored') tell('commit-lost', record)
  }

  function tell(name: 'commit-delayed' | 'commit-lost', { claims, generation }: AuthRecord): void {
    events.emit(name, { subject: claims.sub, generation })
  }
}
