// Makes a stored session older than it is: what would take fifteen minutes is there at once, exactly.
import type { Redis } from 'ioredis'
import { createSealer } from '../../../src/lib/seal.ts'
import type { AuthRecord } from '../../../src/record/auth-record.ts'
import { decodeRecord, encodeRecord } from '../../../src/store/record-codec.ts'
import { TEST_SECRET } from '../app/app-options.ts'
import type { UserAgent } from '../browser/user-agent.ts'

export interface Ageing {
  /** seconds by which the ID token's end comes sooner */
  idToken?: number
  /** seconds by which the access tokens' ends come sooner */
  accessToken?: number
  /** seconds by which the login was earlier */
  login?: number
  /** 0 to 1, in place of the one that was drawn */
  jitter?: number
  /** the app's, where it is not that of the test apps */
  secret?: string
  /** where the browser has its cookie, in place of localhost */
  url?: string
}

const sealerOf = (secret = TEST_SECRET) => createSealer([secret], 'auth record')
const keyOf = (id: string) => `bff:{${id}}:auth`

/** Moves the last renewal of the browser's session `seconds` back; the generation stays. */
export async function ageSession(
  redis: Redis,
  browser: UserAgent,
  seconds: number,
  { idToken = 0, accessToken = 0, login = 0, jitter, secret, url }: Ageing = {},
): Promise<void> {
  const id = await sessionIdOf(browser, url)
  const record = await storedRecord(redis, id, secret)
  if (!record) throw new Error(`no session to make older: ${id}`)
  const sooner = (at: number | undefined, by: number) => (at === undefined ? undefined : at - by * 1000)
  const aged: AuthRecord = {
    ...record,
    createdAt: record.createdAt - login * 1000,
    renewedAt: record.renewedAt - seconds * 1000,
    idTokenExpiresAt: sooner(record.idTokenExpiresAt, idToken),
    accessTokenExpiresAt: sooner(record.accessTokenExpiresAt, accessToken),
    accessTokens: Object.fromEntries(
      Object.entries(record.accessTokens ?? {}).map(([name, token]) => [
        name,
        { ...token, expiresAt: sooner(token.expiresAt, accessToken) },
      ]),
    ),
    jitter: jitter ?? record.jitter,
  }
  await redis.hset(keyOf(id), 'sealed', sealerOf(secret).seal(encodeRecord(aged), id))
}

/** The record as it is stored, opened. */
export async function storedRecord(
  redis: Redis,
  id: string,
  secret?: string,
): Promise<AuthRecord | undefined> {
  const text = sealerOf(secret).open((await redis.hget(keyOf(id), 'sealed')) ?? '', id)
  return text === undefined ? undefined : decodeRecord(text)
}

/** The id in the session's cookie. */
export async function sessionIdOf(
  browser: UserAgent,
  url = 'http://localhost/',
  name = 'bff',
): Promise<string> {
  const cookies = await browser.cookies(url)
  const value = cookies.find(({ key }) => key === name)?.value
  const id = decodeURIComponent(value ?? '').match(/^s:([^.]+)\./)?.[1]
  if (!id) throw new Error(`this browser has no session cookie ${name}`)
  return id
}

/** Everything that Redis keeps of a session. */
export async function keysOf(redis: Redis, id: string): Promise<string[]> {
  return redis.keys(`*${id}*`)
}

/** The next renewal may be tried now, not when the back-off is over. */
export async function endBackOff(redis: Redis, browser: UserAgent): Promise<void> {
  await redis.hdel(keyOf(await sessionIdOf(browser)), 'retryAt')
}

/** The lease is over now, as if its time had passed. */
export async function endLease(redis: Redis, browser: UserAgent): Promise<void> {
  await redis.hdel(keyOf(await sessionIdOf(browser)), 'leaseOwner', 'leaseEndsAt', 'sentAt', 'takeOverAt')
}
