// `req.oidc.user`: the person, put together from the ID token, the userinfo endpoint and what the app added.
import type { AuthRecord, UserInfo } from './auth-record.ts'
import { type IdTokenClaims, isPersonal, personalClaims } from './id-token-claims.ts'
import type { User } from './person.ts'

/** What the provider says of somebody. */
interface Said {
  readonly claims: IdTokenClaims
  readonly userInfo?: UserInfo | undefined
}

/** What the ID token says goes first: it is signed for this client, and for this login. */
export function personOf({ claims, userInfo }: Said): User {
  return { ...userInfo, ...personalClaims(claims) }
}

/** @param names those that are wanted; undefined: all about the person. What belongs to the protocol is never taken. */
export function wantedOf(claims: UserInfo, names: readonly string[] | undefined): UserInfo {
  return Object.fromEntries(
    Object.entries(claims).filter(
      ([name]) => name !== 'sub' && isPersonal(name) && (names?.includes(name) ?? true),
    ),
  )
}

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
  const user = { ...personOf(record), ...record.enrichment, sub: record.claims.sub }
  const known = { user, isDeep: Object.values(user).some((value) => typeof value === 'object') }
  users.set(record, known)
  return known
}
