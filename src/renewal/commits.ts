// Stores renewed records, at once or as soon as the store takes them: the old refresh token is spent by then.
import type { AuthRecord } from '../auth-record.ts'
import type { AuthRecords } from '../auth-records/auth-records.ts'
import type { AuthEventEmitter, SessionEndReason } from '../events.ts'
import type { WorkBeside } from './work-beside.ts'

/** What became of a renewed record. */
export type Stored =
  /** The record to use: this one, or a newer one that was stored meanwhile. */
  | { readonly kind: 'renewed'; readonly record: AuthRecord }
  | { readonly kind: 'ended'; readonly reason: SessionEndReason | undefined }

export interface Commit {
  readonly id: string
  readonly record: AuthRecord
  /** The lease's. */
  readonly owner: string
  readonly backOffSeconds: number
}

export interface Commits {
  commit(commit: Commit): Promise<Stored>
  /** The newest record that this process knows: a renewed one may be waiting to be stored. */
  newest(id: string, found: AuthRecord): AuthRecord
}

const GIVE_UP_SECONDS = 60

export function createCommits(
  records: AuthRecords,
  events: AuthEventEmitter,
  revoke: (refreshToken: string | undefined) => void,
  beside: WorkBeside,
): Commits {
  const waiting = new Map<string, AuthRecord>()

  return {
    async commit(commit) {
      try {
        return await store(commit)
      } catch {
        const { id, record } = commit
        events.emit('commit-delayed', { subject: record.claims.sub, generation: record.generation })
        waiting.set(id, record)
        beside.run(storeLater(commit))
        return { kind: 'renewed', record }
      }
    },

    newest(id, found) {
      const record = waiting.get(id)
      return record !== undefined && record.generation > found.generation ? record : found
    },
  }

  async function store({ id, record, owner, backOffSeconds }: Commit): Promise<Stored> {
    switch (await records.commit(id, record, owner, backOffSeconds)) {
      case 'committed':
        return { kind: 'renewed', record }
      case 'gone':
        // Logged out meanwhile: the session stays dead, and so must the token that came too late.
        revoke(record.refreshToken)
        return { kind: 'ended', reason: undefined }
      case 'superseded': {
        const { value } = await records.find(id)
        return value === undefined
          ? { kind: 'ended', reason: undefined }
          : { kind: 'renewed', record: value.record }
      }
    }
  }

  async function storeLater(commit: Commit): Promise<void> {
    const { id, record } = commit
    const giveUpAt = performance.now() + GIVE_UP_SECONDS * 1000
    for (let wait = 50; performance.now() < giveUpAt; wait = Math.min(wait * 2, 1000)) {
      await new Promise((resolve) => setTimeout(resolve, wait))
      if ((await store(commit).catch(() => undefined)) !== undefined) break
    }
    if (waiting.get(id) === record) waiting.delete(id)
  }
}
