// Session ids: who holds one is that session, so they are long, random, and say which kind of session they name.
import { randomBytes } from 'node:crypto'

/** Says in the id itself that its data belongs to a person: without the auth record nobody may read it. */
const LOGGED_IN = 's-'
const ANONYMOUS = 'a-'

/** 256 bits, made anew at every login (OWASP ASVS 5.0 §7.2.3, §7.2.4). */
export function createLoggedInId(): string {
  return LOGGED_IN + randomBytes(32).toString('base64url')
}

export function createAnonymousId(): string {
  return ANONYMOUS + randomBytes(32).toString('base64url')
}

export function isLoggedInId(id: string): boolean {
  return id.startsWith(LOGGED_IN)
}
