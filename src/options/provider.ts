// The option `provider`: where the provider is, how it is reached, and how it is dealt with.
import { X509Certificate } from 'node:crypto'
import { issuerURL, mayBePlain, type PlainHTTP, resolveInsecureOrigins } from './provider-addresses.ts'
import { checkMetadata, NEEDED, type ProviderMetadata, resolveMetadata } from './provider-metadata.ts'
import {
  attempt,
  flag,
  group,
  hook,
  namesOf,
  onlyKnown,
  optionError,
  seconds,
  text,
  wholeNumber,
} from './read-option.ts'

/** A request to the provider, as `fetch()` takes it. */
export interface ProviderRequest {
  readonly method: string
  readonly headers: Record<string, string>
  readonly body: string | null
  /** A redirect is an answer like any other, and is not followed. */
  readonly redirect: 'manual'
  readonly signal: AbortSignal
}

/** What the `Response` of any `fetch()` has. */
export interface ProviderResponse {
  readonly status: number
  readonly headers: Iterable<[string, string]>
  readonly body: AsyncIterable<Uint8Array> | null
  readonly redirected?: boolean
}

export type ProviderFetch = (url: string, request: ProviderRequest) => Promise<ProviderResponse>

/**
 * @example auth({ provider: { discoveryURL: 'https://id.example.com/tenant/.well-known/openid-configuration' } })
 */
export interface ProviderOptions {
  /**
   * What the provider says of itself, laid over its discovery document: addresses that it lacks, or by which this server
   * reaches the provider while browsers know another; `issuer`, where it is not `issuerBaseURL`.
   * @defaultValue none
   */
  metadata?: ProviderMetadata | undefined
  /**
   * Where its discovery document is; `false` where there is none, and `provider.metadata` has all that is needed.
   * @defaultValue below `issuerBaseURL`, `/.well-known/openid-configuration`
   */
  discoveryURL?: string | false | undefined
  /** What the provider says of itself is read again after so long; at once where an endpoint does not answer as one. @defaultValue `3600` */
  refreshSeconds?: number | undefined
  /**
   * Codes that this process exchanges at once, and requests that it pushes at once (PAR); whoever comes beyond that is
   * asked to try again, with the code still good. @defaultValue `50`
   */
  maxConcurrentLogins?: number | undefined
  /**
   * Takes logins whose ID token has no `nonce`, which LinkedIn cannot send; one that has another is refused all the same. It
   * costs one of two guards: a code that was stolen, and put into another browser's login, is then noticed by PKCE alone,
   * if the provider checks that. @defaultValue `false`
   */
  allowMissingNonce?: boolean | undefined
  /**
   * Sends every request to the provider, in place of Node's own `fetch`: through a proxy, for example. Its answers have the
   * same bounds of time and size.
   * @defaultValue Node's own
   */
  fetch?: ProviderFetch | undefined
  /** The CA certificates to trust at the provider, in PEM: these, and no others. @defaultValue Node's own */
  ca?: string | Buffer | undefined
  /**
   * Origins of the provider inside a private network, such as `http://keycloak:8080`, that are spoken to without TLS: whoever
   * is on the way reads the client's secret and the tokens, and may answer in the provider's place.
   * @defaultValue none
   */
  allowInsecureHTTP?: readonly string[] | undefined
}

export interface ProviderConfig {
  readonly metadata: ProviderMetadata
  /** undefined: there is no document. */
  readonly discoveryURL: string | undefined
  /** The issuer was made from the document's address, which does not say whether there is a slash at its end. */
  readonly isSlashOpen: boolean
  readonly refreshSeconds: number
  readonly maxConcurrentLogins: number
  readonly allowMissingNonce: boolean
  readonly fetch: ProviderFetch | undefined
  readonly ca: string | undefined
  readonly plainHTTP: PlainHTTP
}

const NAMES = namesOf<ProviderOptions>({
  metadata: true,
  discoveryURL: true,
  refreshSeconds: true,
  maxConcurrentLogins: true,
  allowMissingNonce: true,
  fetch: true,
  ca: true,
  allowInsecureHTTP: true,
})
const ISSUER = 'issuerBaseURL (ISSUER_BASE_URL)'
const WELL_KNOWN = '/.well-known/openid-configuration'

