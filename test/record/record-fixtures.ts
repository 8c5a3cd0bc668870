// A record to start from, and the answer it was made of.
import { type AuthRecord, newRecord, type Tokens } from '../../src/record/auth-record.ts'

export const NOW = 1_800_000_000_000
export const TIMEFRAME = { afterSeconds: 100, aheadSeconds: 20 }
export const CLAIMS = { iss: 'https://issuer.example', sub: 'alice', aud: 'client', iat: 1000, exp: 4600 }

export const FACTS = {
  logins: [{ stateHash: 'h', returnTo: '/' }],
  device: { address: '192.0.2.1', userAgent: 'a browser' },
  enrichment: undefined,
  absoluteTimeoutSeconds: 1000,
}

export const tokens = (changes: Partial<Tokens> = {}): Tokens => ({
  accessToken: 'access',
  accessTokenLifetimeSeconds: 600,
  refreshToken: 'refresh',
  idToken: 'id',
  scope: 'openid',
  ...changes,
})

export function record(changes: Partial<AuthRecord> = {}): AuthRecord {
  const answer = { tokens: { ...tokens(), idToken: 'id' }, claims: CLAIMS }
  return { ...newRecord(answer, NOW, FACTS), jitter: 0, ...changes }
}
