// An issuer that is a pattern of issuers, as Entra ID's `common` and `organizations` have it, one for each tenant. OpenID Connect
// knows nothing of it: filled with the tenant's ID it is an issuer like any other, by which everything is checked.
import { withDeadline } from '../lib/deadline.ts'
import type { ProviderSetUp } from '../options/config.ts'
import { isTenantID } from '../options/tenants.ts'
import type { IdTokenClaims } from '../record/id-token-claims.ts'
import { OwnFunctionError } from './failures.ts'

const PLACE = '{tenantid}'

/** What the ID token has to say of its tenant. */
export const NO_TENANT = 'its tid is missing, or is no ID of a tenant'

export function isPattern(issuer: string): boolean {
  return issuer.split(PLACE).length === 2
}

export function issuerOfTenant(pattern: string, tid: string): string {
  // No replacement pattern: the ID has none of its letters, and a function is asked for none.
  return pattern.replace(PLACE, () => tid)
}

/** @returns undefined where the issuer is not of that pattern, filled with the ID of a tenant */
export function tenantOf(pattern: string, issuer: unknown): string | undefined {
  const between = betweenIn(pattern, issuer)
  return isTenantID(between) ? between : undefined
}

/** Whether an address such as `https://login.microsoftonline.com/organizations/v2.0` is of that pattern. */
export function isOfPattern(pattern: string, address: string): boolean {
  const between = isPattern(pattern) ? betweenIn(pattern, address) : undefined
  return between !== undefined && /^[^/]+$/.test(between)
}

function betweenIn(pattern: string, issuer: unknown): string | undefined {
  const [head = '', tail = ''] = pattern.split(PLACE)
  if (typeof issuer !== 'string' || issuer.length <= head.length + tail.length) return undefined
  if (!issuer.startsWith(head) || !issuer.endsWith(tail)) return undefined
  return issuer.slice(head.length, issuer.length - tail.length)
}

/** @returns what is wrong with the tenant that an ID token names; or undefined */
export function issuerFault(pattern: string, { iss, tid }: IdTokenClaims): string | undefined {
  if (!isTenantID(tid)) return NO_TENANT
  return iss === issuerOfTenant(pattern, tid) ? undefined : 'its iss is of another tenant than its tid'
}

/**
 * Whether the people of a tenant may log in here, where that is asked. The claims have passed every check.
 *
 * @returns why not, for operators; or undefined @throws OwnFunctionError that has nothing of what the app's function threw
 */
export async function tenantRefusal(
  { issuerTenants: tenants, httpTimeoutSeconds }: Pick<ProviderSetUp, 'issuerTenants' | 'httpTimeoutSeconds'>,
  claims: IdTokenClaims,
): Promise<string | undefined> {
  if (tenants === undefined) return undefined
  const tid = String(claims.tid)
  const refused = `the people of the tenant ${tid} may not log in here (tenants)`
  if (typeof tenants !== 'function') return tenants.has(tid) ? undefined : refused
  const ask = async () => tenants(tid, claims)
  const asked = ask().catch(() => {
    throw new OwnFunctionError('tenants() threw an error')
  })
  const answer: unknown = await withDeadline(asked, httpTimeoutSeconds, () => {
    throw new OwnFunctionError('tenants() gave nothing in time')
  })
  if (typeof answer !== 'boolean') throw new OwnFunctionError('tenants() gave neither true nor false')
  return answer ? undefined : refused
}
