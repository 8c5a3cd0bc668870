// How this client says who it is (RFC 6749 §2.3, RFC 7523, RFC 8705; RFC 10017 §6.1 wants one that can), and how it asks for a login.
import type { AuthOptions, ClientAuthMethod } from './auth-options.ts'
import type { Config } from './config.ts'
import { resolveMutualTLS } from './mutual-tls.ts'
import { emptyIsNone, flag, oneOf, optionError, text } from './read-option.ts'
import { resolveSigningKey } from './signing-key.ts'

const METHODS = [
  'client_secret_basic',
  'client_secret_post',
  'client_secret_jwt',
  'private_key_jwt',
  'tls_client_auth',
  'self_signed_tls_client_auth',
  'none',
] as const satisfies readonly ClientAuthMethod[]

type ClientConfig = Pick<
  Config,
  | 'clientID'
  | 'clientSecret'
  | 'clientAuthMethod'
  | 'clientAssertion'
  | 'pushedAuthorizationRequests'
  | 'signedAuthorizationRequests'
  | 'mutualTLS'
>

export function resolveClient(options: AuthOptions, env: NodeJS.ProcessEnv, issuer: URL): ClientConfig {
  const clientID = text(
    options.clientID ?? env.CLIENT_ID,
    'clientID (CLIENT_ID)',
    'is required: the id of this client at the provider',
  )
  const clientSecret = resolveClientSecret(options.clientSecret ?? env.CLIENT_SECRET)
  const { clientAssertionSigningAlg: alg } = options
  const key = options.clientAssertionSigningKey ?? emptyIsNone(env.CLIENT_ASSERTION_SIGNING_KEY)
  const clientAssertion = resolveSigningKey(key, alg)
  const mutualTLS = resolveMutualTLS(options.mutualTLS, issuer)
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
  return client
}

function resolveClientSecret(given: unknown): string | undefined {
  if (given === undefined || given === '') return undefined
  return text(given, 'clientSecret (CLIENT_SECRET)', 'must be a string; leave it out for a public client')
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
  // RFC 7518 §3.2
  if (method === 'client_secret_jwt' && Buffer.byteLength(clientSecret ?? '') < 32)
    throw needs('a clientSecret (CLIENT_SECRET) of at least 32 characters, since it is the key of HS256')
  if (method === 'private_key_jwt' && clientAssertion === undefined)
    throw needs('clientAssertionSigningKey (CLIENT_ASSERTION_SIGNING_KEY), its private key')
  if (method.endsWith('tls_client_auth') && mutualTLS === undefined)
    throw needs('mutualTLS: { cert, key }, its certificate')
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
