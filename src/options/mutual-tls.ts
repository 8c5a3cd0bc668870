// The certificate that this client shows the provider (RFC 8705), read and found to be usable before anything is sent.
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import type { ProviderConfig } from './provider.ts'
import { attempt, group, namesOf, onlyKnown, optionError, text } from './read-option.ts'

/**
 * In PEM.
 *
 * @example auth({ mutualTLS: { cert: readFileSync('client.pem'), key: readFileSync('client.key') } })
 */
export interface MutualTLSOptions {
  /** This client's certificate; those of its CAs may follow it. Required. */
  cert: string | Buffer
  /** Its private key, not encrypted. Required. */
  key: string | Buffer
  /** The CA certificates to trust at the provider. @defaultValue Node's own, or those of `provider.ca` */
  ca?: string | Buffer | undefined
}

/** PEM. */
export interface MutualTLS {
  readonly cert: string
  readonly key: string
  readonly ca: string | undefined
}

/** @returns the same for as long as it stays the same @throws ConfigurationError for what cannot be shown */
export type CurrentMutualTLS = () => Promise<MutualTLS>

const NAMES = namesOf<MutualTLSOptions>({ cert: true, key: true, ca: true })

export function resolveMutualTLS(
  given: unknown,
  issuer: URL,
  provider: ProviderConfig,
): MutualTLS | CurrentMutualTLS | undefined {
  if (given === undefined) return undefined
  const resolved =
    typeof given === 'function'
      ? createCurrent(given as () => unknown, provider)
      : checked(textsOf(given), provider)
  if (issuer.protocol !== 'https:') {
    throw optionError(
      'mutualTLS',
      'needs an https issuerBaseURL (ISSUER_BASE_URL): over http no certificate is shown',
    )
  }
  checkBeside(provider)
  return resolved
}

function createCurrent(ask: () => unknown, provider: ProviderConfig): CurrentMutualTLS {
  let known: { readonly texts: MutualTLS; readonly mutualTLS: MutualTLS } | undefined
  return async () => {
    const texts = textsOf(await answerOf(ask))
    const { cert, key, ca } = known?.texts ?? {}
    if (known === undefined || texts.cert !== cert || texts.key !== key || texts.ca !== ca)
      known = { texts, mutualTLS: checked(texts, provider) }
    return known.mutualTLS
  }
}

/** @throws ConfigurationError without anything of what it threw, which may be the key */
async function answerOf(ask: () => unknown): Promise<unknown> {
  try {
    const answer = await ask()
    // Its getters are asked here.
    return typeof answer === 'object' && answer !== null && !Array.isArray(answer) ? { ...answer } : answer
  } catch {
    throw optionError('mutualTLS', 'is a function that threw an error; it must give { cert, key }')
  }
}

function textsOf(given: unknown): MutualTLS {
  const options = given === undefined ? undefined : group(given, 'mutualTLS')
  if (options === undefined) throw optionError('mutualTLS', 'must be { cert, key }, in PEM')
  onlyKnown(options, NAMES, 'mutualTLS.')
  return {
    cert: pem(options.cert, 'mutualTLS.cert', "must be this client's certificate, in PEM"),
    key: pem(
      options.key,
      'mutualTLS.key',
      'must be the private key of mutualTLS.cert, in PEM, not encrypted',
    ),
    ca:
      options.ca === undefined
        ? undefined
        : pem(options.ca, 'mutualTLS.ca', "must be the provider's CA certificates, in PEM"),
  }
}

function checked({ cert, key, ca }: MutualTLS, provider: ProviderConfig): MutualTLS {
  const read = (text: string, option: string) =>
    attempt(() => new X509Certificate(text), option, 'is no certificate in PEM')
  const certificate = read(cert, 'mutualTLS.cert')
  if (ca !== undefined) read(ca, 'mutualTLS.ca')
  const privateKey = attempt(
    () => createPrivateKey(key),
    'mutualTLS.key',
    'is no private key in PEM, or it is encrypted; decrypt it first with: openssl pkey -in key.pem',
  )
  if (!certificate.checkPrivateKey(privateKey)) {
    throw optionError(
      'mutualTLS.key',
      'is not the private key of mutualTLS.cert; give the two that belong together',
    )
  }
  attempt(
    () => createSecureContext({ cert, key, ca }),
    'mutualTLS',
    'is refused by OpenSSL: a key is too short, or a certificate of the chain is broken',
  )
  if (provider.ca !== undefined && ca !== undefined)
    throw optionError('mutualTLS.ca', 'is given, and provider.ca too; leave one of the two out')
  return Object.freeze({ cert, key, ca: ca ?? provider.ca })
}

function checkBeside({ fetch, plainHTTP }: ProviderConfig): void {
  if (fetch !== undefined)
    throw optionError('mutualTLS', 'is not used by a provider.fetch of yours; leave one of the two out')
  if (plainHTTP.length > 0)
    throw optionError(
      'provider.allowInsecureHTTP',
      'cannot be used with mutualTLS: over http no certificate is shown',
    )
}

function pem(given: unknown, option: string, cure: string): string {
  return text(Buffer.isBuffer(given) ? given.toString() : given, option, cure)
}
