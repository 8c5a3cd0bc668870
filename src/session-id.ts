// Session ids: who holds one is that session, so they are long, random, and say which kind of session they name.
import { randomBytes } from 'node:crypto'

/** Says in the id itself that its data belongs to a person: without the auth record nobody may read it. */
const SIGNED_IN = 's-'
const ANONYMOUS = 'a-'

/** 256 bits, made anew at every log-in (OWASP ASVS 5.0 §7.2.3, §7.2.4). */
export function createSignedInId(): string {
  return SIGNED_IN + randomBytes(32).toString('base64url')
}

export function createAnonymousId(): string {
  return ANONYMOUS + randomBytes(32).toString('base64url')
}

export function isSignedInId(id: string): boolean {
  return id.startsWith(SIGNED_IN)
}
