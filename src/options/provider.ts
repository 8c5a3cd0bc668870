// The option `provider`: how the provider is dealt with.
import { group, namesOf, onlyKnown, seconds, wholeNumber } from './read-option.ts'

export interface ProviderOptions {
  /** What the provider says of itself is read again after so long; at once where an endpoint does not answer as one. @defaultValue `3600` */
  refreshSeconds?: number | undefined
  /**
   * Codes that this process exchanges at once, and requests that it pushes at once (PAR); whoever comes beyond that is
   * asked to try again, with the code still good. @defaultValue `50`
   */
  maxConcurrentLogins?: number | undefined
}

export type ProviderConfig = Readonly<Record<keyof ProviderOptions, number>>

const NAMES = namesOf<ProviderOptions>({ refreshSeconds: true, maxConcurrentLogins: true })

export function resolveProvider(given: unknown): ProviderConfig {
  const provider = group(given, 'provider')
  onlyKnown(provider, NAMES, 'provider.')
  return Object.freeze({
    refreshSeconds: seconds(provider.refreshSeconds, 'provider.refreshSeconds', { fallback: 3600 }),
    maxConcurrentLogins: wholeNumber(provider.maxConcurrentLogins, 'provider.maxConcurrentLogins', {
      fallback: 50,
      min: 1,
    }),
  })
}
