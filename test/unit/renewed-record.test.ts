// What a renewal makes of a record.
import { type AuthRecord, dueAt, newRecord, renewed, type Tokens } from '../../src/auth-record.ts'

const NOW = 1_800_000_000_000
const TIMEFRAME = { afterSeconds: 100, aheadSeconds: 20 }
const CLAIMS = { iss: 'https://issuer.example', sub: 'alice', aud: 'client', iat: 1000, exp: 4600 }

const tokens = (changes: Partial<Tokens> = {}): Tokens => ({
  accessToken: 'access',
  accessTokenLifetimeSeconds: 600,
  refreshToken: 'refresh',
  idToken: 'id',
  scope: 'openid',
  ...changes,
})

function record(changes: Partial<AuthRecord> = {}): AuthRecord {
  const answer = { tokens: { ...tokens(), idToken: 'id' }, claims: CLAIMS }
  return { ...newRecord(answer, [{ stateHash: 'h', returnTo: '/' }], NOW, 1000), jitter: 0, ...changes }
}

const at = (seconds: number) => NOW + seconds * 1000

const BEGAN = at(90)
const old = record({
  claims: { ...CLAIMS, nonce: 'n', auth_time: 5, acr: 'mfa', amr: ['otp'], email: 'old@x' },
})

test('a renewal takes the new tokens and claims, and keeps what belongs to the log-in', () => {
  const claims = { ...CLAIMS, iat: 2000, exp: 2060, email: 'new@x' }
  const next = renewed(
    old,
    { tokens: tokens({ accessToken: 'a2', refreshToken: 'r2', idToken: 'i2', scope: 's2' }), claims },
    BEGAN,
    false,
  )
  expect(next).toEqual({
    ...old,
    generation: 2,
    accessToken: 'a2',
    refreshToken: 'r2',
    idToken: 'i2',
    scope: 's2',
    renewedAt: BEGAN,
    accessTokenExpiresAt: BEGAN + 600_000,
    idTokenExpiresAt: BEGAN + 60_000,
    claims: { ...claims, nonce: 'n', auth_time: 5, acr: 'mfa', amr: ['otp'] },
    jitter: expect.any(Number),
  })
})

test('a renewal does not change how or when the person authenticated (RFC 9470 §4)', () => {
  const claims = { ...CLAIMS, auth_time: 5, acr: 'pwd', amr: ['pwd', 'sms'] }
  const next = renewed(old, { tokens: tokens(), claims }, BEGAN, false)
  expect(next.claims).toMatchObject({ auth_time: 5, acr: 'mfa', amr: ['otp'], nonce: 'n' })
})

test('a renewal without a refresh token or a scope in the answer keeps the old ones', () => {
  const answer = { tokens: tokens({ refreshToken: undefined, scope: undefined }), claims: CLAIMS }
  expect(renewed(old, answer, BEGAN, false)).toMatchObject({ refreshToken: 'refresh', scope: 'openid' })
})

test('a renewal without an ID token in the answer keeps the claims, and counts', () => {
  const answer = { tokens: tokens({ accessToken: 'a2', idToken: undefined }), claims: undefined }
  const next = renewed(old, answer, BEGAN, false)
  expect(next).toMatchObject({ claims: old.claims, idToken: 'id', renewedAt: BEGAN, accessToken: 'a2' })
  expect(next.idTokenExpiresAt).toBeUndefined()
  expect(dueAt(next, TIMEFRAME)).toBe(BEGAN + 100_000)
})

test('a renewal whose ID token did not pass keeps the new tokens and the old claims, and does not count', () => {
  const answer = {
    tokens: tokens({ accessToken: 'a2', refreshToken: 'r2', idToken: 'bad' }),
    claims: undefined,
  }
  expect(renewed(old, answer, BEGAN, true)).toMatchObject({
    generation: 2,
    accessToken: 'a2',
    refreshToken: 'r2',
    idToken: 'id',
    claims: old.claims,
    renewedAt: old.renewedAt,
    idTokenExpiresAt: old.idTokenExpiresAt,
    accessTokenExpiresAt: BEGAN + 600_000,
  })
})

test('a renewal that does not say how long the access token lives leaves that open', () => {
  const answer = { tokens: tokens({ accessTokenLifetimeSeconds: undefined }), claims: CLAIMS }
  expect(renewed(old, answer, BEGAN, false).accessTokenExpiresAt).toBeUndefined()
})

test('a renewal changes nothing in the old record', () => {
  const frozen = Object.freeze({ ...old, claims: Object.freeze({ ...old.claims }) })
  const before = structuredClone(frozen)
  renewed(frozen, { tokens: tokens(), claims: CLAIMS }, BEGAN, false)
  expect(frozen).toEqual(before)
})
