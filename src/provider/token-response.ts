// Tokens: how they are asked for, and what the token endpoint sent, in our words.
import type { TokenEndpointResponse } from 'openid-client'
import { jsonObject } from '../lib/json-object.ts'
import type { ProviderSetUp } from '../options/config.ts'
import type { AccessTokenRequest } from '../record/access-token.ts'
import type { Tokens } from '../record/auth-record.ts'
import type { Exchange } from './bounded-fetch.ts'
import { LONGEST_LIFETIME_SECONDS } from './bounds.ts'
import { AnswerError } from './failures.ts'
import { NO_ACCESS_TOKEN } from './token-answer.ts'

/** RFC 6749 §A.12: what else it has would end, or add to, the header that it is sent in. */
const ACCESS_TOKEN = /^[\x20-\x7e]+$/

/** RFC 6749 §6. The API is named by `resource` (RFC 8707 §2.2) where the login did, else by Auth0's `audience`. */
export function refreshParameters(
  { resources }: ProviderSetUp,
  { audience, scope }: AccessTokenRequest,
): Record<string, string> {
  return {
    ...(audience !== undefined && { [resources.length > 0 ? 'resource' : 'audience']: audience }),
    ...(scope !== undefined && { scope }),
  }
}

/** @throws AnswerError */
export function tokensOf(answer: TokenEndpointResponse): Tokens {
  const { access_token, refresh_token, id_token, scope, expires_in } = answer
  const others = { refreshToken: refresh_token, idToken: id_token, scope }
  if (access_token === NO_ACCESS_TOKEN)
    return { accessToken: undefined, accessTokenLifetimeSeconds: undefined, ...others }
  if (!ACCESS_TOKEN.test(access_token))
    throw new AnswerError('its access_token has letters that no token has')
  return {
    accessToken: access_token,
    accessTokenLifetimeSeconds:
      expires_in === undefined ? undefined : Math.min(expires_in, LONGEST_LIFETIME_SECONDS),
    ...others,
  }
}

/** What of a 200 answer that as a whole did not pass is known all the same. */
export interface Salvage {
  /** The one before it is spent. */
  readonly refreshToken: string | undefined
  readonly hasIdToken: boolean
}

export function salvage({ answer }: Exchange): Salvage {
  const sent = (answer?.status === 200 && jsonObject(answer.body)) || {}
  const [refreshToken, idToken] = [sent.refresh_token, sent.id_token].map((token) =>
    typeof token === 'string' && token !== '' ? token : undefined,
  )
  return { refreshToken, hasIdToken: idToken !== undefined }
}
