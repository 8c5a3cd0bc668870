// What is kept near, and what a change that comes at a bad moment does to it.
import { createSessionCache } from '../../src/store/redis/session-cache.ts'
import type { Found } from '../../src/store/store.ts'
import { record } from '../record/record-fixtures.ts'

const found = (idleEndsAt = 1e15): Found => ({
  now: 1000,
  value: { record: record(), appData: undefined, idleEndsAt },
})

test('a session is kept with a clock that goes on, and says that it is near', () => {
  const near = createSessionCache()
  near.reading('id')(found())
  const kept = near.get('id')
  expect(kept).toMatchObject({ isCached: true, value: found().value })
  expect(kept?.now).toBeGreaterThanOrEqual(1000)
})

test('a change while a session is on its way here, whichever comes first, keeps it from being kept', () => {
  const near = createSessionCache()
  const keep = near.reading('id')
  near.forget('id')
  keep(found())
  expect(near.get('id')).toBeUndefined()
})

test('of two that are on their way, the later question’s answer is kept, in whatever order they come', () => {
  const near = createSessionCache()
  const [early, late] = [near.reading('id'), near.reading('id')]
  late(found(2e15))
  early(found(1e15))
  expect(near.get('id')?.value?.idleEndsAt).toBe(2e15)
})

test('nothing is kept over a moment in which changes may have been missed', () => {
  const near = createSessionCache()
  near.reading('kept')(found())
  const keep = near.reading('under way')
  near.forgetAll()
  keep(found())
  expect([near.get('kept'), near.get('under way')]).toEqual([undefined, undefined])
})

test('a session that ended unused is not used, though nobody tells of its end', () => {
  const near = createSessionCache()
  near.reading('id')(found(1000))
  expect(near.get('id')).toBeUndefined()
})

test('that there is no session is not kept', () => {
  const near = createSessionCache()
  near.reading('id')({ now: 1000, value: undefined })
  expect(near.get('id')).toBeUndefined()
})

test('ten thousand are kept, those that were read last', () => {
  const near = createSessionCache()
  for (let count = 0; count <= 10_000; count += 1) near.reading(`${count}`)(found())
  expect([near.get('0'), near.get('1')]).toEqual([undefined, expect.objectContaining({ isCached: true })])
})
