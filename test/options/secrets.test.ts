// The option `secret`: one, a list, or a function of them, which is checked as they are, at the start and whenever it is asked.
import { createSealer } from '../../src/lib/seal.ts'
import { mistakeIn, resolve, SECRET } from './valid.ts'

const OTHER = 'another secret of the option tests, long enough'

test('a function gives one or several, and the same list for as long as they are the same', () => {
  let given: string | string[] = SECRET
  const config = resolve({ secret: () => given })
  const first = config.secrets
  expect([first, Object.isFrozen(first)]).toEqual([[SECRET], true])
  given = [SECRET]
  expect(config.secrets).toBe(first)
  given = [OTHER, SECRET]
  const second = config.secrets
  expect(second).toEqual([OTHER, SECRET])
  // What the app does with its own list is seen, and not kept.
  given.pop()
  expect([second, config.secrets]).toEqual([[OTHER, SECRET], [OTHER]])
})

test('the environment has no say where there is a function', () => {
  expect(resolve({ secret: () => OTHER }, { SECRET }).secrets).toEqual([OTHER])
})

test.each<[string, () => unknown, RegExp]>([
  [
    'throws',
    () => JSON.parse('{k7Q'),
    /^auth\(\): secret \(SECRET\) is a function that threw an error; it must/,
  ],
  [
    'gives a promise',
    async () => SECRET,
    /a function that gave a promise, and must give the secrets at once: keep/,
  ],
  ['gives a refused promise', () => Promise.reject(new Error('k7Q')), /a function that gave a promise/],
  ['gives nothing', () => undefined, /must be at least 32 characters/],
  ['gives an empty list', () => [], /must be at least 32 characters/],
  ['gives one that is short', () => [SECRET, 'k7Q'], /must be at least 32 characters/],
  ['gives a number', () => 7, /must be at least 32 characters/],
])('a function that %s stops the start, and what it gave is not told', (_what, secret, cure) => {
  const message = mistakeIn({ secret })
  expect(message).toMatch(cure)
  expect(message).not.toMatch(/k7Q/)
})

test('a sealer derives its keys anew where the list is another one, and only then', () => {
  let [list, asked] = [[SECRET] as readonly string[], 0]
  const sealer = createSealer(() => {
    asked += 1
    return list
  }, 'test')
  const sealed = sealer.seal('text', 'place')
  list = [OTHER, SECRET]
  expect(sealer.open(sealed, 'place')).toBe('text')
  const newer = sealer.seal('text', 'place')
  list = [OTHER]
  expect([sealer.open(sealed, 'place'), sealer.open(newer, 'place')]).toEqual([undefined, 'text'])
  expect(asked).toBe(6)
  // A list that is changed in place is the same one.
  const mutable = [SECRET]
  const lazy = createSealer(() => mutable, 'test')
  const before = lazy.seal('text', 'place')
  mutable[0] = OTHER
  expect(lazy.open(before, 'place')).toBe('text')
})
