// The provider's discovery document: read, and found to be the one of the issuer that is meant (OpenID Connect Discovery 1.0 §4).
import type { ServerMetadata } from 'openid-client'
import { jsonObject } from '../lib/json-object.ts'
import type { ProviderSetUp } from '../options/config.ts'
import type { createBoundedFetch } from './bounded-fetch.ts'
import { AnswerError, MetadataError } from './failures.ts'
import { type Expected, NO_OPENID, readMetadata } from './metadata.ts'
import { isOfPattern, isPattern } from './tenants.ts'

type Document = Readonly<Record<string, unknown>>

/** They say of themselves that they will answer otherwise: RFC 9110 §15.5.9, §15.5.20; RFC 6585 §4; RFC 8470 §5.2. */
const FOR_NOW = new Set([408, 421, 425, 429])

/**
 * What is known of the provider: by its document where it has one, and by the options.
 *
 * @throws MetadataError where only whoever sets the app up can help
 */
export async function readProvider(
  config: ProviderSetUp,
  fetch: ReturnType<typeof createBoundedFetch>,
): Promise<ServerMetadata> {
  const { discoveryURL } = config.provider
  const found =
    discoveryURL === undefined
      ? {}
      : await readDocument(discoveryURL, config, config.httpTimeoutSeconds, fetch)
  const metadata = readMetadata(found, config)
  checkTenants(metadata.issuer, config)
  return metadata
}

async function readDocument(
  url: string,
  expected: Expected,
  timeoutSeconds: number,
  fetch: ReturnType<typeof createBoundedFetch>,
): Promise<Document> {
  const { status, text } = await answerOf(url, timeoutSeconds, fetch)
  if (status !== 200) throw refused(url, status)
  const document = jsonObject(text)
  if (document === undefined)
    throw new MetadataError(`${url} is no discovery document (no JSON object): is it the provider's address?`)
  checkIssuer(document.issuer, url, expected)
  return document
}

/** Of an address that is no document's. */
export async function expectAnswer(...question: Parameters<typeof answerOf>): Promise<void> {
  const { status } = await answerOf(...question)
  if (status !== 200) throw new AnswerError(`${question[0]} answered ${status}`)
}

async function answerOf(url: string, timeoutSeconds: number, fetch: ReturnType<typeof createBoundedFetch>) {
  const response = await fetch(url, {
    method: 'GET',
    headers: { accept: 'application/json' },
    redirect: 'manual',
    signal: AbortSignal.timeout(timeoutSeconds * 1000),
  })
  return { status: response.status, text: await response.text() }
}

function refused(url: string, status: number): Error {
  const said = `${url} answered ${status}`
  if (status >= 500 || FOR_NOW.has(status)) return new AnswerError(said)
  return new MetadataError(
    `${said}, and the provider's discovery document has to be there: is the issuer whole, as https://HOST/realms/REALM of Keycloak or https://login.microsoftonline.com/TENANT_ID/v2.0 of Entra ID? The document may be at another address (provider.discoveryURL); or there is none (provider.discoveryURL: false, with provider.metadata); or ${NO_OPENID}`,
  )
}

/** §4.3: to the letter, but for how URLs may be written. */
function checkIssuer(found: unknown, url: string, { issuer, provider }: Expected): void {
  const href = typeof found === 'string' && URL.canParse(found) ? new URL(found).href : undefined
  if (href === issuer.href || (provider.isSlashOpen && href === `${issuer.href}/`)) return
  if (typeof found === 'string' && isOfPattern(found, issuer.href)) return
  if (typeof found !== 'string') throw new MetadataError(`the document at ${url} has no issuer`)
  const named = provider.metadata.issuer === undefined ? 'issuerBaseURL' : 'provider.metadata.issuer'
  throw new MetadataError(
    `the document at ${url} is that of the issuer ${printable(found)}, but ${named} is ${JSON.stringify(issuer.href)}: they have to be equal, to the letter. If both are right (Azure AD B2C, custom domains), name the document's in provider.metadata.issuer`,
  )
}

/** Without the option everybody could log in; and where it is given, nobody may believe that it is asked when it is not. */
function checkTenants(issuer: string, { issuerTenants: tenants }: Expected): void {
  if (isPattern(issuer) && tenants === undefined)
    throw new MetadataError(
      `its document has no issuer of its own, but one for each tenant, ${printable(issuer)}: say whose people may log in by the option tenants, a list such as ['TENANT_ID'] or a function of (tid, claims), or name one tenant in issuerBaseURL`,
    )
  if (!isPattern(issuer) && tenants !== undefined)
    throw new MetadataError(
      `the option tenants is for an issuer of many tenants, such as https://login.microsoftonline.com/organizations/v2.0 of Entra ID, and the document's is one, ${printable(issuer)}: leave tenants out, and look at the claims in afterCallback`,
    )
}

function printable(text: string): string {
  return JSON.stringify(text.slice(0, 200)).replace(/[^\x20-\x7e]/g, '?')
}
