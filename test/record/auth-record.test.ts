// What a login makes of a provider's answer, and when that is due for renewal.
import { newRecord } from '../../src/record/auth-record.ts'
import { dueAt, isDue, servesUntil } from '../../src/record/due.ts'
import { userOf } from '../../src/record/user.ts'
import { CLAIMS, FACTS, NOW, record, TIMEFRAME, tokens } from './record-fixtures.ts'

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
