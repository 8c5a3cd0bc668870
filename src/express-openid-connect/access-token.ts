// `req.oidc.accessToken`: the token that came with the login, as it is kept just now.
import { isAuthError } from '../index.ts'
import { argumentError, contextOf } from './inside.ts'
import { type Kept, keptOf, type Visit } from './visit.ts'

/** A session that the provider ended: `accessToken.refresh()` throws it. Log in again. */
export class SessionExpiredError extends Error {
  override readonly name = 'SessionExpiredError'
  readonly code = 'ERR_SESSION_EXPIRED'
  readonly status = 401
  readonly statusCode = 401

  constructor(message = 'The session at the provider has ended.') {
    super(message)
  }
}

/** The access token as it is kept just now, expired or not. */
export interface AccessToken {
  access_token: string
  token_type: string
  /** Seconds, by the clock of the store. */
  expires_in: number
  isExpired: () => boolean
  /**
   * Renews it, once for all requests and servers that ask.
   *
   * @throws SessionExpiredError, LoginRequiredError (401) without a refresh token, TryLaterError (503)
   */
  refresh(params?: RefreshParams): Promise<AccessToken>
}

export interface RefreshParams {
  tokenEndpointParams?: Record<string, unknown> | undefined
}

export function accessToken(kept: Kept, visit: Visit): AccessToken | undefined {
  const { accessToken: token, accessTokenExpiresAt: expiresAt } = kept
  if (token === undefined || expiresAt === undefined) return undefined
  return {
    access_token: token,
    token_type: 'Bearer',
    expires_in: Math.max(0, Math.floor((expiresAt - kept.now) / 1000)),
    isExpired() {
      const { accessTokenExpiresAt = 0, now } = keptOf(visit) ?? kept
      return now >= accessTokenExpiresAt
    },
    async refresh({ tokenEndpointParams = {} } = {}) {
      if (Object.keys(tokenEndpointParams).length > 0)
        throw argumentError(
          'accessToken.refresh()',
          'tokenEndpointParams',
          'cannot be had: a renewal is for all who wait for it',
        )
      try {
        // Any that is newer: another request may have renewed it by now.
        await contextOf(visit.req).session.renewedSince((kept.renewedAt ?? 0) + 1, 'access-token')
      } catch (error) {
        const isOver = isAuthError(error) && error.code === 'session_ended'
        throw isOver ? new SessionExpiredError() : error
      }
      const { accessToken: renewed } = visit.req.oidc
      if (renewed === undefined) throw new SessionExpiredError()
      return renewed
    },
  }
}
