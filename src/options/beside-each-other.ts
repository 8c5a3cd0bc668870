// What several providers are to each other: told apart, chosen among, and not to be mixed up.
import { isSameIssuer, ownerName } from '../record/owner.ts'
import { comparablePath } from './app-paths.ts'
import type { AuthOptions } from './auth-options.ts'
import type { AddressConfig, RealmConfig } from './config.ts'
import { optionError } from './read-option.ts'

/** What goes by all of them. @throws ConfigurationError where two could not be told apart */
export function besideEachOther<Realm extends RealmConfig & Pick<AddressConfig, 'redirectURI'>>(
  realms: readonly Realm[],
): readonly Pick<RealmConfig, 'mustNameIssuer'>[] {
  return realms.map((realm, at) => {
    const same = realms.slice(0, at).find((other) => ownerName(other) === ownerName(realm))
    if (same === undefined) return { mustNameIssuer: realms.some((other) => mayBeMixedUp(realm, other)) }
    throw optionError(
      `providers.${realm.providerName}`,
      `is the same client at the same provider as providers.${same.providerName}: leave one out, or register another client there`,
    )
  })
}

/**
 * By configuration alone: what a provider says of itself decides nothing here, or a hostile one would leave out that it names
 * itself, and take a code that is meant for another (RFC 9700 §4.4.1).
 */
function mayBeMixedUp<Realm extends RealmConfig & Pick<AddressConfig, 'redirectURI'>>(
  one: Realm,
  other: Realm,
): boolean {
  return (
    comparablePath(one.redirectURI.pathname) === comparablePath(other.redirectURI.pathname) &&
    !isSameIssuer(one.issuer.href, other.issuer.href)
  )
}

/** @throws ConfigurationError */
export function checkChoice({ onChooseProvider, providers, routes, tenant }: AuthOptions): void {
  // Some of the tenants may have several.
  if (tenant !== undefined) return
  const [asked] = [
    onChooseProvider !== undefined && 'onChooseProvider',
    routes?.chooseProvider && 'routes.chooseProvider',
  ].filter((name) => typeof name === 'string')
  if (asked !== undefined && providers === undefined)
    throw optionError(asked, 'needs providers: of one provider there is nothing to choose')
  if (onChooseProvider !== undefined && routes?.chooseProvider)
    throw optionError('routes.chooseProvider', 'is not used beside onChooseProvider: give one of the two')
}
