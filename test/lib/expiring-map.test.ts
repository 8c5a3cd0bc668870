// A map whose entries end: exactly in time, and out of memory even when nobody asks for them again.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { createExpiringMap } from '../../src/lib/expiring-map.ts'

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
