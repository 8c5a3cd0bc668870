// The authorization request: as it is, signed (RFC 9101), pushed (RFC 9126), or both.
import * as client from 'openid-client'
import type { LoginTransaction } from '../cookies/login-transaction.ts'
import { isAuthError } from '../errors/errors.ts'
import type { ProviderSetUp } from '../options/config.ts'
import { stepUpParameters } from '../record/step-up.ts'
import type { Exchange } from './bounded-fetch.ts'
import type { Credentials } from './client-authentication.ts'
import type { Discovery } from './discovery.ts'
import { isTransient } from './failure-kinds.ts'
import { AnswerError, loginFailed } from './failures.ts'
import { createLimiter } from './limiter.ts'
import { describeRefusal } from './refusals.ts'

/** With a reference in it that the provider made, which is some letters long; the browser has to take it. */
const LONGEST_URL = 4000

export interface AuthorizationRequests {
  /** What the provider lacks of what the options ask of it. */
  faultsIn(metadata: client.ServerMetadata): string[]
  /** `now` is the store's clock. @throws RefusedError, TryLaterError */
  authorizationURL(transaction: LoginTransaction, redirectURI: URL, now: number): Promise<URL>
}

export function createAuthorizationRequests(
  config: ProviderSetUp,
  discovery: Discovery,
  { signing }: Credentials,
): AuthorizationRequests {
  const { pushedAuthorizationRequests: pushed, signedAuthorizationRequests: signed } = config
  const places = createLimiter(config.provider.maxConcurrentLogins)

  return {
    faultsIn: (metadata) =>
      [missingIn(metadata), algorithmFault(metadata, config)].filter((fault) => fault !== undefined),

    async authorizationURL(transaction, redirectURI, now) {
      const exchange: Exchange = { signal: undefined, answer: undefined }
      const server = await discovery.at(now, exchange)
      const metadata = server.serverMetadata()
      const missing = missingIn(metadata)
      if (missing !== undefined) throw discovery.unavailable(missing)
      const parameters = authorizationParameters(config, transaction, redirectURI)
      // RFC 9700 §2.1.1
      parameters.set('code_challenge', await client.calculatePKCECodeChallenge(transaction.codeVerifier))
      parameters.set('code_challenge_method', 'S256')
      try {
        return await (pushed ? push(server, parameters) : requestURL(server, parameters))
      } catch (error) {
        const what = 'The authorization request could not be made'
        if (isAuthError(error)) throw error
        const detail = `${what}: ${describeRefusal(error, config, exchange, metadata)}`
        throw isTransient(error) ? discovery.unavailable(detail) : loginFailed(detail)
      }
    },
  }

  async function requestURL(server: client.Configuration, parameters: URLSearchParams): Promise<URL> {
    if (!signed || signing === undefined) return client.buildAuthorizationUrl(server, parameters)
    const url = await client.buildAuthorizationUrlWithJAR(
      server,
      parameters,
      await signing.key(),
      signing.terms,
    )
    // OpenID Connect Core §6.1: they are needed outside too, where OAuth reads them.
    url.searchParams.set('response_type', 'code')
    url.searchParams.set('scope', 'openid')
    return url
  }

  /** RFC 9126 §2; what is signed goes as it is (§3). */
  async function push(server: client.Configuration, parameters: URLSearchParams): Promise<URL> {
    const leave = places.tryEnter()
    if (leave === undefined) throw discovery.unavailable('Too many requests are being pushed')
    try {
      const request = signed ? (await requestURL(server, parameters)).searchParams.get('request') : null
      const url = await client.buildAuthorizationUrlWithPAR(
        server,
        request === null ? parameters : { request },
      )
      if (url.href.length > LONGEST_URL) throw new AnswerError('its request_uri is too long')
      return url
    } finally {
      leave()
    }
  }

  function missingIn({
    pushed_authorization_request_endpoint: endpoint,
  }: client.ServerMetadata): string | undefined {
    return pushed && endpoint === undefined
      ? `pushedAuthorizationRequests is true, but ${config.issuer.href} has no pushed_authorization_request_endpoint; switch PAR (RFC 9126) on there, or leave the option out`
      : undefined
  }
}

/** A login is not refused for it: the document may say less than is done. */
export function algorithmFault(
  { id_token_signing_alg_values_supported: offered }: client.ServerMetadata,
  { idTokenSigningAlg: wanted, issuer }: ProviderSetUp,
): string | undefined {
  if (!Array.isArray(offered) || offered.length === 0) return undefined
  if (offered.some((alg) => newerName(alg) === newerName(wanted))) return undefined
  const shown = offered.filter((alg) => /^\w{1,20}$/.test(alg)).slice(0, 20)
  return `idTokenSigningAlg is ${wanted}, but ${issuer.href} signs ID tokens with ${shown.join(', ') || 'something strange'} only: set idTokenSigningAlg to what this client's are signed with, or have them signed with ${wanted} there`
}

/** RFC 9864 §2.2 */
export function newerName(alg: string): string {
  return alg === 'EdDSA' ? 'Ed25519' : alg
}

/** What the authorization request asks for, login by login. */
function authorizationParameters(
  config: ProviderSetUp,
  transaction: LoginTransaction,
  redirectURI: URL,
): URLSearchParams {
  const { authorizationParams, resources } = config
  const { state, nonce, stepUp, asked } = transaction
  const prompt = promptOf(config, transaction)
  const parameters = new URLSearchParams({
    ...authorizationParams,
    ...asked,
    ...(stepUp !== undefined && stepUpParameters(stepUp)),
    ...(prompt !== undefined && { prompt }),
    redirect_uri: redirectURI.href,
    response_type: 'code',
    state,
    nonce,
  })
  // RFC 8707 §2.1: one parameter for each.
  for (const resource of resources) parameters.append('resource', resource)
  return parameters
}

/** What the configuration asks for is asked by a login of its own too: some providers need `consent` for a refresh token. */
function promptOf(
  { authorizationParams: { prompt } }: ProviderSetUp,
  { stepUp, asked, silent }: LoginTransaction,
): string | undefined {
  // OpenID Connect Core §3.1.2.1: `none` stands alone, and would contradict all else.
  if (silent) return 'none'
  const own = [...(stepUp === undefined ? [] : ['login']), ...wordsOf(asked?.prompt)]
  if (own.length === 0) return prompt
  const all = [...new Set([...own, ...wordsOf(prompt)])].filter((one) => one !== 'none')
  // Initiating User Registration 1.0 §4.1: who is to be new here is not asked who they are.
  const isNew = stepUp === undefined && own.includes('create')
  return all.filter((one) => !isNew || (one !== 'login' && one !== 'select_account')).join(' ')
}

function wordsOf(text = ''): string[] {
  return text.split(' ').filter((word) => word !== '')
}
