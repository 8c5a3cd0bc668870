// The grants: a code or a refresh token in, tokens that passed every check out.
import * as client from 'openid-client'
import type { LoginTransaction } from '../cookies/login-transaction.ts'
import { RefusedError, type TryLaterError } from '../errors/errors.ts'
import type { ProviderSetUp } from '../options/config.ts'
import type { AccessTokenRequest } from '../record/access-token.ts'
import type { AuthRecord } from '../record/auth-record.ts'
import type { Exchange } from './bounded-fetch.ts'
import { codeGrant } from './code-grant.ts'
import type { Discovery } from './discovery.ts'
import type { EndSession } from './end-session.ts'
import {
  isErrorResponse,
  isOfAnswer,
  isOfKeysOrClocks,
  isRefusedRequest,
  isTransient,
  isVagueRefusal,
  outcomeOf,
  retryAfterOf,
} from './failure-kinds.ts'
import { loginFailed } from './failures.ts'
import type { CodeExchange, RefreshAnswer } from './grant-answers.ts'
import { IN_THE_FUTURE, type Issued, idTokenFault } from './id-token.ts'
import type { ServerBy } from './issuer-of-answer.ts'
import type { ProviderKeys } from './jwks.ts'
import { unnamedFault } from './mix-up.ts'
import { describeRefusal, loginDenied } from './refusals.ts'
import { issuerFault, tenantRefusal } from './tenants.ts'
import { answerFault, type Expected, tolerant } from './token-answer.ts'
import { refreshParameters, salvage, tokensOf } from './token-response.ts'
import type { TokenWatch } from './token-watch.ts'

export interface Grants {
  /**
   * Exchanges the code of a callback, once. `now` is the store's clock.
   *
   * @param callback the redirect URI that the login named, and what came back to it
   * @throws RefusedError, TryLaterError; then a refresh token that came is revoked, where `mayRevoke` is true
   */
  exchangeCode(
    callback: URL,
    transaction: LoginTransaction,
    now: number,
    mayRevoke: boolean,
  ): Promise<CodeExchange>
  /** Presents the refresh token, once, for that access token. `now` is the store's clock. Never throws. */
  refresh(
    session: Pick<AuthRecord, 'refreshToken' | 'claims'>,
    wanted: AccessTokenRequest,
    signal: AbortSignal,
    now: number,
  ): Promise<RefreshAnswer>
}

type Metadata = Readonly<client.ServerMetadata>

