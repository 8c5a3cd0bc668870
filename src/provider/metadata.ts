// The provider's description of itself (OpenID Connect Discovery 1.0 §3): what its document says and what the options say
// over it, reduced to what has the form that it must have.
import type { ServerMetadata } from 'openid-client'
import type { ProviderSetUp } from '../options/config.ts'
import { addressFault, isAddress } from '../options/provider-addresses.ts'
import { NEEDED } from '../options/provider-metadata.ts'
import { MetadataError } from './failures.ts'

type Fields = Readonly<Record<string, unknown>>
/** What of the configuration it is held against. */
export type Expected = Pick<ProviderSetUp, 'issuer' | 'provider' | 'issuerTenants'>

const ALIASES = 'mtls_endpoint_aliases'
export const NO_OPENID =
  'it may speak OAuth 2.0 alone, as GitHub does, which says of nobody who they are: put a provider in between that speaks OpenID Connect, such as Keycloak, Auth0 or Dex'

/** @throws MetadataError that names what is wrong */
export function readMetadata(document: Fields, expected: Expected): ServerMetadata {
  const { [ALIASES]: aliases = null, ...fields } = laidOver(document, expected.provider.metadata)
  const metadata = usable(fields, expected)
  for (const name of NEEDED) if (!(name in metadata)) throw lacking(name, metadata)
  if (!isOpenID(metadata))
    throw new MetadataError(
      `the document names neither the scope openid nor id_token_signing_alg_values_supported: ${NO_OPENID}; if it is only its document, provider.metadata.scopes_supported may name openid`,
    )
  if (aliases === null) return metadata as unknown as ServerMetadata
  if (typeof aliases !== 'object') throw new MetadataError(`the document's ${ALIASES} is no object`)
  // RFC 8705 §5
  return {
    ...metadata,
    [ALIASES]: usable({ ...aliases }, expected, `${ALIASES}.`),
  } as unknown as ServerMetadata
}

/** The issuer stays as the document writes it: it was compared. */
function laidOver(document: Fields, given: Fields): Fields {
  const all = { ...document, ...given, issuer: document.issuer ?? given.issuer }
  const { [ALIASES]: aliases } = document
  if (ALIASES in given || typeof aliases !== 'object' || aliases === null) return all
  // An address by hand goes before the document's alias of that name too.
  return {
    ...all,
    [ALIASES]: Object.fromEntries(Object.entries(aliases).filter(([name]) => !(name in given))),
  }
}

function lacking(name: string, metadata: Fields): MetadataError {
  const isPlainOAuth = name === 'jwks_uri' && !('id_token_signing_alg_values_supported' in metadata)
  const otherwise = isPlainOAuth ? `; else ${NO_OPENID}` : ''
  return new MetadataError(
    `the document has no ${name}: if the provider has one, name it in provider.metadata.${name}${otherwise}`,
  )
}

/** OpenID Connect Discovery §3 requires the one and recommends the other; where both are missing it is a document of RFC 8414. */
function isOpenID(metadata: Fields): boolean {
  const { scopes_supported: scopes, id_token_signing_alg_values_supported: algorithms } = metadata
  return algorithms !== undefined || !Array.isArray(scopes) || scopes.includes('openid')
}

/** Nothing that nests is used anywhere. `null`, or an empty text, is how some providers leave a field out. */
function usable(fields: Fields, { issuer, provider }: Expected, path = ''): Record<string, unknown> {
  const entries = Object.entries(fields).filter(
    ([, value]) => value !== null && value !== undefined && value !== '',
  )
  for (const [name, value] of entries) {
    const fault = isAddress(name) ? addressFault(name, value, issuer, provider.plainHTTP) : undefined
    if (fault !== undefined) throw new MetadataError(`the document's ${path}${name} ${fault}`)
  }
  return Object.fromEntries(entries.filter(([, value]) => isFlat(value)))
}

function isFlat(value: unknown): boolean {
  return Array.isArray(value) ? value.every((each) => typeof each === 'string') : typeof value !== 'object'
}
