// The state of a login (RFC 6749 §4.1.1): it comes back whatever the browser keeps.
import { createHash, randomBytes } from 'node:crypto'

/** @param attempts how many logins before it were not known when they came back */
export function createState(attempts = 0): string {
  return attempts > 0 ? `${random()}.${attempts}` : random()
}

/** As `createState()` makes them: 32 bytes, and the attempts. */
export function isState(text: string): boolean {
  return /^[\w-]{43}(?:\.[1-9])?$/.test(text)
}

export function attemptsIn(state: string): number {
  return Number(/\.([1-9])$/.exec(state)?.[1] ?? 0)
}

export function hashState(state: string): string {
  return createHash('sha256').update(state).digest('base64url')
}

/** 256 bits. */
export function random(): string {
  return randomBytes(32).toString('base64url')
}
