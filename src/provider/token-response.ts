// Tokens: how they are asked for, and what the token endpoint sent, in our words.
import type { TokenEndpointResponse } from 'openid-client'
import type { Config } from '../options/config.ts'
import type { AccessTokenRequest } from '../record/access-token.ts'
import type { Tokens } from '../record/auth-record.ts'
import type { Exchange } from './bounded-fetch.ts'

const LONGEST_LIFETIME_SECONDS = 365 * 86_400

/** RFC 6749 §6. The API is named by `resource` (RFC 8707 §2.2) where the login did, else by Auth0's `audience`. */
export function refreshParameters(
  { resources }: Config,
  { audience, scope }: AccessTokenRequest,
): Record<string, string> {
  return {
    ...(audience !== undefined && { [resources.length > 0 ? 'resource' : 'audience']: audience }),
    ...(scope !== undefined && { scope }),
  }
}

export function tokensOf(answer: TokenEndpointResponse): Tokens {
  const { access_token, refresh_token, id_token, scope, expires_in } = answer
  return {
    accessToken: access_token,
    accessTokenLifetimeSeconds:
      expires_in === undefined ? undefined : Math.min(expires_in, LONGEST_LIFETIME_SECONDS),
    refreshToken: refresh_token,
    idToken: id_token,
    scope,
  }
}

/** The refresh token of a 200 answer that as a whole did not pass: the one before it is spent all the same. */
export function salvageRefreshToken({ answer }: Exchange): string | undefined {
  if (answer?.status !== 200) return undefined
  try {
    const { refresh_token } = JSON.parse(answer.body)
    return typeof refresh_token === 'string' && refresh_token !== '' ? refresh_token : undefined
  } catch {
    return undefined
  }
}
