// How a refresh token is asked for: the words for a login that brought none, and for a scope that the provider refused.
import type { Config } from '../options/config.ts'

type Asked = Pick<Config, 'issuer' | 'authorizationParams'>

const OF_GOOGLE =
  "Google knows no 'offline_access' and gives refresh tokens for authorizationParams.access_type 'offline' with authorizationParams.prompt 'consent' (AUTH_PROMPT)"
const WITHOUT = 'leave it out of authorizationParams.scope (SCOPE)'

/** Why a login may have brought no refresh token. */
export function refreshTokenHint(asked: Asked): string {
  if (isGoogle(asked)) return `${OF_GOOGLE}; ${WITHOUT}`
  return asksOffline(asked)
    ? "scope 'offline_access' was asked for, so check at the provider: that this client may have refresh tokens (the refresh_token grant), that the API allows offline access, and whether it wants authorizationParams.prompt 'consent' (AUTH_PROMPT)"
    : "authorizationParams.scope (SCOPE) has no 'offline_access'"
}

/** What to do about `invalid_scope` (RFC 6749 §4.1.2.1). */
export function scopeRefused(asked: Asked): string {
  const { scope = '' } = asked.authorizationParams
  const said = `the provider answered invalid_scope to '${scope.slice(0, 100)}'`
  if (isGoogle(asked)) return `${said}: ${OF_GOOGLE}; ${WITHOUT}`
  if (!asksOffline(asked))
    return `${said}: allow these to this client there, or change authorizationParams.scope (SCOPE)`
  return `${said}: allow these to this client there; or where it knows no 'offline_access', ${WITHOUT}, and see docs/get-refresh-tokens.md`
}

export function asksOffline({ authorizationParams: { scope = '' } }: Asked): boolean {
  return scope.split(' ').includes('offline_access')
}

function isGoogle({ issuer }: Asked): boolean {
  return issuer.hostname === 'accounts.google.com'
}
