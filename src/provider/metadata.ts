// The provider's description of itself (OpenID Connect Discovery 1.0 §3), reduced to what has the form that it must have.
import type { ServerMetadata } from 'openid-client'
import { MetadataError } from './failures.ts'

/** Without them no login can work. */
const NEEDED = ['authorization_endpoint', 'token_endpoint', 'jwks_uri']
/** Where requests and browsers are sent; other URLs are names, as of AD FS's `access_token_issuer`, or pages to read. */
const ADDRESS = /^(?:[a-z_]{1,60}_(?:endpoint|iframe)|jwks_uri)$/
const ALIASES = 'mtls_endpoint_aliases'

/** @throws MetadataError that names what is wrong */
export function readMetadata(document: ServerMetadata, issuer: URL): ServerMetadata {
  const { [ALIASES]: aliases = null, ...fields } = document
  const metadata = usable(fields, issuer)
  for (const name of NEEDED) if (!(name in metadata)) throw new MetadataError(`the document has no ${name}`)
  if (aliases === null) return metadata as ServerMetadata
  if (typeof aliases !== 'object') throw new MetadataError(`the document's ${ALIASES} is no object`)
  // RFC 8705 §5
  return { ...metadata, [ALIASES]: usable({ ...aliases }, issuer, `${ALIASES}.`) } as ServerMetadata
}

/** Nothing that nests is used anywhere. `null`, or an empty text, is how some providers leave a field out. */
function usable(fields: Record<string, unknown>, issuer: URL, path = ''): Record<string, unknown> {
  const entries = Object.entries(fields).filter(
    ([, value]) => value !== null && value !== undefined && value !== '',
  )
  for (const [name, value] of entries) if (ADDRESS.test(name)) checkAddress(path + name, value, issuer)
  return Object.fromEntries(entries.filter(([, value]) => isFlat(value)))
}

function checkAddress(name: string, value: unknown, issuer: URL): void {
  const { protocol } = typeof value === 'string' && URL.canParse(value) ? new URL(value) : { protocol: '' }
  if (protocol === 'https:' || (protocol === 'http:' && issuer.protocol === 'http:')) return
  throw new MetadataError(`the document's ${name} is no ${protocol === 'http:' ? 'https ' : ''}URL`)
}

function isFlat(value: unknown): boolean {
  return Array.isArray(value) ? value.every((each) => typeof each === 'string') : typeof value !== 'object'
}
