// What a session knows: what a login makes of a provider's answer, what a renewal makes of that, and the session's id.
import {
  type AuthRecord,
  newRecord,
  renewed,
  type Tokens,
  withRefreshToken,
} from '../../src/record/auth-record.ts'
import { dueAt, isDue, servesUntil } from '../../src/record/due.ts'
import { type IdTokenClaims, renewedClaimMismatch } from '../../src/record/id-token-claims.ts'
import { createAnonymousId, createLoggedInId, isLoggedInId } from '../../src/record/session-id.ts'
import { userOf } from '../../src/record/user.ts'

const NOW = 1_800_000_000_000
const TIMEFRAME = { afterSeconds: 100, aheadSeconds: 20 }
const CLAIMS = { iss: 'https://issuer.example', sub: 'alice', aud: 'client', iat: 1000, exp: 4600 }

const FACTS = {
  owner: 'app',
  logins: [{ stateHash: 'h', returnTo: '/' }],
  device: { address: '192.0.2.1', userAgent: 'a browser' },
  enrichment: undefined,
  absoluteTimeoutSeconds: 1000,
}

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
  return { ...newRecord(answer, NOW, FACTS), jitter: 0, ...changes }
}

const at = (seconds: number) => NOW + seconds * 1000

describe('a record', () => {
  test.each<[string, number, number, { aheadSeconds?: number; jitter?: number }]>([
    ['jitter 0: the whole window', 80, 100, { jitter: 0 }],
    ['jitter 1: half of it', 90, 100, { jitter: 1 }],
    ['jitter 0.5', 85, 100, { jitter: 0.5 }],
    ['no window', 100, 100, { aheadSeconds: 0 }],
    ['no window, jitter 1', 100, 100, { aheadSeconds: 0, jitter: 1 }],
    ['a window as long as the timeframe', 0, 100, { aheadSeconds: 100 }],
  ])('is due soon and then now: %s', (_what, soon, now, { aheadSeconds = 20, jitter = 0 }) => {
    const due = (now: number) => isDue(record({ jitter }), now, { afterSeconds: 100, aheadSeconds })
    expect(due(at(soon) - 1)).toBe('no')
    if (soon < now) {
      expect(due(at(soon))).toBe('soon')
      expect(due(at(now) - 1)).toBe('soon')
    }
    expect(due(at(now))).toBe('now')
    expect(due(at(now + 1000))).toBe('now')
  })

  test('whose ID token lives shorter than the timeframe is due when that ends', () => {
    const short = record({ idTokenExpiresAt: at(50) })
    expect(dueAt(short, TIMEFRAME)).toBe(at(50))
    // The same share of its life to be renewed in: a fifth.
    expect(isDue(short, at(40) - 1, TIMEFRAME)).toBe('no')
    expect(isDue(short, at(40), TIMEFRAME)).toBe('soon')
    expect(isDue(short, at(50) - 1, TIMEFRAME)).toBe('soon')
    expect(isDue(short, at(50), TIMEFRAME)).toBe('now')
  })

  test('whose ID token lives longer is due by the timeframe', () => {
    expect(dueAt(record(), TIMEFRAME)).toBe(at(100))
    expect(dueAt(record({ idTokenExpiresAt: at(100) }), TIMEFRAME)).toBe(at(100))
    expect(dueAt(record({ idTokenExpiresAt: undefined }), TIMEFRAME)).toBe(at(100))
  })

  test('whose ID token never lived is due now', () => {
    expect(isDue(record({ idTokenExpiresAt: NOW }), NOW, TIMEFRAME)).toBe('now')
  })

  test('serves until its ID token ends; without one, its access token; without either, not at all', () => {
    expect(servesUntil(record())).toBe(at(3600))
    expect(servesUntil(record({ idTokenExpiresAt: undefined }))).toBe(at(600))
    expect(servesUntil(record({ idTokenExpiresAt: undefined, accessTokenExpiresAt: undefined }))).toBe(NOW)
  })
})

