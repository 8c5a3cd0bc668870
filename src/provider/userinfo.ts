// What the provider's userinfo endpoint says of a person (OpenID Connect Core §5.3), once it is sure that it is that person.
import { decodeJwt } from 'jose'
import * as client from 'openid-client'
import { isAuthError, type TryLaterError } from '../errors/errors.ts'
import type { AuthEventEmitter } from '../events/events.ts'
import type { ProviderSetUp } from '../options/config.ts'
import type { UserInfo } from '../record/auth-record.ts'
import type { IdTokenClaims } from '../record/id-token-claims.ts'
import { wantedOf } from '../record/user.ts'
import { boundsFault } from './bounds.ts'
import type { Discovery } from './discovery.ts'
import { isTransient } from './failure-kinds.ts'
import { AnswerError, describeFailure, loginFailed, SignatureError } from './failures.ts'
import type { CodeExchange } from './grant-answers.ts'
import type { ProviderKeys } from './jwks.ts'

/** A person and a token of theirs. */
export interface Asked {
  readonly claims: IdTokenClaims
  readonly accessToken: string | undefined
  /** The store's clock. */
  readonly now: number
}

export type UserInfoAnswer =
  | { readonly kind: 'told'; readonly claims: UserInfo }
  /** `reason` is for operators. */
  | { readonly kind: 'refused'; readonly reason: string; readonly isOfToken: boolean }

export interface UserInfoEndpoint {
  /** Everything that it says. @throws TryLaterError */
  userInfo(asked: Asked): Promise<UserInfoAnswer>
  /** What is wanted of it, of whoever was logged in again; undefined: what was known stays. Never throws. */
  renewedUserInfo(asked: Asked, signal: AbortSignal): Promise<UserInfo | undefined>
  /** What is wanted of it, of whoever logs in; undefined where nothing is. @throws RefusedError, TryLaterError */
  userInfoAtLogin(login: CodeExchange, now: number): Promise<UserInfo | undefined>
  /** What the provider lacks for it. */
  faultsIn(metadata: client.ServerMetadata): string[]
}

/** The new tokens are stored by then, and requests wait. */
const RENEWAL_WAIT_SECONDS = 2

