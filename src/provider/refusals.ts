// What the provider says as it refuses, and what may be done about it at either end.
import {
  type AuthorizationResponseError,
  ResponseBodyError,
  type ServerMetadata,
  WWWAuthenticateChallengeError,
} from 'openid-client'
import { RefusedError } from '../errors/errors.ts'
import { CLIENT_REFUSED } from '../lib/details.ts'
import { jsonObject } from '../lib/json-object.ts'
import type { ProviderSetUp } from '../options/config.ts'
import { isCommented } from '../options/environment.ts'
import type { Exchange } from './bounded-fetch.ts'
import { describeFailure, errorCode, isOfAddress } from './failures.ts'
import { basicIn, cleanedWords, quoted, secretsIn, secretsOf } from './provider-words.ts'
import { scopeCure } from './scope-hints.ts'

interface Refusal {
  readonly status: number
  readonly code: string
  readonly description: unknown
}

type Server = Partial<Pick<ServerMetadata, 'token_endpoint_auth_methods_supported'>>

/** As `describeFailure()`, with where it was asked, with the cure that is known, and with what the provider says of it. */
export function describeRefusal(
  error: unknown,
  config: ProviderSetUp,
  exchange: Exchange,
  server: Server = {},
): string {
  const refusal = refusalIn(error, exchange)
  if (refusal === undefined) return describeFailure(error) + askedAt(error, exchange)
  const { status, code, description } = refusal
  const cure = status < 500 ? cureOf(code, config, exchange, server) : ''
  const secrets = secretsIn(exchange.sent)
  const words = quoted(cleanedWords(description, secrets))
  return `the provider answered ${status} ${errorCode(code, secrets)}${cure}${words}`
}

function askedAt(error: unknown, { sent }: Exchange): string {
  if (sent === undefined || !isOfAddress(error)) return ''
  const { origin, pathname } = new URL(sent.url)
  return `; it was asked at ${origin}${pathname}`
}

function cureOf(code: string, config: ProviderSetUp, exchange: Exchange, server: Server): string {
  const { form } = exchange.sent ?? {}
  const grant = form?.get('grant_type') ?? undefined
  switch (code) {
    case 'invalid_client':
    case 'unauthorized_client':
      return clientRefused(code, config, exchange, server)
    case 'invalid_scope':
      return scopeCure(config, form?.get('scope') ?? undefined)
    case 'invalid_target':
      return NO_SUCH_API
    case 'invalid_grant':
      return grant === 'authorization_code'
        ? ': the code is too old, was used before, or was given for another client, redirect URI or code_verifier'
        : ''
    case 'unsupported_grant_type':
      return `: allow the grant ${grant} to this client there`
    default:
      return ''
  }
}

/** RFC 8707 §2 */
const NO_SUCH_API =
  ': it knows no such API, or not for this client: authorizationParams.resource or audience (AUDIENCE), apis'

function refusalIn(error: unknown, { answer }: Exchange): Refusal | undefined {
  if (error instanceof ResponseBodyError)
    return { status: error.status, code: error.error, description: error.error_description }
  if (!(error instanceof WWWAuthenticateChallengeError)) return undefined
  // RFC 6749 §5.2: whoever spoke HTTP Basic is refused with a challenge, which may say nothing; then the body does.
  const inBody = jsonObject(answer?.body) ?? {}
  const { error: code = inBody.error, error_description: description = inBody.error_description } =
    error.cause[0]?.parameters ?? {}
  return { status: error.status, code: String(code), description }
}

function clientRefused(code: string, config: ProviderSetUp, { sent }: Exchange, server: Server): string {
  const grant = sent?.form.get('grant_type')
  const what = grant ? `the grant ${grant}` : FLOW
  const otherwise = code === 'unauthorized_client' ? `; or this client may not use ${what} there` : ''
  const { clientAuthMethod: method } = config
  if (method.endsWith('_jwt')) return assertionRefused(config) + otherwise
  const isPlain = /^[A-Za-z0-9]*:[A-Za-z0-9]*$/.test(basicIn(sent?.authorization ?? '').pair)
  const decoding =
    method === 'client_secret_basic' && !isPlain
      ? "; some providers do not decode form-encoded basic credentials: try clientAuthMethod 'client_secret_post'"
      : ''
  return `: ${CLIENT_REFUSED} credentials. Check clientID (CLIENT_ID), ${proofOf(method)} and clientAuthMethod: ${method} was used${offeredBy(server)}${decoding}${secretFault(config)}${otherwise}`
}

