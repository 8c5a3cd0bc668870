// What is claimed once, by whoever comes first; the same in memory and in Redis.
import { randomUUID } from 'node:crypto'
import { createLoggedInId } from '../../src/record/session-id.ts'
import { claim, claimKey, closeClaim, overSince } from '../../src/session/claims.ts'
import { createMemoryStore } from '../support/session/one-store.ts'
import { BACKENDS, configWith, storedSession } from './stores.ts'

const anyKey = () => claimKey('login', randomUUID())

describe.each(BACKENDS)('%s', (_name, useBackend) => {
  const { records } = useBackend()
  const parts = { config: configWith(), store: records }
  const session = async () => (await storedSession(records)).id

  test('of ten who claim it at the same moment one has it, and all are told who', async () => {
    const key = anyKey()
    const owners = Array.from({ length: 10 }, () => randomUUID())
    const told = new Set(await Promise.all(owners.map((owner) => records.claim(key, owner, 60))))
    expect(told.size).toBe(1)
    expect(owners).toContain([...told][0])
  })

  test('it is taken only from the one who is named', async () => {
    const key = anyKey()
    await records.claim(key, 'first', 60)
    expect(await records.claim(key, 'second', 60, 'somebody else')).toBe('first')
    expect(await records.claim(key, 'second', 60, 'first')).toBe('second')
    expect(await records.claim(key, 'second', 60)).toBe('second')
  })

  test('a session that lives keeps it; one that is over, or makes room, does not', async () => {
    const [first, second, third] = [await session(), await session(), await session()]
    const key = anyKey()
    expect(await claim(parts, key, first)).toBe(first)
    expect(await claim(parts, key, second)).toBe(first)
    expect(await claim(parts, key, second, first)).toBe(second)
    await records.end(second)
    expect(await claim(parts, key, third)).toBe(third)
  })

  test('once it is closed nobody gets it, and whoever had it is told, once', async () => {
    const id = await session()
    const [free, held] = [anyKey(), anyKey()]
    await claim(parts, held, id)
    expect([await closeClaim(parts, free, 7), await closeClaim(parts, held, 7)]).toEqual([[], [id]])
    expect(await closeClaim(parts, held, 9)).toEqual([])
    for (const key of [free, held]) expect(overSince(await claim(parts, key, id, id))).toBe(7)
  })

  test('closed at the moment when another takes it from who is over, it is closed', async () => {
    const [first, second] = [await session(), await session()]
    const key = anyKey()
    await claim(parts, key, first)
    let isFirst = true
    const passing: typeof records = {
      ...records,
      async claim(...asked) {
        const holder = await records.claim(...asked)
        if (isFirst) await records.claim(key, second, 60, first)
        isFirst = false
        return holder
      },
    }
    expect(await closeClaim({ ...parts, store: passing }, key, 7)).toEqual([first, second])
    expect(overSince(await claim(parts, key, second, first))).toBe(7)
  })

  test('closed while it passes from hand to hand, it is closed, and all who had it may be ended', async () => {
    for (let round = 0; round < 20; round += 1) {
      const key = anyKey()
      const ids = await Promise.all([session(), session(), session()])
      const [heirs] = await Promise.all([
        closeClaim(parts, key, 7),
        ...ids.map((id, at) => claim(parts, key, id, ids[at - 1])),
      ])
      const last = await claim(parts, key, createLoggedInId())
      expect(overSince(last)).toBe(7)
      expect(ids).toEqual(expect.arrayContaining(heirs))
    }
  })
})

test('a claim ends with its time', async () => {
  let now = 0
  const records = createMemoryStore(configWith(), () => now)
  await records.claim('key', 'first', 60)
  now += 59_999
  expect(await records.claim('key', 'second', 60)).toBe('first')
  now += 1
  expect(await records.claim('key', 'second', 60)).toBe('second')
})

test('its key shows nothing of what it is for', () => {
  const id = createLoggedInId()
  expect(claimKey('session', id)).toMatch(/^session:[\w-]{43}$/)
  expect(claimKey('session', id)).not.toContain(id)
})
