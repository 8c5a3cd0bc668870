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

/** The tokens of a 200 answer that as a whole did not pass. */
export function salvageTokens({ answer }: Exchange): Tokens | undefined {
  if (answer?.status !== 200) return undefined
  try {
    const { access_token, refresh_token, expires_in } = JSON.parse(answer.body)
    if (typeof access_token !== 'string' || typeof refresh_token !== 'string') return undefined
    const lifetime = typeof expires_in === 'number' && expires_in > 0 ? expires_in : undefined
    return tokensOf({
      access_token,
      refresh_token,
      token_type: 'bearer',
      ...(lifetime && { expires_in: lifetime }),
    })
  } catch {
    return undefined
  }
}
