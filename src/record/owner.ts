// Whose a record is: the provider's and the client's that its ID token names, of one tenant, and nobody else's.
import { createHash } from 'node:crypto'
import type { AuthRecord, SessionGroup } from './auth-record.ts'
import { type IdTokenClaims, isSamePerson } from './id-token-claims.ts'

/** A client at a provider: what an `auth()` is to the records of its sessions. */
export interface Owner {
  readonly issuer: URL
  readonly clientID: string
  /** Its key, where sessions are kept apart by tenants: two of them may have the same client at the same provider. */
  readonly tenant?: string
  /** The sessions that the app had before it had tenants are this one's. */
  readonly isFormer?: boolean
  /** Where its issuer is one for each tenant, a person's `sub` is the name of somebody else in another tenant. */
  readonly issuerTenants?: unknown
}

/** By its own word; what is older than that is known by its ID token (OpenID Connect Core §3.1.3.7: `iss`, `aud`, `azp`). */
export function isOwnedBy(record: Pick<AuthRecord, 'claims' | 'owner'>, owner: Owner): boolean {
  if (record.owner !== undefined) return namesOf(owner).includes(record.owner)
  // It is older than tenants, and says nothing of them.
  if (owner.tenant !== undefined && !owner.isFormer) return false
  const { iss, aud, azp } = record.claims
  const [audience, ...others] = [aud].flat()
  if ((others.length === 0 ? audience : azp) !== owner.clientID) return false
  return isSameIssuer(iss, owner.issuer.href)
}

/** Two clients of one issuer are two audiences: customers there are no staff here, with the same `iss` and `sub`. */
export function isTheirs(
  record: AuthRecord | undefined,
  owner: Owner,
  claims: IdTokenClaims,
): record is AuthRecord {
  return record !== undefined && isOwnedBy(record, owner) && isSamePerson(record.claims, claims)
}

/** @returns whose of these a record is; undefined where it is of none */
export function createOwners<One extends Owner>(
  all: readonly One[],
): (record: Pick<AuthRecord, 'claims' | 'owner'>) => One | undefined {
  const byName = new Map(all.flatMap((owner) => namesOf(owner).map((name) => [name, owner] as const)))
  return (record) =>
    record.owner === undefined ? all.find((owner) => isOwnedBy(record, owner)) : byName.get(record.owner)
}

/** A short name for keys: of one length, and nobody's. */
export function ownerName(owner: Owner): string {
  return hash(partsOf(owner)).slice(0, 16)
}

/** By which its records say whose they are: its own, and the one that it had before there were tenants. */
export function namesOf(owner: Owner): readonly string[] {
  const { issuer, clientID, isFormer } = owner
  return isFormer ? [ownerName(owner), ownerName({ issuer, clientID })] : [ownerName(owner)]
}

/** A name of what is the owner's own, hashed: it says nobody's name. */
function ownedName(owner: Owner, name: string): string {
  return hash([...partsOf(owner), name])
}

/** A tenant's key is wrapped, so that no name of anything else is the same by chance. */
function partsOf({ issuer, clientID, tenant }: Owner): readonly unknown[] {
  const client = [place(issuer.href), clientID]
  return tenant === undefined ? client : [...client, { tenant }]
}

/** A name of the sessions of that group. */
export function groupName(owner: Owner, { value, tid = '' }: SessionGroup): string {
  // All of an owner's are of one form, so that none is another's by chance.
  return ownedName(owner, owner.issuerTenants === undefined ? value : JSON.stringify([tid, value]))
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

function hash(parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url')
}