function proofOf(method: string): string {
  if (method === 'none') return 'clientSecret (CLIENT_SECRET), of which there is none,'
  return method.endsWith('tls_client_auth') ? 'mutualTLS' : 'clientSecret (CLIENT_SECRET)'
}

/** What was copied with it, as far as that can be seen. */
function secretFault({ clientAuthMethod, clientSecret }: ProviderSetUp): string {
  if (!clientAuthMethod.startsWith('client_secret') || typeof clientSecret !== 'string') return ''
  const faults = [
    clientSecret !== clientSecret.trim() && '; the secret begins or ends with a space or a line break',
    isCommented(clientSecret) &&
      "; the secret has a space and '#' in it: is a comment of the .env file part of it?",
    '; if the client is public there, leave the secret out',
  ]
  return faults.filter((fault) => fault !== false).join('')
}

function offeredBy({ token_endpoint_auth_methods_supported: methods }: Server): string {
  const offered = [methods ?? []].flat().filter((one) => /^\w{1,40}$/.test(one))
  return offered.length === 0 ? '' : `, and discovery offers ${offered.slice(0, 10).join(', ')}`
}

function assertionRefused(config: ProviderSetUp): string {
  const { clientAuthMethod, clientAssertion, clientAssertionAudience: audience } = config
  const { alg = 'HS256', kid } = clientAuthMethod === 'private_key_jwt' ? (clientAssertion ?? {}) : {}
  const key = kid === undefined ? alg : `${alg}, kid ${JSON.stringify(kid)}`
  const other =
    audience === 'issuer'
      ? "it may want its token endpoint's URL in it, as Ory Hydra and Glewlwyd do: clientAssertionAudience: 'token_endpoint'"
      : 'it may want another clientAssertionAudience'
  const cure =
    clientAuthMethod === 'private_key_jwt' ? ': enter its public key there, as a JWK or by a jwks_uri' : ''
  return `: ${CLIENT_REFUSED} assertion. It may not know the key (${key})${cure}; or ${other}`
}

/**
 * What came with the callback: whoever has the browser may have written it.
 *
 * @param scope that this login asked for
 */
export function loginDenied(
  error: AuthorizationResponseError,
  config: ProviderSetUp,
  scope?: string,
): RefusedError {
  const words = cleanedWords(error.error_description, secretsOf(config))
  const prose = words === undefined ? '' : `; in the words that came through the browser: "${words}"`
  return new RefusedError('login_denied', 400, 'The provider did not log you in.', {
    reason: denialOf(error.error, config, scope) + prose,
    error: error.error,
    errorDescription: error.error_description,
  })
}

const FLOW = "the authorization code flow (Keycloak: 'Standard flow')"

/** What it answered to a login, and what to do about it. */
export function denialOf(code: string, config: ProviderSetUp, scope?: string): string {
  return `the provider answered ${errorCode(code, secretsOf(config))}${denialCure(code, config, scope)}`
}

function denialCure(code: string, config: ProviderSetUp, scope: string | undefined): string {
  const { pushedAuthorizationRequests: isPushed, signedAuthorizationRequests: isSigned } = config
  if (code === 'invalid_scope') return scopeCure(config, scope)
  if (code === 'invalid_target') return NO_SUCH_API
  const isOfFlow = code === 'unauthorized_client' || code === 'unsupported_response_type'
  const cures = [
    isOfFlow && `${FLOW} may be off for this client`,
    (isOfFlow || code === 'invalid_request') &&
      !isPushed &&
      'if the provider wants pushed requests, set pushedAuthorizationRequests: true',
    isSigned &&
      /^(?:request_not_supported|invalid_request_object)$/.test(code) &&
      'it takes no signed request, or none by this key: enter its public key there, or leave signedAuthorizationRequests out',
  ].filter((cure) => cure !== false)
  return cures.length === 0 ? '' : `: ${cures.join('; ')}`
}
