// The option `provider.metadata`: what the provider says of itself, in the words of its document, by hand.
import { addressFault, isAddress, type PlainHTTP } from './provider-addresses.ts'
import { group, nearest, optionError } from './read-option.ts'

/** In the names of OpenID Connect Discovery 1.0 §3 and RFC 8414 §2; `null` takes out what the document says. */
export type ProviderMetadata = Readonly<Record<string, unknown>>

/** Without them no login can work. */
export const NEEDED = ['authorization_endpoint', 'token_endpoint', 'jwks_uri']

/** Those that this package reads: a name that is nearly one of them is meant to be it. */
const READ = [
  'issuer',
  ...NEEDED,
  'userinfo_endpoint',
  'end_session_endpoint',
  'revocation_endpoint',
  'pushed_authorization_request_endpoint',
  'mtls_endpoint_aliases',
  'authorization_response_iss_parameter_supported',
]
const MOST_TYPOS = 2

/** What was resolved stays so: many tenants may share it. */
const resolved = new WeakSet<object>()

export function resolveMetadata(given: unknown): ProviderMetadata {
  const metadata = group(given, 'provider.metadata')
  if (resolved.has(given as object)) return given as ProviderMetadata
  for (const name of Object.keys(metadata)) {
    const near = nearest(
      name,
      READ.filter((one) => Math.abs(one.length - name.length) <= MOST_TYPOS),
    )
    if (near !== undefined && near.distance > 0 && near.distance <= MOST_TYPOS)
      throw optionError(
        `provider.metadata.${name}`,
        `is no name; did you mean provider.metadata.${near.candidate}?`,
      )
  }
  const own = freeze(metadata)
  resolved.add(own)
  return own
}

/** Checks the addresses in it, once it is known which may be plain http. */
export function checkMetadata(metadata: ProviderMetadata, issuer: URL, plainHTTP: PlainHTTP): void {
  const { mtls_endpoint_aliases: aliases } = metadata
  const below = group(aliases ?? undefined, 'provider.metadata.mtls_endpoint_aliases')
  for (const [path, fields] of [['', metadata] as const, ['mtls_endpoint_aliases.', below] as const]) {
    for (const [name, value] of Object.entries(fields)) {
      if (!isAddress(name) || value === null || value === undefined) continue
      const fault = addressFault(name, value, issuer, plainHTTP)
      if (fault !== undefined) throw optionError(`provider.metadata.${path}${name}`, fault)
    }
  }
}

/** The caller's object is neither kept nor changed. */
function freeze(value: Readonly<Record<string, unknown>>): ProviderMetadata {
  const copied = (one: unknown): unknown => {
    if (Array.isArray(one)) return Object.freeze(one.map(copied))
    return typeof one === 'object' && one !== null ? freeze({ ...one }) : one
  }
  const given = Object.entries(value).filter(([, one]) => one !== undefined)
  return Object.freeze(Object.fromEntries(given.map(([name, one]) => [name, copied(one)])))
}
