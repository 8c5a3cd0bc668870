// Records that this process has opened: an unchanged one is neither sent, nor decrypted, nor parsed again.
import { createHash } from 'node:crypto'
import { BoundedMap } from '../../lib/bounded-map.ts'
import { createChangeCheck } from '../../lib/change-check.ts'
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

interface Entry extends Opened {
  readonly opener: object
}

/** Some 5 kB each. */
const MOST_RECORDS = 2000

/** For all sites together. */
export function createOpenedRecords(): { of(site: Pick<StoreSite, 'secrets'>): OpenedRecords } {
  const opened = new BoundedMap<string, Entry>(MOST_RECORDS)

  return {
    of({ secrets }) {
      let opener = {}
      // What a secret opened that is none any more does not open.
      const forgetOfOthers = createChangeCheck(secrets, () => {
        opener = {}
      })
      const own = (id: string) => {
        const entry = opened.get(id)
        return entry?.opener === opener ? entry : undefined
      }

      return {
        get(id) {
          forgetOfOthers()
          return own(id)
        },

        put(id, sealed, record) {
          opened.set(id, { opener, hash: createHash('sha1').update(sealed).digest('hex'), record })
        },

        drop(id) {
          if (own(id) !== undefined) opened.delete(id)
        },
      }
    },
  }
}
