// What some have for themselves, over what is given for all: each of several providers, and each tenant.
import type { AuthOptions, ProviderEntry, TenantSetUp } from './auth-options.ts'
import { isGroup } from './read-option.ts'

/** What of the environment is one provider's. */
export const ENVIRONMENT_OF_ONE: readonly string[] = [
  'ISSUER_BASE_URL',
  'CLIENT_ID',
  'CLIENT_SECRET',
  'AUDIENCE',
  'CLIENT_ASSERTION_SIGNING_KEY',
]

/** @param groups in which what is own says what differs, and need not repeat the rest */
export function ownOptions(
  own: ProviderEntry | TenantSetUp,
  shared: AuthOptions,
  groups: readonly (keyof AuthOptions)[],
): AuthOptions {
  const given = Object.entries(own).flatMap(([name, value]) => {
    if (value === undefined) return []
    const group = groups.find((each) => each === name)
    const before = group && shared[group]
    return [[name, isGroup(before) && isGroup(value) ? { ...before, ...value } : value]]
  })
  return { ...shared, ...Object.fromEntries(given) }
}
