// Memory that does not grow: so many entries, and the oldest goes first.
import { BoundedMap } from '../../src/bounded-map.ts'

test('the newest entries are kept, and one that is put again is new', () => {
  const map = new BoundedMap<string, number>(3)
  for (const [at, key] of ['a', 'b', 'c', 'a', 'd'].entries()) map.set(key, at)
  expect([...map]).toEqual([
    ['c', 2],
    ['a', 3],
    ['d', 4],
  ])
})
