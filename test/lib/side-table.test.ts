// A value beside an object: found by who kept it, and by nobody else.
import { inspect } from 'node:util'
import { createSideTable } from '../../src/lib/side-table.ts'

test('the newest value is found beside its object, and no other', () => {
  const [names, ages] = [createSideTable<object, string>(), createSideTable<object, number>()]
  const [one, other] = [{}, Object.freeze({})]
  names.set(one, 'first')
  names.set(one, 'second')
  names.set(other, 'frozen')
  ages.set(one, 7)
  expect([names.get(one), names.get(other), ages.get(one), ages.get(other)]).toEqual([
    'second',
    'frozen',
    7,
    undefined,
  ])
})

test('nothing that prints or copies the object finds it', () => {
  const beside = createSideTable<object, string>()
  const holder = { name: 'a request' }
  beside.set(holder, 'the-secret')
  const printed = [
    JSON.stringify(holder),
    inspect(holder, { showHidden: true, getters: true }),
    Reflect.ownKeys(holder),
  ]
  expect(printed.join()).not.toContain('the-secret')
  expect(beside.get({ ...holder })).toBeUndefined()
  expect(beside.get(structuredClone(holder))).toBeUndefined()
  expect(beside.get(Object.create(holder))).toBeUndefined()
})
