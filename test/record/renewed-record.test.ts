// What a renewal makes of a record.
import { renewed, withRefreshToken } from '../../src/record/auth-record.ts'
import { dueAt } from '../../src/record/due.ts'
import { CLAIMS, NOW, record, TIMEFRAME, tokens } from './record-fixtures.ts'

const at = (seconds: number) => NOW + seconds * 1000

const BEGAN = at(90)
const old = record({
  claims: { ...CLAIMS, nonce: 'n', auth_time: 5, acr: 'mfa', amr: ['otp'], email: 'old@x' },
})

test('a renewal takes the new tokens and claims, and keeps what belongs to the login', () => {
  const claims = { ...CLAIMS, iat: 2000, exp: 2060, email: 'new@x' }
  const next = renewed(
    old,
    { tokens: tokens({ accessToken: 'a2', refreshToken: 'r2', idToken: 'i2', scope: 's2' }), claims },
    BEGAN,
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
  const next = renewed(old, { tokens: tokens(), claims }, BEGAN)
  expect(next.claims).toMatchObject({ auth_time: 5, acr: 'mfa', amr: ['otp'], nonce: 'n' })
})

test('a renewal without a refresh token or a scope in the answer keeps the old ones', () => {
  const answer = { tokens: tokens({ refreshToken: undefined, scope: undefined }), claims: CLAIMS }
  expect(renewed(old, answer, BEGAN)).toMatchObject({ refreshToken: 'refresh', scope: 'openid' })
})

test('a renewal without an ID token in the answer keeps the claims, and counts', () => {
  const answer = { tokens: tokens({ accessToken: 'a2', idToken: undefined }), claims: undefined }
  const next = renewed(old, answer, BEGAN)
  expect(next).toMatchObject({ claims: old.claims, idToken: 'id', renewedAt: BEGAN, accessToken: 'a2' })
  expect(next.idTokenExpiresAt).toBeUndefined()
  expect(dueAt(next, TIMEFRAME)).toBe(BEGAN + 100_000)
})

test('an answer that did not pass leaves its refresh token and nothing else, and does not count', () => {
  const { refreshToken: _, generation: __, jitter: ___, ...rest } = old
  expect(withRefreshToken(old, 'r2')).toMatchObject({ ...rest, generation: 2, refreshToken: 'r2' })
  expect(withRefreshToken(old, undefined)).toMatchObject({ generation: 2, refreshToken: 'refresh' })
})

test('a renewal that does not say how long the access token lives leaves that open', () => {
  const answer = { tokens: tokens({ accessTokenLifetimeSeconds: undefined }), claims: CLAIMS }
  expect(renewed(old, answer, BEGAN).accessTokenExpiresAt).toBeUndefined()
})

test('a renewal changes nothing in the old record', () => {
  const frozen = Object.freeze({ ...old, claims: Object.freeze({ ...old.claims }) })
  const before = structuredClone(frozen)
  renewed(frozen, { tokens: tokens(), claims: CLAIMS }, BEGAN)
  expect(frozen).toEqual(before)
})