/** @returns the issuer by which tokens are checked and sessions are kept apart, and the rest */
export function resolveProvider(
  given: unknown,
  issuerBaseURL: unknown,
  production: boolean,
): { readonly issuer: URL; readonly provider: ProviderConfig } {
  const options = group(given, 'provider')
  onlyKnown(options, NAMES, 'provider.')
  const origins = resolveInsecureOrigins(options.allowInsecureHTTP)
  const metadata = resolveMetadata(options.metadata)

  const base = issuerURL(issuerBaseURL, ISSUER, production, origins)
  const isDocument = base.pathname.endsWith(WELL_KNOWN)
  const below = base.href.slice(0, isDocument ? -WELL_KNOWN.length : undefined)
  const named = metadata.issuer ?? undefined
  const issuer =
    named === undefined ? new URL(below) : issuerURL(named, 'provider.metadata.issuer', production, origins)
  const plainHTTP = issuer.protocol === 'http:' && !production ? 'anywhere' : origins
  checkMetadata(metadata, issuer, plainHTTP)
  const discoveryURL = resolveDiscoveryURL(options.discoveryURL, below, issuer, plainHTTP)
  if (discoveryURL === undefined) checkComplete(metadata)

  const provider: ProviderConfig = Object.freeze({
    // Without a document the issuer is what the options say, to the letter.
    metadata:
      discoveryURL === undefined ? Object.freeze({ ...metadata, issuer: named ?? issuerBaseURL }) : metadata,
    discoveryURL,
    isSlashOpen: isDocument && named === undefined,
    refreshSeconds: seconds(options.refreshSeconds, 'provider.refreshSeconds', { fallback: 3600 }),
    maxConcurrentLogins: wholeNumber(options.maxConcurrentLogins, 'provider.maxConcurrentLogins', {
      fallback: 50,
      min: 1,
    }),
    allowMissingNonce: flag(options.allowMissingNonce, 'provider.allowMissingNonce', false),
    fetch: hook(options.fetch as ProviderFetch | undefined, 'provider.fetch', '(url, request)'),
    ca: resolveCA(options.ca),
    plainHTTP,
  })
  if (provider.fetch !== undefined && provider.ca !== undefined)
    throw optionError('provider.ca', 'is not used by a provider.fetch of yours; give it the certificates')
  return { issuer, provider }
}

/** It may have a query, as those of Azure B2C's policies. */
function resolveDiscoveryURL(
  given: unknown,
  issuer: string,
  tokenIssuer: URL,
  plainHTTP: PlainHTTP,
): string | undefined {
  const option = 'provider.discoveryURL'
  if (given === false) return undefined
  if (given === undefined) return issuer.replace(/\/+$/, '') + WELL_KNOWN
  const cure = `must be the URL of the provider's document, such as https://id.example.com${WELL_KNOWN}, or false`
  const address = text(given, option, cure)
  const url = URL.canParse(address) ? new URL(address) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol)) throw optionError(option, cure)
  if (url.username !== '' || url.password !== '' || url.hash !== '')
    throw optionError(option, 'must have no user name and no fragment')
  if (url.protocol === 'http:' && !mayBePlain(url, tokenIssuer, plainHTTP)) {
    const how = `provider: { allowInsecureHTTP: ['${url.origin}'] }`
    throw optionError(option, `must be https, or inside a private network, named for it: ${how}`)
  }
  return url.href
}

function checkComplete(metadata: ProviderMetadata): void {
  const missing = NEEDED.filter((name) => typeof metadata[name] !== 'string')
  if (missing.length > 0)
    throw optionError(
      'provider.discoveryURL',
      `is false, which needs provider.metadata to have ${missing.join(', ')}`,
    )
}

function resolveCA(given: unknown): string | undefined {
  if (given === undefined) return undefined
  const option = 'provider.ca'
  const pem = text(
    Buffer.isBuffer(given) ? given.toString() : given,
    option,
    "must be the provider's CA certificates, in PEM",
  )
  attempt(() => new X509Certificate(pem), option, 'is no certificate in PEM')
  return pem
}
