// How this client says who it is (RFC 6749 §2.3, RFC 7523, RFC 8705; RFC 10017 §6.1 wants one that can), and how it asks for a login.
import type { KeyObject, webcrypto } from 'node:crypto'
import { resolveCredentials } from './client-credentials.ts'
import type { Mistakes } from './mistakes.ts'
import {
  type CurrentMutualTLS,
  type MutualTLS,
  type MutualTLSOptions,
  resolveMutualTLS,
} from './mutual-tls.ts'
import type { ProviderConfig } from './provider.ts'
import { emptyIsNone, flag, isURI, oneOf, optionError } from './read-option.ts'
import { type PrivateJWK, resolveSigningKey, type SigningKey } from './signing-key.ts'

const METHODS = [
  'client_secret_basic',
  'client_secret_post',
  'client_secret_jwt',
  'private_key_jwt',
  'tls_client_auth',
  'self_signed_tls_client_auth',
  'none',
] as const

/** RFC 6749 §2.3.1, RFC 7523 §2.2, RFC 8705 §2; `none` is a public client. */
export type ClientAuthMethod = (typeof METHODS)[number]

/**
 * Who this client is to the provider.
 *
 * @example auth({ clientID: 'shop', clientAssertionSigningKey: readFileSync('client.key', 'utf8') })
 */
export interface ClientOptions {
  /** This client's id at the provider. Environment: `CLIENT_ID`. Required. */
  clientID?: string | undefined
  /**
   * This client's secret, or a function that gives it, called for each request that shows it: for secrets that are rotated,
   * or made by yourself, as the signed JWT that Apple takes for some months. Environment: `CLIENT_SECRET`.
   * @defaultValue none: a public client (RFC 6749 §2.1)
   */
  clientSecret?: string | (() => string | Promise<string>) | undefined
  /**
   * How this client says who it is.
   * @defaultValue `'client_secret_basic'` with a secret, else `'private_key_jwt'` with a `clientAssertionSigningKey`, else
   * `'tls_client_auth'` with `mutualTLS`, else `'none'`
   */
  clientAuthMethod?: ClientAuthMethod | undefined
  /**
   * This client's private key: signs its assertions (`private_key_jwt`, RFC 7523) and its requests
   * (`signedAuthorizationRequests`). PEM, JWK (whose `kid` is sent too), KeyObject or CryptoKey; RSA, EC or Ed25519.
   * Environment: `CLIENT_ASSERTION_SIGNING_KEY`, PEM. @defaultValue none
   */
  clientAssertionSigningKey?: string | PrivateJWK | KeyObject | webcrypto.CryptoKey | undefined
  /**
   * What it signs with.
   * @defaultValue by the key: `RS256`, `ES256`, `ES384`, `ES512` or `EdDSA`; a JWK's own `alg`; `HS256` with
   * `client_secret_jwt`
   */
  clientAssertionSigningAlg?: string | undefined
  /**
   * Whom client assertions (`private_key_jwt`, `client_secret_jwt`) are for, their `aud`: `'issuer'`; `'token_endpoint'`, its
   * URL, which Ory Hydra and Glewlwyd want; or a URL, where the provider knows its token endpoint by another than this server.
   * @defaultValue `'issuer'`
   */
  clientAssertionAudience?: string | undefined
  /**
   * The parameters of a login go to the provider from server to server, and the browser carries a reference
   * (PAR, RFC 9126). @defaultValue `false`
   */
  pushedAuthorizationRequests?: boolean | undefined
  /** The parameters of a login are signed with `clientAssertionSigningKey` (JAR, RFC 9101). @defaultValue `false` */
  signedAuthorizationRequests?: boolean | undefined
  /**
   * A certificate that this client shows at every request to the provider (RFC 8705), or a function that gives it, called before
   * each of them: for certificates that are renewed. @defaultValue none
   */
  mutualTLS?: MutualTLSOptions | (() => MutualTLSOptions | Promise<MutualTLSOptions>) | undefined
}

export interface ClientConfig {
  readonly clientID: string
  readonly clientSecret: ClientOptions['clientSecret']
  readonly clientAuthMethod: ClientAuthMethod
  readonly clientAssertion: SigningKey | undefined
  /** `issuer`, `token_endpoint` or a URL. */
  readonly clientAssertionAudience: string
  readonly pushedAuthorizationRequests: boolean
  readonly signedAuthorizationRequests: boolean
  /** A function's answer is checked each time it is another one. */
  readonly mutualTLS: MutualTLS | CurrentMutualTLS | undefined
}

