// Auth records as Redis keeps them: sealed, and read by nobody but their owner.
import { createSealer } from '../../lib/seal.ts'
import type { AuthRecord } from '../../record/auth-record.ts'
import { createOwners, type Owner } from '../../record/owner.ts'
import { decodeRecord, encodeRecord } from '../record-codec.ts'
import type { StoreSite } from '../session-stores.ts'

export interface SealedRecords {
  seal(id: string, record: AuthRecord): string
  /** @returns undefined for what is nobody's session here; an event says why */
  open(id: string, generation: unknown, sealed: unknown): AuthRecord | undefined
  /** Another deployment's, as far as anybody here can tell; 'unknown' is what does not open. */
  placeOf(id: string, sealed: string): 'here' | 'elsewhere' | 'unknown'
  /** Of those here. */
  ownerOf(record: AuthRecord): Owner | undefined
}

export function createSealedRecords({ owners, secrets, events }: StoreSite): SealedRecords {
  // RFC 6749 §10.4: refresh tokens are confidential in storage too.
  const sealer = createSealer(secrets, 'auth record')
  const ownerOf = createOwners(owners)

  function unreadable(detail: string): undefined {
    events.emit('record-unreadable', { detail })
  }

  return {
    seal: (id, record) => sealer.seal(encodeRecord(record), id),

    open(id, generation, sealed) {
      if (typeof sealed !== 'string') return undefined
      const text = sealer.open(sealed, id)
      if (text === undefined) return unreadable('the seal does not open')
      const record = decodeRecord(text)
      if (record === undefined) return unreadable('another version wrote it')
      if (String(record.generation) !== generation)
        return unreadable('it is of another generation than its key says')
      // Its refresh token goes to whom it came from, and to nobody else.
      if (ownerOf(record) === undefined) return unreadable('it is of another provider or client')
      return record
    },

    placeOf(id, sealed) {
      const record = decodeRecord(sealer.open(sealed, id) ?? '')
      if (record === undefined) return 'unknown'
      return ownerOf(record) === undefined ? 'elsewhere' : 'here'
    },

    ownerOf,
  }
}
