// A bounded map that several parts share.
import { createPartedMap } from '../../src/lib/parted-map.ts'

const keys = (count: number, from = 0) => Array.from({ length: count }, (_, at) => `key-${from + at}`)

test('a part has what it put there, and nothing of another’s', () => {
  const map = createPartedMap<number>(10)
  const [one, other] = [map.part(), map.part()]
  one.set('a', 1)
  expect([one.get('a'), other.get('a')]).toEqual([1, undefined])
  other.delete('a')
  expect(one.get('a')).toBe(1)
  other.set('a', 2)
  expect([one.get('a'), other.get('a')]).toEqual([undefined, 2])
  map.delete('a')
  expect(other.get('a')).toBeUndefined()
})

test('no part has more than its share, so that none pushes the others out', () => {
  const map = createPartedMap<number>(30, 10)
  const [one, busy] = [map.part(), map.part()]
  for (const key of keys(5)) one.set(key, 1)
  for (const key of keys(1000, 5)) busy.set(key, 2)
  expect(keys(5).map((key) => one.get(key))).toEqual([1, 1, 1, 1, 1])
  expect(keys(1005).filter((key) => busy.get(key) !== undefined)).toEqual(keys(10, 995))
})

test('what is put again is new, and what was deleted takes no place', () => {
  const part = createPartedMap<number>(30, 3).part()
  for (const key of ['a', 'b', 'c', 'a', 'd']) part.set(key, 1)
  expect(['a', 'b', 'c', 'd'].filter((key) => part.get(key))).toEqual(['a', 'c', 'd'])
  part.delete('c')
  part.set('e', 1)
  expect(['a', 'd', 'e'].filter((key) => part.get(key))).toEqual(['a', 'd', 'e'])
})

test('all parts together have so many', () => {
  const map = createPartedMap<number>(30, 10)
  const parts = keys(10).map(() => map.part())
  for (const [at, part] of parts.entries()) for (const key of keys(10)) part.set(`${at} ${key}`, at)
  const left = parts.map(
    (part, at) => keys(10).filter((key) => part.get(`${at} ${key}`) !== undefined).length,
  )
  expect(left).toEqual([0, 0, 0, 0, 0, 0, 0, 10, 10, 10])
})

test('a part that is cleared has nothing, nor what was on its way before; the others keep theirs', () => {
  const map = createPartedMap<number>(30, 10)
  const [one, other] = [map.part(), map.part()]
  one.set('a', 1)
  other.set('b', 2)
  const before = one.now()
  one.clear()
  one.set('c', 3, before)
  expect([one.get('a'), one.get('c'), other.get('b')]).toEqual([undefined, undefined, 2])
  one.set('c', 4, one.now())
  expect(one.get('c')).toBe(4)
  map.clear()
  expect([one.get('c'), other.get('b')]).toEqual([undefined, undefined])
})
