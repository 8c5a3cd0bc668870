// Memory that does not grow: so many entries, and the oldest goes first.
import { BoundedMap } from '../../src/lib/bounded-map.ts'

test('the newest entries are kept, and one that is put again is new', () => {
  const map = new BoundedMap<string, number>(3)
  for (const [at, key] of ['a', 'b', 'c', 'b'].entries()) map.set(key, at)
  expect([...map.keys()]).toEqual(['a', 'c', 'b'])
  map.set('d', 4).set('e', 5)
  expect([...map]).toEqual([
    ['b', 3],
    ['d', 4],
    ['e', 5],
  ])
})
