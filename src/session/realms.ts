// The realms of one `auth()`, each a client at a provider: which of them a session is of.
import type { AuthRecord } from '../record/auth-record.ts'

export interface Realms<Own> {
  /** Of whoever is not logged in. */
  readonly first: Own
  /** Whose session it is. */
  of(record: AuthRecord): Own
}

export function oneRealm<Own>(own: Own): Realms<Own> {
  return { first: own, of: () => own }
}
