// How a refresh token is asked for: the words for a login that brought none, and for a scope that the provider refused.
import type { ProviderSetUp } from '../options/config.ts'

type Asked = Pick<ProviderSetUp, 'issuer' | 'authorizationParams'>

const WITHOUT = 'leave it out of authorizationParams.scope (SCOPE)'

/** Those that know no such scope, by the letter of their pages in docs/providers. */
const HAVE_NONE: readonly [issuer: RegExp, words: string][] = [
  [
    /^https:\/\/accounts\.google\.com\//,
    `Google knows no 'offline_access' and gives refresh tokens for authorizationParams.access_type 'offline' with authorizationParams.prompt 'consent' (AUTH_PROMPT); ${WITHOUT}`,
  ],
  [
    /^https:\/\/cognito-idp\.[^/]+\.amazonaws\.com\//,
    `Cognito knows no 'offline_access' and gives refresh tokens without it; ${WITHOUT}`,
  ],
]
/** Where it is allowed there. */
const SETTINGS: readonly [issuer: RegExp, words: string][] = [
  [
    /\/realms\/[^/]+\/?$/,
    "Keycloak: 'offline_access' among the client's client scopes, and the role of that name for the person",
  ],
  [
    /^https:\/\/[^/]+\.auth0\.com\//,
    "Auth0: the grant type Refresh Token at the application, and 'Allow Offline Access' at the API of AUDIENCE",
  ],
  [
    /^https:\/\/[^/]+\.okta(?:preview)?\.com\//,
    "Okta: the grant type Refresh Token at the application, and 'offline_access' in the authorization server's access policy",
  ],
  [
    /^https:\/\/login\.microsoftonline\.com\//,
    "Entra ID: 'offline_access' of Microsoft Graph among the app's API permissions",
  ],
]

/** Why a login may have brought no refresh token. */
export function refreshTokenHint(asked: Asked): string {
  const words = knownOf(asked, HAVE_NONE)
  if (words !== undefined) return words
  return asksOffline(asked)
    ? `scope 'offline_access' was asked for, so check at the provider: that this client may have refresh tokens (the refresh_token grant), that the API allows offline access, and whether it wants authorizationParams.prompt 'consent' (AUTH_PROMPT)${settingsOf(asked)}`
    : "authorizationParams.scope (SCOPE) has no 'offline_access'"
}

/**
 * What to do about `invalid_scope` (RFC 6749 §4.1.2.1, §5.2).
 *
 * @param scope that was asked for
 */
export function scopeCure(asked: Asked, scope = asked.authorizationParams.scope ?? ''): string {
  const said = ` to '${scope.replace(/[^\x20-\x7e]/g, '?').slice(0, 100)}'`
  if (!scope.split(' ').includes('offline_access'))
    return `${said}: allow these to this client there, or change authorizationParams.scope (SCOPE)`
  const words = knownOf(asked, HAVE_NONE)
  if (words !== undefined) return `${said}: ${words}`
  return `${said}: allow these to this client there${settingsOf(asked)}; or where it knows no 'offline_access', ${WITHOUT}, and see docs/get-refresh-tokens.md`
}

export function asksOffline({ authorizationParams: { scope = '' } }: Asked): boolean {
  return scope.split(' ').includes('offline_access')
}

function settingsOf(asked: Asked): string {
  const words = knownOf(asked, SETTINGS)
  return words === undefined ? '' : ` (${words})`
}

function knownOf({ issuer }: Asked, known: readonly [RegExp, string][]): string | undefined {
  return known.find(([pattern]) => pattern.test(issuer.href))?.[1]
}