describe('a new record', () => {
  test('counts lifetimes from the moment of asking, whatever clock the provider has', () => {
    expect(record({ jitter: 0.25 })).toEqual({
      generation: 1,
      owner: 'app',
      claims: CLAIMS,
      idToken: 'id',
      accessToken: 'access',
      refreshToken: 'refresh',
      scope: 'openid',
      createdAt: NOW,
      endsAt: at(1000),
      renewedAt: NOW,
      idTokenExpiresAt: at(3600),
      accessTokenExpiresAt: at(600),
      jitter: 0.25,
      authenticatedAt: undefined,
      logins: [{ stateHash: 'h', returnTo: '/' }],
      device: { address: '192.0.2.1', userAgent: 'a browser' },
      enrichment: undefined,
    })
  })

  test('of an ID token that ends before it began has none left to live', () => {
    const answer = { tokens: { ...tokens(), idToken: 'id' }, claims: { ...CLAIMS, exp: 10 } }
    expect(newRecord(answer, NOW, FACTS).idTokenExpiresAt).toBe(NOW)
  })

  test('has a jitter of its own, from 0 to 1', () => {
    const answer = { tokens: { ...tokens(), idToken: 'id' }, claims: CLAIMS }
    const jitters = Array.from({ length: 100 }, () => newRecord(answer, NOW, FACTS).jitter)
    expect(new Set(jitters).size).toBeGreaterThan(90)
    expect(Math.min(...jitters)).toBeGreaterThanOrEqual(0)
    expect(Math.max(...jitters)).toBeLessThanOrEqual(1)
    expect(Math.max(...jitters) - Math.min(...jitters)).toBeGreaterThan(0.5)
  })
})

test('a user is the claims about the person, without those of the protocol', () => {
  const claims = {
    ...CLAIMS,
    azp: 'client',
    nonce: 'n',
    at_hash: 'h',
    c_hash: 'h',
    s_hash: 'h',
    auth_time: 1,
    acr: 'a',
    amr: ['a'],
    sid: 's',
    jti: 'j',
    nbf: 1,
    name: 'Alice',
    roles: ['teller'],
    'https://example.com/tier': 'gold',
  }
  expect(userOf(record({ claims }))).toEqual({
    sub: 'alice',
    name: 'Alice',
    roles: ['teller'],
    'https://example.com/tier': 'gold',
  })
})

test('a user is the app’s own copy, down to its claims that are objects', () => {
  const found = record({
    claims: { ...CLAIMS, address: { city: 'Bergen' } },
    enrichment: { roles: ['admin'] },
  })
  const user = userOf(found) as unknown as { address: { city: string }; roles: string[]; name?: string }
  user.address.city = 'elsewhere'
  user.roles.push('owner')
  user.name = 'somebody else'
  expect(userOf(found)).toEqual({ sub: 'alice', address: { city: 'Bergen' }, roles: ['admin'] })
})

describe('what a renewal makes of a record', () => {
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
})

