// What the version of commit b30b66d left in Redis and in browsers: it wrote old-records.json, with a secret for this test alone.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Request } from 'express'
import type { RequestCookies } from '../../src/cookies/cookies.ts'
import { createLoginTransactions } from '../../src/cookies/login-cookies.ts'
import type { LoginTransaction } from '../../src/cookies/login-transaction.ts'
import { createSessionCookie } from '../../src/cookies/session-cookie.ts'
import type { AuthOptions } from '../../src/index.ts'
import type { AuthRecord, SessionGroup } from '../../src/record/auth-record.ts'
import { configWith, useRedisStores } from './stores.ts'

interface OldRecords {
  readonly options: AuthOptions
  readonly sessions: readonly {
    readonly name: string
    readonly id: string
    readonly appData?: string
    readonly record: AuthRecord
    readonly cookie: RequestCookies[number]
  }[]
  readonly logins: readonly {
    readonly cookie: RequestCookies[number]
    readonly transaction: LoginTransaction
  }[]
  /** Hashes, strings, and members of sorted sets each with its score behind it. */
  readonly keys: Readonly<Record<string, string | readonly string[] | Readonly<Record<string, string>>>>
}

const old: OldRecords = JSON.parse(readFileSync(join(import.meta.dirname, 'old-records.json'), 'utf8'))
const { client, open } = useRedisStores()
const alice: SessionGroup = { claim: 'sub', value: 'alice' }

async function restore(): Promise<void> {
  await client.flushall()
  for (const [key, value] of Object.entries(old.keys)) {
    if (typeof value === 'string') await client.set(key, value)
    else if (isList(value))
      for (let at = 0; at < value.length; at += 2)
        await client.zadd(key, value[at + 1] ?? '', value[at] ?? '')
    else await client.hset(key, value)
    await client.pexpire(key, 3_600_000)
  }
}

function isList(value: object): value is readonly string[] {
  return Array.isArray(value)
}

beforeEach(restore)

test.each(old.sessions)('a session of the version before still opens: $name', async (session) => {
  const { records, told } = open(old.options)
  const { value } = await records.find(session.id)
  expect(value?.record).toEqual(session.record)
  expect(value?.appData).toBe(session.appData)
  expect(told).toEqual([])
})

test.each(old.sessions)(
  'it is found by its person and by its session at the provider: $name',
  async (session) => {
    const { records } = open(old.options)
    const sid: SessionGroup = { claim: 'sid', value: String(session.record.claims.sid) }
    expect(await records.index.page(alice, 0, 10)).toContain(session.id)
    expect(await records.index.page(sid, 0, 10)).toEqual([session.id])
  },
)

test('what ended, was used or was claimed then, still is', async () => {
  const { records } = open(old.options)
  expect(await records.index.endedAt({ claim: 'sub', value: 'bob' })).toBeGreaterThan(0)
  expect(await records.wasUsed('login:spent')).toBe(true)
  expect(await records.claim('login:claimed', 'another session', 60)).toBe('a session')
})

test('what is kept today has the keys of the version before', async () => {
  const { records } = open(old.options)
  const before = await client.keys('*')
  await client.flushall()
  for (const { id, record, appData } of old.sessions) {
    await records.index.add(id, record)
    await records.create(id, record, appData)
  }
  await records.useOnce('login:spent', 60)
  await records.claim('login:claimed', 'a session', 60)
  for await (const _ of records.index.endGroup({ claim: 'sub', value: 'bob' }, 60))
    throw new Error('nobody was there')
  expect((await client.keys('*')).sort()).toEqual(before.sort())
})

test('another client at the same provider has none of it', async () => {
  const { records } = open({ ...old.options, clientID: 'another' })
  const found = await Promise.all(old.sessions.map(({ id }) => records.find(id)))
  expect(found.map(({ value }) => value)).toEqual(old.sessions.map(() => undefined))
  expect(await records.index.page(alice, 0, 10)).toEqual([])
  expect(await records.wasUsed('login:spent')).toBe(false)
})

test.each(old.sessions)('its cookie is still the one of that session: $name', ({ id, cookie }) => {
  const header = cookie.join('=')
  const { session } = createSessionCookie(configWith(old.options)).read({
    headers: { cookie: header },
  } as Request)
  expect(session).toEqual({ id, outdated: false })
})

test('a login that was begun then still comes back', () => {
  const logins = createLoginTransactions(configWith(old.options))
  const cookies = old.logins.map(({ cookie }) => cookie)
  for (const { transaction } of old.logins) {
    expect(logins.find(transaction.state, cookies)).toEqual(transaction)
    expect(logins.isExpired(transaction, transaction.startedAt + 1000)).toBe(false)
  }
})
