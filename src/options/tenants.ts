// The option `tenants`: whose people may log in by an issuer that many tenants of Entra ID share.
import type { IdTokenClaims } from '../record/id-token-claims.ts'
import { optionError } from './read-option.ts'

/**
 * Whether the people of a tenant of Entra ID may log in, by its ID and what their ID token says: asked at every login and at
 * every renewal.
 *
 * @example
 * auth({
 *   issuerBaseURL: 'https://login.microsoftonline.com/organizations/v2.0',
 *   tenants: async (tid) => (await fetch(`https://customers.example.com/tenants/${tid}`)).ok,
 * })
 */
export type MayTenantLogIn = (tid: string, claims: IdTokenClaims) => boolean | Promise<boolean>

export type IssuerTenants = ReadonlySet<string> | MayTenantLogIn

/** As Entra ID writes them in ID tokens: of one tenant there is one writing, and so one issuer. */
const TENANT_ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
/** Their documents name no issuer, but a pattern of issuers. */
const OF_MANY =
  /^https:\/\/login\.(?:microsoftonline\.(?:com|us)|partner\.microsoftonline\.cn)\/(?:common|organizations)(?:\/|$)/i

export function isTenantID(value: unknown): value is string {
  return typeof value === 'string' && TENANT_ID.test(value)
}

/** Whether it is as the address of all of them, but for the place where the tenant's ID is. */
export function mayBeOfTenant({ href }: URL, issuer: string): boolean {
  const [all, own] = [href.split('/'), issuer.split('/')]
  const others = all.flatMap((part, at) => (part === own[at] ? [] : [own[at]]))
  return all.length === own.length && others.length === 1 && isTenantID(others[0])
}

/** Without a list the people of every tenant in the world could log in: so there is none by default. */
export function resolveTenants(given: unknown, issuer: URL): IssuerTenants | undefined {
  if (given === undefined) {
    if (!OF_MANY.test(issuer.href)) return undefined
    throw optionError(
      'tenants',
      `must say whose people may log in, since ${issuer.href} is for those of every tenant: ${EXAMPLE}; or name one tenant in issuerBaseURL (ISSUER_BASE_URL), such as https://login.microsoftonline.com/TENANT_ID/v2.0`,
    )
  }
  if (typeof given === 'function') return given as MayTenantLogIn
  if (!Array.isArray(given) || given.length === 0)
    throw optionError('tenants', `must be ${EXAMPLE}, not ${JSON.stringify(given)}`)
  const ids = given.map((one: unknown) => (typeof one === 'string' ? one.toLowerCase() : one))
  const wrong = ids.findIndex((id) => !isTenantID(id))
  if (wrong >= 0)
    throw optionError(
      'tenants',
      `must hold IDs of tenants ('Directory (tenant) ID' in Entra ID), not ${JSON.stringify(given[wrong])}`,
    )
  return new Set(ids as string[])
}

const EXAMPLE = "a list such as ['00000000-0000-0000-0000-000000000000'], or a function of (tid, claims)"