// OpenID Connect Core §12.2, claim by claim.
describe('a renewed ID token against the first one', () => {
  const FIRST: IdTokenClaims = {
    iss: 'https://issuer.example/',
    sub: 'alice',
    aud: 'client',
    exp: 2000,
    iat: 1000,
    auth_time: 900,
    nonce: 'n-1',
  }
  const WITHOUT = { auth_time: undefined, nonce: undefined, azp: undefined } as unknown as IdTokenClaims

  type Row = [what: string, first: object, next: object, mismatch: string | undefined]

  test.each<Row>([
    ['the same claims', {}, {}, undefined],
    ['later times', {}, { exp: 3000, iat: 2500 }, undefined],
    ['earlier times', {}, { exp: 1500, iat: 500 }, undefined],
    ['other claims about the person', {}, { name: 'Alice', acr: 'other', sid: 'other' }, undefined],
    ['another iss', {}, { iss: 'https://issuer.example/1' }, 'iss'],
    ['iss without its trailing slash', {}, { iss: 'https://issuer.example' }, 'iss'],
    ['iss in other case', {}, { iss: 'https://ISSUER.example/' }, 'iss'],
    ['no iss', {}, { iss: undefined }, 'iss'],
    ['another sub', {}, { sub: 'mallory' }, 'sub'],
    ['sub with one letter more', {}, { sub: 'alice1' }, 'sub'],
    ['sub in other case', {}, { sub: 'Alice' }, 'sub'],
    ['an empty sub', {}, { sub: '' }, 'sub'],
    ['no sub', {}, { sub: undefined }, 'sub'],
    ['sub as a number', { sub: '7' }, { sub: 7 }, 'sub'],
    ['another aud', {}, { aud: 'other' }, 'aud'],
    ['no aud', {}, { aud: undefined }, 'aud'],
    ['the same aud as a list', {}, { aud: ['client'] }, undefined],
    ['one aud more', {}, { aud: ['client', 'other'] }, 'aud'],
    ['one aud less', { aud: ['client', 'api'] }, { aud: 'client' }, 'aud'],
    ['aud in other order', { aud: ['client', 'api'] }, { aud: ['api', 'client'] }, undefined],
    ['aud as long, with another in it', { aud: ['client', 'api'] }, { aud: ['client', 'other'] }, 'aud'],
    ['an empty list of aud', {}, { aud: [] }, 'aud'],
    ['the same azp', { azp: 'client' }, { azp: 'client' }, undefined],
    ['another azp', { azp: 'client' }, { azp: 'other' }, 'azp'],
    ['an azp where there was none', {}, { azp: 'client' }, 'azp'],
    ['azp null where there was none', {}, { azp: null }, undefined],
    ['no azp where there was one', { azp: 'client' }, { azp: undefined }, 'azp'],
    ['no nonce', {}, { nonce: undefined }, undefined],
    ['another nonce', {}, { nonce: 'n-11' }, 'nonce'],
    ['an empty nonce', {}, { nonce: '' }, 'nonce'],
    ['a nonce where there was none', WITHOUT, { nonce: 'n-1' }, 'nonce'],
    ['the original auth_time', {}, { auth_time: 900 }, undefined],
    ['a later auth_time', {}, { auth_time: 901 }, undefined],
    ['an earlier auth_time', {}, { auth_time: 899 }, undefined],
    ['no auth_time', {}, { auth_time: undefined }, undefined],
    ['an auth_time where there was none', WITHOUT, { auth_time: 900 }, undefined],
  ])('%s', (_what, first, next, mismatch) => {
    const original = { ...FIRST, ...first } as IdTokenClaims
    expect(renewedClaimMismatch(original, { ...original, ...next } as IdTokenClaims)).toBe(mismatch)
  })

  test('another sub is told as such where other claims differ too: it ends the session', () => {
    const next = { ...FIRST, sub: 'mallory', aud: 'other', nonce: 'x', auth_time: 1 }
    expect(renewedClaimMismatch(FIRST, next)).toBe('sub')
  })
})

describe('session ids: nobody guesses one, and each says which kind of session it names', () => {
  test.each([
    ['logged-in', createLoggedInId, /^s-[\w-]{43}$/, true],
    ['anonymous', createAnonymousId, /^a-[\w-]{43}$/, false],
  ])('an id of a %s session has 256 random bits and says what it is', (_kind, create, form, loggedIn) => {
    const ids = Array.from({ length: 2000 }, create)
    expect(new Set(ids).size).toBe(2000)
    expect(ids.filter((id) => !form.test(id) || isLoggedInId(id) !== loggedIn)).toEqual([])
    // Every bit of the 32 bytes is on in some and off in others.
    const bytes = ids.map((id) => Buffer.from(id.slice(2), 'base64url'))
    const shares = Array.from(
      { length: 256 },
      (_, bit) => bytes.filter((one) => (one[bit >> 3] ?? 0) & (1 << (bit & 7))).length / ids.length,
    )
    expect(Math.min(...shares)).toBeGreaterThan(0.4)
    expect(Math.max(...shares)).toBeLessThan(0.6)
  })

  test.each(['', 's', 'S-abc', 'a-s-abc', ' s-abc', 'abc'])('%j names no logged-in session', (id) => {
    expect(isLoggedInId(id)).toBe(false)
  })
})
