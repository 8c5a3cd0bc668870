// Auth records as large as those of two kinds of providers, with tokens that nobody else has and that do not compress.
import { randomBytes } from 'node:crypto'
import type { AuthRecord } from '../../../src/record/auth-record.ts'

interface Sizes {
  readonly idToken: number
  readonly accessToken: number
  readonly refreshToken: number
  readonly groups: number
}

const WEEK = 604_800_000
const ISSUER = 'https://id.example.com/realms/staff'
const BROWSER =
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36'

/** Access and refresh tokens that are names, and the claims of a profile. */
export const smallRecord = (now: number) =>
  sizedRecord(now, { idToken: 900, accessToken: 43, refreshToken: 43, groups: 0 })

/** All of them JWTs, and somebody in fifty groups: as Keycloak and Entra ID have them. */
export const largeRecord = (now: number) =>
  sizedRecord(now, { idToken: 1600, accessToken: 2400, refreshToken: 1400, groups: 50 })

function sizedRecord(now: number, { idToken, accessToken, refreshToken, groups }: Sizes): AuthRecord {
  const seconds = Math.floor(now / 1000)
  return {
    generation: 1,
    claims: {
      iss: ISSUER,
      sub: text(36),
      sid: text(36),
      aud: 'client',
      exp: seconds + 3600,
      iat: seconds,
      auth_time: seconds,
      name: 'Alice Example',
      given_name: 'Alice',
      family_name: 'Example',
      preferred_username: 'alice',
      email: 'alice@example.com',
      email_verified: true,
      ...(groups > 0 && { groups: Array.from({ length: groups }, () => `group-${text(14)}`) }),
    },
    idToken: text(idToken),
    accessToken: text(accessToken),
    refreshToken: text(refreshToken),
    scope: 'openid profile email offline_access',
    createdAt: now,
    endsAt: now + WEEK,
    renewedAt: now,
    idTokenExpiresAt: now + 3_600_000,
    accessTokenExpiresAt: now + 3_600_000,
    jitter: 0.5,
    logins: [],
    authenticatedAt: now,
    device: { address: '203.0.113.7', userAgent: BROWSER },
    enrichment: undefined,
  }
}

function text(length: number): string {
  return randomBytes(length).toString('base64url').slice(0, length)
}
