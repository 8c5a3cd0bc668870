// `req.oidc.user`: the person, put together from the ID token and what the app added.
import type { AuthRecord } from './auth-record.ts'
import { personalClaims } from './id-token-claims.ts'

/** The claims about the person, from the ID token, and what `afterCallback` added. */
export type User = Readonly<Record<string, unknown>> & { readonly sub: string }

export function userOf(record: AuthRecord): User {
  const { user, isDeep } = users.get(record) ?? remember(record)
  // The record serves other requests too, and an app may do with its user what it likes.
  return isDeep ? structuredClone(user) : { ...user }
}

interface KnownUser {
  readonly user: User
  /** There are lists or objects in it. */
  readonly isDeep: boolean
}

/** A record never changes, and serves many requests. */
const users = new WeakMap<AuthRecord, KnownUser>()

function remember(record: AuthRecord): KnownUser {
  const user = { ...personalClaims(record.claims), ...record.enrichment, sub: record.claims.sub }
  const known = { user, isDeep: Object.values(user).some((value) => typeof value === 'object') }
  users.set(record, known)
  return known
}
