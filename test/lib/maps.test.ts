// Maps of the library: so many entries, entries that end, and values beside an object.
import { inspect } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { BoundedMap } from '../../src/lib/bounded-map.ts'
import { createExpiringMap } from '../../src/lib/expiring-map.ts'
import { createSideTable } from '../../src/lib/side-table.ts'

describe('memory that does not grow: so many entries, and the oldest goes first', () => {
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
})

describe('entries end: exactly in time, and out of memory even when nobody asks for them again', () => {
  function mapAt(now = 1000) {
    const clock = { now }
    return { clock, map: createExpiringMap<unknown>(() => clock.now) }
  }

  test('an entry is there until its last millisecond', () => {
    const { clock, map } = mapAt()
    map.set('key', 'value', 1500)
    clock.now = 1499
    expect([map.get('key'), map.endsAt('key')]).toEqual(['value', 1500])
    clock.now = 1500
    expect([map.get('key'), map.endsAt('key')]).toEqual([undefined, undefined])
    clock.now = 1499
    expect(map.get('key')).toBeUndefined()
  })

  test('an entry that is set again has the new value and the new end', () => {
    const { clock, map } = mapAt()
    map.set('key', 'one', 1100)
    map.set('key', 'two', 1900)
    clock.now = 1500
    expect(map.get('key')).toBe('two')
    map.set('key', 'three', 1400)
    expect(map.get('key')).toBeUndefined()
  })

  test('delete says whether there was a live entry', () => {
    const { clock, map } = mapAt()
    map.set('live', 1, 1100)
    map.set('over', 1, 1001)
    clock.now = 1001
    expect([map.delete('live'), map.delete('live'), map.delete('over'), map.delete('never')]).toEqual([
      true,
      false,
      false,
      false,
    ])
  })

  test('keys that every object has are only keys', () => {
    const { map } = mapAt()
    for (const key of ['__proto__', 'constructor', 'toString', '']) {
      expect(map.get(key)).toBeUndefined()
      map.set(key, key, 2000)
      expect(map.get(key)).toBe(key)
    }
  })

  test('a thousand writes clear away what nobody asked for again, and nothing that lives', async () => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const { clock, map } = mapAt()
    const gone: WeakRef<object>[] = []
    const kept: WeakRef<object>[] = []
    for (let index = 0; index < 300; index += 1) {
      const [over, live] = [{ index }, { index }]
      gone.push(new WeakRef(over))
      kept.push(new WeakRef(live))
      map.set(`over-${index}`, over, 1100)
      map.set(`live-${index}`, live, 9000)
    }
    clock.now = 1100
    for (let index = 0; index < 1000; index += 1) map.set('another', index, 9000)
    // A WeakRef holds its object to the end of the turn in which it was made or asked.
    await new Promise((resolve) => setImmediate(resolve))
    collect()
    // The collector may take what is on the stack for a reference: one or two are no leak, three hundred are.
    expect(gone.filter((one) => one.deref() !== undefined).length).toBeLessThan(10)
    expect(kept.filter((one) => one.deref() !== undefined)).toHaveLength(300)
    expect(map.get('live-7')).toEqual({ index: 7 })
  })
})

describe('a map of very many entries', () => {
  test('no write looks at more than a few of them', () => {
    let looks = 0
    const map = createExpiringMap(() => {
      looks += 1
      return 1000
    })
    let most = 0
    for (let index = 0; index < 50_000; index += 1) {
      looks = 0
      map.set(`key-${index}`, index, index % 2 === 0 ? 900 : 2000)
      most = Math.max(most, looks)
    }
    expect(most).toBeLessThan(10)
  })

  test('beyond its limit the one that was set first goes first, and one that is set again is new', () => {
    const map = createExpiringMap(() => 1000, 3)
    for (const key of ['a', 'b', 'c', 'a', 'd']) map.set(key, key, 2000)
    expect(['a', 'b', 'c', 'd'].filter((key) => map.get(key) !== undefined)).toEqual(['a', 'c', 'd'])
  })
})

describe('a value beside an object: found by who kept it, and by nobody else', () => {
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
})