export function resolveClient(
  options: ClientOptions,
  env: NodeJS.ProcessEnv,
  issuer: URL,
  provider: ProviderConfig,
  mistakes: Mistakes,
): ClientConfig {
  const { clientID, clientSecret } = resolveCredentials(options, env, mistakes)
  const { clientAssertionSigningAlg: alg, clientAssertionSigningKey } = options
  const key = clientAssertionSigningKey ?? emptyIsNone(env.CLIENT_ASSERTION_SIGNING_KEY)
  const clientAssertion = resolveSigningKey(key, alg)
  const mutualTLS = resolveMutualTLS(options.mutualTLS, issuer, provider)
  const fallback: ClientAuthMethod =
    (clientSecret !== undefined && 'client_secret_basic') ||
    (clientAssertion && 'private_key_jwt') ||
    (mutualTLS && 'tls_client_auth') ||
    'none'
  const client: ClientConfig = {
    clientID,
    clientSecret,
    clientAuthMethod: oneOf(options.clientAuthMethod, 'clientAuthMethod', METHODS, fallback),
    clientAssertion,
    clientAssertionAudience: resolveAudience(options.clientAssertionAudience),
    pushedAuthorizationRequests: flag(
      options.pushedAuthorizationRequests,
      'pushedAuthorizationRequests',
      false,
    ),
    signedAuthorizationRequests: flag(
      options.signedAuthorizationRequests,
      'signedAuthorizationRequests',
      false,
    ),
    mutualTLS,
  }
  checkMethod(client)
  checkSigning(client, alg)
  checkAudience(client)
  return client
}

function resolveAudience(given: unknown): string {
  if (given === undefined) return 'issuer'
  const isKnown =
    given === 'issuer' || given === 'token_endpoint' || (isURI(given) && /^https?:/i.test(given))
  if (isKnown) return given
  throw optionError('clientAssertionAudience', "must be 'issuer', 'token_endpoint', or an https URL")
}

function checkAudience({ clientAuthMethod: method, clientAssertionAudience: audience }: ClientConfig): void {
  if (audience === 'issuer' || method.endsWith('_jwt')) return
  throw optionError(
    'clientAssertionAudience',
    `is given, but clientAuthMethod is ${method}, which sends no assertion; leave it out, or use private_key_jwt or client_secret_jwt`,
  )
}

function checkMethod({
  clientAuthMethod: method,
  clientSecret,
  clientAssertion,
  mutualTLS,
}: ClientConfig): void {
  const needs = (option: string) => optionError('clientAuthMethod', `is ${method}, which needs ${option}`)
  if (method.startsWith('client_secret_') && clientSecret === undefined)
    throw needs('clientSecret (CLIENT_SECRET)')
  if (method === 'client_secret_jwt' && typeof clientSecret === 'string' && isShort(clientSecret))
    throw needs('a clientSecret (CLIENT_SECRET) of at least 32 characters, since it is the key of HS256')
  if (method === 'private_key_jwt' && clientAssertion === undefined)
    throw needs('clientAssertionSigningKey (CLIENT_ASSERTION_SIGNING_KEY), its private key')
  if (method.endsWith('tls_client_auth') && mutualTLS === undefined)
    throw needs('mutualTLS: { cert, key }, its certificate')
}

/** RFC 7518 §3.2, for HS256. */
export function isShort(secret: string): boolean {
  return Buffer.byteLength(secret) < 32
}

function checkSigning(
  { clientAuthMethod: method, clientAssertion, signedAuthorizationRequests: signed }: ClientConfig,
  alg: unknown,
): void {
  if (clientAssertion === undefined) {
    if (signed) {
      throw optionError(
        'signedAuthorizationRequests',
        'is true, which needs clientAssertionSigningKey (CLIENT_ASSERTION_SIGNING_KEY), a private key',
      )
    }
    if (alg !== undefined && method !== 'client_secret_jwt') {
      throw optionError(
        'clientAssertionSigningAlg',
        'is given without clientAssertionSigningKey (CLIENT_ASSERTION_SIGNING_KEY); give that too, or neither',
      )
    }
    oneOf(alg, 'clientAssertionSigningAlg', ['HS256'], 'HS256')
  } else if (method !== 'private_key_jwt' && !signed) {
    // Or somebody believes in a key, and it is the secret that is sent.
    throw optionError(
      'clientAssertionSigningKey (CLIENT_ASSERTION_SIGNING_KEY)',
      `is given, but clientAuthMethod is ${method} and nothing is signed; set clientAuthMethod: 'private_key_jwt' or signedAuthorizationRequests: true, or leave the key out`,
    )
  }
}
