// Records that this process has opened: an unchanged one is neither sent, nor decrypted, nor parsed again.
import { createHash } from 'node:crypto'
import { BoundedMap } from '../../lib/bounded-map.ts'
import type { AuthRecord } from '../../record/auth-record.ts'

export interface OpenedRecords {
  get(id: string): Opened | undefined
  put(id: string, sealed: string, record: AuthRecord): void
  drop(id: string): void
}

export interface Opened {
  /** SHA-1 of the sealed text, in hex, as Redis can tell it too: whoever changes a byte there changes it. */
  readonly hash: string
  readonly record: AuthRecord
}

/** Some 5 kB each. */
const MOST_RECORDS = 2000

export function createOpenedRecords(): OpenedRecords {
  const opened = new BoundedMap<string, Opened>(MOST_RECORDS)

  return {
    get: (id) => opened.get(id),

    put(id, sealed, record) {
      opened.set(id, { hash: createHash('sha1').update(sealed).digest('hex'), record })
    },

    drop: (id) => void opened.delete(id),
  }
}
