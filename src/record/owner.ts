// Whose a record is: the provider's and the client's that its ID token names, and nobody else's.
import { createHash } from 'node:crypto'
import type { AuthRecord } from './auth-record.ts'

/** A client at a provider: what an `auth()` is to the records of its sessions. */
export interface Owner {
  readonly issuer: URL
  readonly clientID: string
}

/** By its own word; what is older than that is known by its ID token (OpenID Connect Core §3.1.3.7: `iss`, `aud`, `azp`). */
export function isOwnedBy(record: Pick<AuthRecord, 'claims' | 'owner'>, owner: Owner): boolean {
  if (record.owner !== undefined) return record.owner === ownerName(owner)
  const { iss, aud, azp } = record.claims
  const [audience, ...others] = [aud].flat()
  if ((others.length === 0 ? audience : azp) !== owner.clientID) return false
  return isSameIssuer(iss, owner.issuer.href)
}

/** @returns whose of these a record is; undefined where it is of none */
export function createOwners<One extends Owner>(
  all: readonly One[],
): (record: Pick<AuthRecord, 'claims' | 'owner'>) => One | undefined {
  const byName = new Map(all.map((owner) => [ownerName(owner), owner]))
  return (record) =>
    record.owner === undefined ? all.find((owner) => isOwnedBy(record, owner)) : byName.get(record.owner)
}

/** A short name for keys: of one length, and nobody's. */
export function ownerName({ issuer, clientID }: Owner): string {
  return hash([place(issuer.href), clientID]).slice(0, 16)
}

/** A name of what is the owner's own, hashed: it says nobody's name. */
export function ownedName({ issuer, clientID }: Owner, name: string): string {
  return hash([place(issuer.href), clientID, name])
}

/** However the two are written. */
export function isSameIssuer(one: string, other: string): boolean {
  return one === other || place(one) === place(other)
}

/** The configured issuer stands for the `iss` of every ID token that passed, however its URL is written. */
function place(issuer: string): string {
  const { href } = URL.canParse(issuer) ? new URL(issuer) : { href: issuer }
  return href.replace(/\/+$/, '')
}

function hash(parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url')
}
