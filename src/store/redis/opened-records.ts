// Records that this process has opened: an unchanged one is neither sent, nor decrypted, nor parsed again.
import { createHash } from 'node:crypto'
import { BoundedMap } from '../../lib/bounded-map.ts'
import { createChangeCheck } from '../../lib/change-check.ts'
import type { Config } from '../../options/config.ts'
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

export function createOpenedRecords(config: Pick<Config, 'secrets'>): OpenedRecords {
  const opened = new BoundedMap<string, Opened>(MOST_RECORDS)
  // What a secret opened that is none any more does not open.
  const forgetOfOthers = createChangeCheck(
    () => config.secrets,
    () => opened.clear(),
  )

  return {
    get(id) {
      forgetOfOthers()
      return opened.get(id)
    },

    put(id, sealed, record) {
      opened.set(id, { hash: createHash('sha1').update(sealed).digest('hex'), record })
    },

    drop: (id) => void opened.delete(id),
  }
}
