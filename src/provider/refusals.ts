// What the provider says as it refuses, and what may be done about it at either end.
import {
  type AuthorizationResponseError,
  ResponseBodyError,
  type ServerMetadata,
  WWWAuthenticateChallengeError,
} from 'openid-client'
import { RefusedError } from '../errors.ts'
import { CLIENT_REFUSED } from '../lib/details.ts'
import { jsonObject } from '../lib/json-object.ts'
import type { Config } from '../options/config.ts'
import type { Exchange } from './bounded-fetch.ts'
import { describeFailure, errorCode } from './failures.ts'
import { basicIn, cleanedWords, quoted, secretsIn } from './provider-words.ts'
import { scopeRefused } from './scope-hints.ts'

interface Refusal {
  readonly status: number
  readonly code: string
  readonly description: unknown
}

type Server = Partial<Pick<ServerMetadata, 'token_endpoint_auth_methods_supported'>>

/** As `describeFailure()`, with the cure where the client is refused, and with what the provider says of it. */
export function describeRefusal(
  error: unknown,
  config: Config,
  exchange: Exchange,
  server: Server = {},
): string {
  const refusal = refusalIn(error, exchange)
  if (refusal === undefined) return describeFailure(error)
  const { status, code, description } = refusal
  const isOfClient = status < 500 && (code === 'invalid_client' || code === 'unauthorized_client')
  const cure = isOfClient ? clientRefused(code, config, exchange, server) : ''
  const words = quoted(cleanedWords(description, secretsIn(exchange.sent)))
  return `the provider answered ${status} ${errorCode(code)}${cure}${words}`
}

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

function clientRefused(code: string, config: Config, { sent }: Exchange, server: Server): string {
  const grant = sent?.form.get('grant_type')
  const otherwise =
    code === 'unauthorized_client' && grant ? `; or this client may not use the grant ${grant} there` : ''
  const { clientAuthMethod: method } = config
  if (method.endsWith('_jwt')) return assertionRefused(config) + otherwise
  const isPlain = /^[A-Za-z0-9]*:[A-Za-z0-9]*$/.test(basicIn(sent?.authorization ?? '').pair)
  const decoding =
    method === 'client_secret_basic' && !isPlain
      ? "; some providers do not decode form-encoded basic credentials: try clientAuthMethod 'client_secret_post'"
      : ''
  return `: ${CLIENT_REFUSED} credentials. Check clientID (CLIENT_ID), ${proofOf(method)} and clientAuthMethod: ${method} was used${offeredBy(server)}${decoding}${otherwise}`
}

function proofOf(method: string): string {
  if (method === 'none') return 'clientSecret (CLIENT_SECRET), of which there is none,'
  return method.endsWith('tls_client_auth') ? 'mutualTLS' : 'clientSecret (CLIENT_SECRET)'
}

function offeredBy({ token_endpoint_auth_methods_supported: methods }: Server): string {
  const offered = [methods ?? []].flat().filter((one) => /^\w{1,40}$/.test(one))
  return offered.length === 0 ? '' : `, and discovery offers ${offered.slice(0, 10).join(', ')}`
}

function assertionRefused(config: Config): string {
  const { clientAuthMethod, clientAssertion, clientAssertionAudience: audience } = config
  const { alg = 'HS256', kid } = clientAuthMethod === 'private_key_jwt' ? (clientAssertion ?? {}) : {}
  const key = kid === undefined ? alg : `${alg}, kid ${JSON.stringify(kid)}`
  const other =
    audience === 'issuer'
      ? "it may want its token endpoint's URL in it, as Ory Hydra and Glewlwyd do: clientAssertionAudience: 'token_endpoint'"
      : 'it may want another clientAssertionAudience'
  return `: ${CLIENT_REFUSED} assertion. It may not know the key (${key}), or ${other}`
}

/** What came with the callback: whoever has the browser may have written it. */
export function loginDenied(error: AuthorizationResponseError, config: Config): RefusedError {
  const { clientSecret } = config
  const words = cleanedWords(error.error_description, typeof clientSecret === 'string' ? [clientSecret] : [])
  const prose = words === undefined ? '' : `; in the words that came through the browser: "${words}"`
  return new RefusedError('login_denied', 400, 'The provider did not log you in.', {
    reason: denialOf(error.error, config) + prose,
    error: error.error,
    errorDescription: error.error_description,
  })
}

function denialOf(code: string, config: Config): string {
  if (code === 'invalid_scope') return scopeRefused(config)
  const isOfClient = code === 'unauthorized_client'
  const cures = [
    isOfClient && "the authorization code flow (Keycloak: 'Standard flow') may be off for this client",
    (isOfClient || code === 'invalid_request') &&
      !config.pushedAuthorizationRequests &&
      'if the provider wants pushed requests, set pushedAuthorizationRequests: true',
  ].filter((cure) => cure !== false)
  const said = `the provider answered ${errorCode(code)}`
  return cures.length === 0 ? said : `${said}: ${cures.join('; ')}`
}
