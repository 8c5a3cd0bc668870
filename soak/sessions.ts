// The sessions of a soak: one person really logs in, and the others are copies with tokens of their own.
import type { Redis } from 'ioredis'
import type { AuthRecord } from '../src/record/auth-record.ts'
import { Browser } from '../test/support/browser/browser.ts'
import { sessionIdOf, storedRecord } from '../test/support/session/age-session.ts'
import { type SeededSession, storeSessions } from '../test/support/session/many-sessions.ts'
import type { SoakProvider } from './provider-process.ts'

export interface Sessions {
  make(count: number): Promise<SeededSession[]>
}

const TEMPLATE_USER = 'the-first'

export async function createSessions(
  appUrl: string,
  provider: SoakProvider,
  redis: { url: string; client: Redis },
): Promise<Sessions> {
  const browser = new Browser()
  await browser.logIn(appUrl, { user: TEMPLATE_USER })
  const template = await storedRecord(redis.client, await sessionIdOf(browser))
  if (template === undefined) throw new Error('nobody could log in')
  let made = 0
  return {
    async make(count) {
      const users = Array.from({ length: count }, () => `user-${++made}`)
      const refreshTokens = new Map(await provider.grant(TEMPLATE_USER, users))
      const change = (record: AuthRecord, now: number) => ({
        renewedAt: now,
        idTokenExpiresAt: now + Number(record.idTokenExpiresAt) - record.renewedAt,
        accessTokenExpiresAt: now + Number(record.accessTokenExpiresAt) - record.renewedAt,
        jitter: Math.random(),
      })
      return storeSessions({ redisUrl: redis.url, template, refreshTokens, change })
    },
  }
}
