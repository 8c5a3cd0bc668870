// The realms of one site, each a client at a provider: which of them something is of.
import type { RealmConfig } from '../options/config.ts'
import { mayBeOfTenant } from '../options/tenants.ts'
import type { AuthRecord } from '../record/auth-record.ts'
import { createOwners, isSameIssuer } from '../record/owner.ts'

export interface Realms<Own> {
  /** Of whoever is not logged in, and asks for no provider by its name. */
  readonly first: Own
  readonly all: readonly Own[]
  /** Whose session it is. */
  of(record: AuthRecord): Own
  /** As `providers` names it. */
  byName(name: string): Own | undefined
  /**
   * Whose an answer or a token of that issuer may be, for that audience. Nothing of it was checked yet: it is to be checked in
   * full by what is found here.
   */
  byIssuer(issuer: string, audience?: string | readonly string[]): readonly Own[]
}

/** The only one: nobody has to ask whose anything is. */
export function oneRealm<Own>(own: Own): Realms<Own> {
  const all = [own]
  return { first: own, all, of: () => own, byName: () => undefined, byIssuer: () => all }
}

interface Realm {
  readonly config: Pick<RealmConfig, 'issuer' | 'clientID' | 'providerName'> &
    Partial<Pick<RealmConfig, 'issuerTenants'>>
}

/** Of many tenants' each has its own, which the pattern in the provider's document says exactly. */
function isIssuerOf({ issuer, issuerTenants }: Realm['config'], iss: string): boolean {
  return isSameIssuer(issuer.href, iss) || (issuerTenants !== undefined && mayBeOfTenant(issuer, iss))
}

export function createRealms<Own extends Realm>(all: readonly [Own, ...Own[]]): Realms<Own> {
  const [first, ...others] = all
  const ownerOf = createOwners(all.map(({ config }) => config))
  const byConfig = new Map(all.map((own) => [own.config, own]))
  const named = new Map(all.map((own) => [own.config.providerName, own]))
  const byName = (name: string) => named.get(name)
  if (others.length === 0) return { ...oneRealm(first), byName }
  return {
    first,
    all,
    of(record) {
      const owner = ownerOf(record)
      return (owner && byConfig.get(owner)) ?? first
    },
    byName,
    byIssuer: (issuer, audience) =>
      all.filter(
        ({ config }) =>
          isIssuerOf(config, issuer) &&
          (audience === undefined || [audience].flat().includes(config.clientID)),
      ),
  }
}
