// Hundreds of sessions in a moment: copies of one that really logged in, each with a user, a grant and a token of its own.
import { randomBytes } from 'node:crypto'
import { sign } from 'cookie-signature'
import { AuthEventEmitter } from '../../../src/events/events.ts'
import { resolveOptions } from '../../../src/options/resolve-options.ts'
import type { AuthRecord } from '../../../src/record/auth-record.ts'
import { createLoggedInId } from '../../../src/record/session-id.ts'
import { TEST_SECRET } from '../app/app-options.ts'
import type { ProviderStore } from '../provider/store.ts'
import { createRedisStore } from './one-store.ts'

export interface ManyOptions {
  redisUrl: string
  /** the record that the first of them got by logging in */
  template: AuthRecord
  /** what the provider gave each user */
  refreshTokens: ReadonlyMap<string, string>
  /** over the template; what is not named stays */
  change?(record: AuthRecord, now: number): Partial<AuthRecord>
}

export interface SeededSession {
  readonly id: string
  readonly user: string
  /** as a browser sends it */
  readonly cookie: string
  readonly record: AuthRecord
}

/** Gives each of these users what the template's user has: a grant, and a refresh token of it. */
export function grantRefreshTokens(
  store: ProviderStore,
  templateUser: string,
  users: readonly string[],
): Map<string, string> {
  const token = store
    .all('RefreshToken')
    .find(({ accountId, consumed }) => accountId === templateUser && !consumed)
  const grant = token?.grantId && store.get('Grant', token.grantId)
  if (!token || !grant) throw new Error(`${templateUser} has no refresh token to copy`)
  return new Map(
    users.map((accountId) => {
      const [grantId, jti] = [randomBytes(32).toString('base64url'), randomBytes(32).toString('base64url')]
      store.put('Grant', grantId, { ...grant, accountId, jti: grantId })
      store.put('RefreshToken', jti, { ...token, accountId, grantId, jti })
      return [accountId, jti]
    }),
  )
}

export async function storeSessions({
  redisUrl,
  template,
  refreshTokens,
  change = () => ({}),
}: ManyOptions): Promise<SeededSession[]> {
  const options = {
    issuerBaseURL: template.claims.iss,
    baseURL: 'http://localhost',
    clientID: 'any',
    secret: TEST_SECRET,
  }
  const records = createRedisStore(resolveOptions(options), { url: redisUrl }, new AuthEventEmitter())
  try {
    const now = await records.now()
    return await Promise.all(
      [...refreshTokens].map(async ([user, refreshToken]) => {
        const own: AuthRecord = { ...template, claims: { ...template.claims, sub: user }, refreshToken }
        const record = { ...own, ...change(own, now) }
        const id = createLoggedInId()
        await records.create(id, record, undefined)
        return { id, user, record, cookie: `bff=${encodeURIComponent(`s:${sign(id, TEST_SECRET)}`)}` }
      }),
    )
  } finally {
    await records.close()
  }
}