export function createUserInfoEndpoint(
  config: ProviderSetUp,
  discovery: Discovery,
  keys: ProviderKeys,
  events: AuthEventEmitter,
): UserInfoEndpoint {
  const { userInfo: wanted } = config

  return {
    async userInfo(asked) {
      const answer = await ask(asked)
      const fault = answer.kind === 'told' ? boundsFault({ ...answer.claims, ...NO_TIMES }) : undefined
      return fault === undefined ? answer : refused(fault)
    },

    async userInfoAtLogin({ claims, tokens }, now) {
      if (wanted === undefined) return undefined
      const answer = await askWanted({ claims, accessToken: tokens.accessToken, now })
      if (answer.kind === 'told') return answer.claims
      throw loginFailed(`what userinfo says was refused: ${answer.reason}`)
    },

    async renewedUserInfo(asked, deadline) {
      if (wanted?.atRenewal !== true) return undefined
      const seconds = Math.min(RENEWAL_WAIT_SECONDS, config.httpTimeoutSeconds)
      const signal = AbortSignal.any([deadline, AbortSignal.timeout(seconds * 1000)])
      // What is out of reach was said to be.
      const answer = await askWanted(asked, signal).catch(() => undefined)
      if (answer?.kind === 'refused') {
        const hint = `userinfo was not taken at a renewal, and what it said before stays: ${answer.reason}`
        events.emit('claims-missing', { subject: asked.claims.sub, hint })
      }
      return answer?.kind === 'told' ? answer.claims : undefined
    },

    faultsIn(metadata) {
      return wanted !== undefined && endpointIn(metadata) === undefined
        ? [`userInfo is asked for, but ${config.issuer.href} has no userinfo_endpoint; leave the option out`]
        : []
    },
  }

  async function askWanted(asked: Asked, signal?: AbortSignal): Promise<UserInfoAnswer> {
    const answer = await ask(asked, signal)
    if (answer.kind === 'refused') return answer
    const claims = wantedOf(answer.claims, wanted?.claims)
    // It is kept beside the ID token's, in one session.
    const fault = boundsFault({ ...claims, ...asked.claims })
    return fault === undefined ? { kind: 'told', claims } : refused(fault)
  }

  async function ask(
    { claims: { iss, sub }, accessToken, now }: Asked,
    signal?: AbortSignal,
  ): Promise<UserInfoAnswer> {
    if (!accessToken) return refused('there is no access token to ask with')
    const server = await discovery.at(now, { signal, answer: undefined })
    const url = endpointIn(server.serverMetadata())
    if (url === undefined) throw discovery.unavailable(`${config.issuer.href} has no userinfo_endpoint`)
    try {
      const accept = new Headers({ accept: 'application/json, application/jwt' })
      const answer = await client.fetchProtectedResource(server, accessToken, url, 'GET', null, accept)
      if (answer.status !== 200) return ofStatus(answer.status)
      const issuer = config.issuerTenants === undefined ? server.serverMetadata().issuer : iss
      const claims = await read(answer, issuer, now, signal)
      // OpenID Connect Core §5.3.2: the values must not be used otherwise. Tokens can be swapped, and no signature is on most answers.
      if (claims.sub !== sub)
        return refused(claims.sub === undefined ? 'it has no sub' : 'its sub is not that of the ID token')
      return { kind: 'told', claims }
    } catch (error) {
      if (isAuthError(error)) throw error
      if (isTransient(error) || error instanceof SyntaxError) throw unreachable(error)
      return refusedBy(error)
    }
  }

  function ofStatus(status: number): UserInfoAnswer {
    if (status >= 500 || status === 429) throw unreachable(new AnswerError(`the provider answered ${status}`))
    return refused(`the provider answered ${status}`, status === 401)
  }

  function unreachable(error: unknown): TryLaterError {
    return discovery.unavailable('Userinfo could not be fetched', error)
  }

  /** Other members are as they come: which claims there are, is the provider's to say. */
  async function read(
    answer: Response,
    issuer: string,
    now: number,
    signal: AbortSignal | undefined,
  ): Promise<Record<string, unknown>> {
    const body = await answer.text()
    if (/^application\/jwt\b/i.test(answer.headers.get('content-type') ?? ''))
      return signedClaims(body, issuer, now / 1000, signal)
    const claims: unknown = JSON.parse(body)
    if (typeof claims !== 'object' || claims === null || Array.isArray(claims))
      throw new AnswerError('it is no JSON object')
    return claims as Record<string, unknown>
  }

  /** §5.3.2: `iss` and `aud` should be in it; whoever says them says ours. */
  async function signedClaims(
    jwt: string,
    issuer: string,
    nowSeconds: number,
    signal: AbortSignal | undefined,
  ): Promise<Record<string, unknown>> {
    if (jwt.split('.').length === 5)
      throw new AnswerError(
        'it is encrypted, which is not supported: set no userinfo_encrypted_response_alg there',
      )
    await keys.checkSignature(jwt, signal)
    const claims = decodeJwt(jwt)
    const { iss = issuer, aud = config.clientID, exp = nowSeconds } = claims
    if (iss !== issuer) throw new AnswerError('its iss is another provider')
    if (![aud].flat().includes(config.clientID)) throw new AnswerError('its aud is another client')
    if (!(exp >= nowSeconds - config.clockToleranceSeconds)) throw new AnswerError('it has expired')
    return claims
  }

  function refusedBy(error: unknown): UserInfoAnswer {
    const isOfToken = error instanceof client.WWWAuthenticateChallengeError && error.status === 401
    const cure = isOfToken
      ? '; an access token for an API (authorizationParams.resource or audience) may be for nothing else'
      : error instanceof SignatureError
        ? `; it has to be signed as idTokenSigningAlg says (${config.idTokenSigningAlg}), or not at all`
        : ''
    return refused(describeFailure(error) + cure, isOfToken)
  }

  /** RFC 8705 §5 */
  function endpointIn(metadata: client.ServerMetadata): URL | undefined {
    const aliases = config.mutualTLS && metadata.mtls_endpoint_aliases
    const address = aliases?.userinfo_endpoint ?? metadata.userinfo_endpoint
    return address === undefined ? undefined : new URL(address)
  }
}

/** Those of a userinfo answer mean nothing here. */
const NO_TIMES = { exp: 0, iat: 0, auth_time: 0 }

function refused(reason: string, isOfToken = false): UserInfoAnswer {
  return { kind: 'refused', reason, isOfToken }
}
