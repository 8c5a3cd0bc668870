// Records that this process has opened: an unchanged one is neither sent, nor decrypted, nor parsed again.
import { createHash } from 'node:crypto'
import { createChangeCheck } from '../../lib/change-check.ts'
import { createPartedMap } from '../../lib/parted-map.ts'
import type { AuthRecord } from '../../record/auth-record.ts'
import type { StoreSite } from '../session-stores.ts'

/** Of one site: what another opened is not known to it, whoever has the id. */
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

/**
 * For all sites together.
 *
 * @param mostOfSite so many of one site
 */
export function createOpenedRecords(mostOfSite = MOST_RECORDS): {
  of(site: Pick<StoreSite, 'secrets'>): OpenedRecords
} {
  const all = createPartedMap<Opened>(MOST_RECORDS, mostOfSite)

  return {
    of({ secrets }) {
      const opened = all.part()
      // What a secret opened that is none any more does not open.
      const forgetOfOthers = createChangeCheck(secrets, opened.clear)

      return {
        get(id) {
          forgetOfOthers()
          return opened.get(id)
        },

        put(id, sealed, record) {
          opened.set(id, { hash: createHash('sha1').update(sealed).digest('hex'), record })
        },

        drop: (id) => opened.delete(id),
      }
    },
  }
}
