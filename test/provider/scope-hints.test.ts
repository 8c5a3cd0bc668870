// What is said of refresh tokens and refused scopes, by provider where its ways are known.
import { refreshTokenHint, scopeCure } from '../../src/provider/scope-hints.ts'

const asked = (issuer: string, scope = 'openid offline_access') => ({
  issuer: new URL(issuer),
  authorizationParams: { scope },
})

test.each([
  [
    'https://accounts.google.com',
    /Google knows no .*access_type 'offline' .*prompt 'consent' \(AUTH_PROMPT\); leave/,
  ],
  ['https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_x', /Cognito knows no .* without it; leave it out/],
])('%s knows no offline_access, and is never said to', (issuer, said) => {
  expect(refreshTokenHint(asked(issuer))).toMatch(said)
  expect(refreshTokenHint(asked(issuer, 'openid'))).toMatch(said)
  expect(scopeCure(asked(issuer))).toMatch(said)
  expect(scopeCure(asked(issuer, 'openid other'))).toBe(
    " to 'openid other': allow these to this client there, or change authorizationParams.scope (SCOPE)",
  )
})

test.each([
  ['https://id.example.com/realms/shop', /\(Keycloak: .*client scopes, and the role of that name/],
  ['https://id.example.com/auth/realms/shop', /\(Keycloak: /],
  ['https://tenant.eu.auth0.com/', /\(Auth0: .*'Allow Offline Access' at the API of AUDIENCE\)/],
  ['https://dev-1.okta.com/oauth2/default', /\(Okta: .*access policy\)/],
  ['https://login.microsoftonline.com/of-a-tenant/v2.0', /\(Entra ID: .*API permissions\)/],
])('%s allows it by a setting that is named', (issuer, setting) => {
  expect(refreshTokenHint(asked(issuer))).toMatch(setting)
  expect(scopeCure(asked(issuer))).toMatch(setting)
})

test('of any other what has to be looked for is said', () => {
  const other = 'https://other.example'
  expect(refreshTokenHint(asked(other))).toMatch(
    /\(the refresh_token grant\), .*prompt 'consent' \(AUTH_PROMPT\)$/,
  )
  expect(refreshTokenHint(asked(other, 'openid'))).toBe(
    "authorizationParams.scope (SCOPE) has no 'offline_access'",
  )
  expect(scopeCure(asked(other))).toMatch(
    /^ to 'openid offline_access': allow these to this client there; or where it knows no 'offline_access', leave it out of authorizationParams\.scope \(SCOPE\)/,
  )
})

test('the scopes of one login are told as one line, and not without end', () => {
  expect(scopeCure(asked('https://other.example'), `a\n${'b'.repeat(200)}`)).toMatch(/^ to 'a\?b{98}': allow/)
})
