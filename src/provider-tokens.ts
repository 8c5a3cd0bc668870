// Tokens as the token endpoint sent them, in our words.
import type { TokenEndpointResponse } from 'openid-client'
import type { Tokens } from './auth-record.ts'
import type { Exchange } from './provider-fetch.ts'

const LONGEST_LIFETIME_SECONDS = 365 * 86_400

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
