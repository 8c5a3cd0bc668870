// An auth record as text, with the version that says how to read it.
import type { AuthRecord } from '../record/auth-record.ts'

const VERSION = 1

export function encodeRecord(record: AuthRecord): string {
  return JSON.stringify({ version: VERSION, ...record })
}

/** A record serves many requests, and none of them may change it for the others. */
export function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null) Object.values(Object.freeze(value)).forEach(frozen)
  return value
}

/** The record, or undefined for what another version wrote. */
export function decodeRecord(text: string): AuthRecord | undefined {
  try {
    const { version, ...record } = JSON.parse(text) as AuthRecord & { version: unknown }
    return version === VERSION ? frozen(record) : undefined
  } catch {
    return undefined
  }
}
