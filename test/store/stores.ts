// The two stores of auth records as the tests of this folder open them, and records to put in.
import { randomBytes, randomUUID } from 'node:crypto'
import type { Redis } from 'ioredis'
import { AuthEventEmitter } from '../../src/events/events.ts'
import type { AuthOptions } from '../../src/index.ts'
import type { Config } from '../../src/options/config.ts'
import { resolveOptions } from '../../src/options/resolve-options.ts'
import type { AuthRecord } from '../../src/record/auth-record.ts'
import { createLoggedInId } from '../../src/record/session-id.ts'
import type { BackOff, LeaseTerms, SessionIndex, SessionStore } from '../../src/store/store.ts'
import { type RedisServer, startRedis } from '../support/redis/redis-server.ts'
import { useParts } from '../support/servers.ts'
import { createMemoryStore, createRedisStore, type OneStore } from '../support/session/one-store.ts'

export const SECRET = 'a secret of the store tests, long enough'
export const IDLE_SECONDS = 100

export function configWith(options: AuthOptions = {}): Config {
  return resolveOptions(
    {
      issuerBaseURL: 'https://issuer.example.com',
      baseURL: 'https://app.example.com',
      clientID: 'client',
      secret: SECRET,
      session: { idleTimeoutSeconds: IDLE_SECONDS, absoluteTimeoutSeconds: 1000 },
      // Longer than a busy machine ever takes; what is under test where it ends gives its own.
      redisTimeoutSeconds: 20,
      logger: { warn() {} },
      ...options,
    },
    {},
  )
}

export interface OpenedStore {
  readonly records: OneStore
  /** what the store told, in order */
  readonly told: { name: 'store-unavailable' | 'record-unreadable'; detail: string }[]
}

export function openRedisStore(redis: string | Redis, options: AuthOptions = {}): OpenedStore {
  const events = new AuthEventEmitter()
  const told: OpenedStore['told'] = []
  for (const name of ['store-unavailable', 'record-unreadable'] as const) {
    events.on(name, ({ detail }) => told.push({ name, detail }))
  }
  return {
    records: createRedisStore(
      configWith(options),
      typeof redis === 'string' ? { url: redis } : redis,
      events,
    ),
    told,
  }
}

export interface RedisStores {
  readonly redis: RedisServer
  /** the test's own way to that Redis */
  readonly client: Redis
  /** closed at the end */
  open(options?: AuthOptions, redis?: string | Redis): OpenedStore
}

/** A redis-server for the tests of this file or block, and stores in it. */
export function useRedisStores(): RedisStores {
  const opened: OneStore[] = []
  const { redis, client } = useParts(async (start) => {
    const redis = await start(startRedis())
    await start({ stop: () => Promise.all(opened.map((records) => records.close())) })
    return { redis, client: redis.connect() }
  })
  return {
    redis,
    client,
    open(options, given = redis.url) {
      const store = openRedisStore(given, options)
      opened.push(store.records)
      return store
    },
  }
}

export interface Backend {
  readonly records: SessionStore
  readonly index: SessionIndex
  /** another one, with options over the defaults */
  open(options: AuthOptions): SessionStore
}

/** Rows of a `describe.each`: every test of the interface runs on both. */
export const BACKENDS: [name: string, useBackend: () => Backend][] = [
  ['in memory', useMemory],
  ['in Redis', useRedis],
]

function useMemory(): Backend {
  const open = (options?: AuthOptions) => createMemoryStore(configWith(options))
  const records = open()
  return { records, index: records.index, open }
}

function useRedis(): Backend {
  const { open } = useRedisStores()
  const parts = useParts(async () => {
    const { records } = open()
    return { records, index: records.index }
  })
  return { records: parts.records, index: parts.index, open: (options) => open(options).records }
}

/** Tokens that nobody else has, so that a search for them finds no other's. */
export function recordAt(now: number, changes: Partial<AuthRecord> = {}): AuthRecord {
  const token = (name: string) => `${name}-${randomBytes(24).toString('base64url')}`
  return {
    generation: 1,
    claims: { iss: 'https://issuer.example.com/', sub: 'alice', aud: 'client', exp: 2, iat: 1 },
    idToken: token('id'),
    accessToken: token('access'),
    refreshToken: token('refresh'),
    scope: 'openid',
    createdAt: now,
    endsAt: now + 1_000_000,
    renewedAt: now,
    idTokenExpiresAt: now + 3_600_000,
    accessTokenExpiresAt: now + 3_600_000,
    jitter: 0.5,
    logins: [{ stateHash: 'hash', returnTo: '/' }],
    authenticatedAt: now,
    device: { address: '192.0.2.1', userAgent: 'a browser' },
    enrichment: { role: 'admin' },
    ...changes,
  }
}

/** A stored session under a new id. */
export async function storedSession(records: SessionStore, appData?: string) {
  const id = createLoggedInId()
  const record = recordAt(await records.now())
  await records.create(id, record, appData)
  return { id, record, next: { ...record, generation: 2, accessToken: `renewed-${randomUUID()}` } }
}

/** A lease of so many seconds, at a provider that takes a spent token again: its end is enough for the next. */
export function leaseTerms(seconds: number): LeaseTerms {
  return { seconds, reuseSeconds: 1_000_000, patienceSeconds: 0 }
}

/** The same back-off however often it comes. */
export function backOff(seconds: number): BackOff {
  return { firstSeconds: seconds, longestSeconds: seconds, share: 1, askedSeconds: undefined }
}
