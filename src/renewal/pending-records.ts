// Renewed records that the store has not taken yet, sealed: they may stay in memory for minutes.
import { randomBytes } from 'node:crypto'
import { createSealer } from '../lib/seal.ts'
import type { AuthRecord } from '../record/auth-record.ts'

export interface PendingRecords {
  /** False when there are too many. */
  put(id: string, record: AuthRecord): boolean
  get(id: string): AuthRecord | undefined
  /** Drops this record, not a newer one. */
  drop(id: string, record: AuthRecord): void
  count(): number
}

const MOST_RECORDS = 10_000

export function createPendingRecords(): PendingRecords {
  const sealer = createSealer([randomBytes(32).toString('base64url')], 'pending record')
  const entries = new Map<string, { readonly generation: number; readonly sealed: string }>()

  return {
    put(id, record) {
      if (entries.size >= MOST_RECORDS && !entries.has(id)) return false
      entries.set(id, { generation: record.generation, sealed: sealer.seal(JSON.stringify(record), id) })
      return true
    },

    get(id) {
      const entry = entries.get(id)
      const text = entry && sealer.open(entry.sealed, id)
      return text === undefined ? undefined : (JSON.parse(text) as AuthRecord)
    },

    drop(id, { generation }) {
      if (entries.get(id)?.generation === generation) entries.delete(id)
    },

    count: () => entries.size,
  }
}