export function createGrants(
  config: ProviderSetUp,
  discovery: Discovery,
  keys: ProviderKeys,
  endSession: EndSession,
  watch: TokenWatch,
): Grants {
  return {
    async exchangeCode(callback, transaction, now, mayRevoke) {
      const clock = clockFrom(now)
      const exchange: Exchange = { signal: undefined, answer: undefined }
      const server = await serverFor(now, exchange)
      const metadata = server.serverMetadata()
      const done = watch('authorization_code', exchange)
      try {
        const by: ServerBy = (...server) => serverFor(now, exchange, ...server)
        const grant = codeGrant(config, { server, by }, callback, transaction, exchange)
        const answer = await signed(grant, exchange)
        const claims = answer.claims()
        if (claims === undefined || answer.id_token === undefined) throw new TypeError('no ID token')
        const tokens = { ...tokensOf(answer), idToken: answer.id_token }
        const fault = faultOf({ claims, ...tokens }, clock(), metadata.issuer)
        if (fault !== undefined) throw loginFailed(`the ID token was refused: ${fault}`)
        const reason = await tenantRefusal(config, claims)
        if (reason !== undefined)
          throw new RefusedError('login_refused', 403, 'Your organization may not log in here.', { reason })
        done()
        return { claims, tokens }
      } catch (error) {
        done(error)
        // Whoever is not let in leaves no token behind that still works.
        const refreshToken = mayRevoke ? salvage(exchange).refreshToken : undefined
        if (refreshToken !== undefined) endSession.revoke(refreshToken)
        const detail =
          unnamedFault(callback, config) ?? told(error, exchange, metadata, clock(), transaction.nonce)
        throw exchangeFailure(error, detail, transaction)
      }
    },

    async refresh({ refreshToken = '', claims: known }, wanted, signal, now) {
      const exchange: Exchange = { signal, answer: undefined }
      const clock = clockFrom(now)
      let metadata: Metadata = { issuer: '' }
      const done = watch('refresh_token', exchange)
      try {
        const { issuer: pattern } = await discovery.document()
        // OpenID Connect Core §12.2: a renewed ID token has the issuer of the first.
        const server = await serverFor(now, exchange, config.issuerTenants && known.iss)
        metadata = server.serverMetadata()
        const grant = client.refreshTokenGrant(server, refreshToken, refreshParameters(config, wanted))
        const answer = await signed(grant, exchange)
        const tokens = tokensOf(answer)
        const claims = answer.claims()
        const fault =
          claims && faultOf({ claims, ...tokens, idToken: tokens.idToken ?? '' }, clock(), pattern)
        const unwanted = fault === undefined ? await tenantRefusal(config, claims ?? known) : undefined
        done(fault)
        if (unwanted !== undefined)
          return { kind: 'unwanted', refreshToken: tokens.refreshToken, detail: unwanted }
        return fault === undefined
          ? { kind: 'renewed', tokens, claims }
          : {
              kind: 'not-passed',
              refreshToken: tokens.refreshToken,
              detail: fault,
              mayPass: fault === IN_THE_FUTURE ? 'in time' : 'never',
            }
      } catch (error) {
        done(error)
        // Whatever is wrong with the ID token or with the keys that check it, the refresh token is spent: what came
        // in its place must not be lost.
        const { refreshToken: next, hasIdToken } = salvage(exchange)
        const detail = told(error, exchange, metadata, clock())
        const mayPass = isTransient(error) ? 'soon' : isOfKeysOrClocks(error) ? 'in time' : 'never'
        // Where none came in its place, what was refused is the ID token, and the next one will be as well.
        if (next !== undefined || (hasIdToken && mayPass !== 'soon'))
          return { kind: 'not-passed', refreshToken: next, detail, mayPass }
        if (isErrorResponse(error, 'invalid_grant')) return { kind: 'rejected' }
        const outcome = outcomeOf(error, exchange)
        const isOfRequest = isRefusedRequest(error)
        const isVague = isVagueRefusal(error, exchange)
        const retryAfterSeconds = retryAfterOf(exchange)
        return { kind: 'unavailable', outcome, detail, retryAfterSeconds, isOfRequest, isVague }
      }
    },
  }

  async function serverFor(...asked: Parameters<Discovery['at']>): Promise<client.Configuration> {
    const server = await discovery.at(...asked)
    const { [client.customFetch]: send } = server
    if (send !== undefined) server[client.customFetch] = tolerant(send as Parameters<typeof tolerant>[0])
    return server
  }

  /** One line for operators. */
  function told(error: unknown, exchange: Exchange, server: Metadata, now: number, nonce?: string): string {
    const expected: Expected = {
      issuer: server.issuer,
      nowSeconds: now / 1000,
      ...(nonce !== undefined && { nonce }),
    }
    const fault = isOfAnswer(error) ? answerFault(exchange, config, expected) : undefined
    return fault ?? describeRefusal(error, config, exchange, server)
  }

  /** The answer, once the signature of its ID token was checked too: TLS alone does not say who made it. */
  async function signed<T extends { id_token?: string }>(
    grant: Promise<T>,
    { signal }: Exchange,
  ): Promise<T> {
    const answer = await grant
    if (answer.id_token !== undefined) await keys.checkSignature(answer.id_token, signal)
    return answer
  }

  function faultOf(issued: Issued, now: number, pattern: string): string | undefined {
    const { clientID, clockToleranceSeconds, issuerTenants } = config
    const fault = idTokenFault(issued, clientID, now / 1000, clockToleranceSeconds)
    return fault ?? (issuerTenants && issuerFault(pattern, issued.claims))
  }

  function exchangeFailure(
    error: unknown,
    detail: string,
    { asked }: LoginTransaction,
  ): RefusedError | TryLaterError {
    if (error instanceof RefusedError) return error
    if (error instanceof client.AuthorizationResponseError) return loginDenied(error, config, asked?.scope)
    if (isTransient(error)) return discovery.unavailable(`The code could not be exchanged: ${detail}`)
    return loginFailed(detail)
  }
}

/** The store's clock, going on from `now`. */
function clockFrom(now: number): () => number {
  const began = performance.now()
  return () => now + performance.now() - began
}
