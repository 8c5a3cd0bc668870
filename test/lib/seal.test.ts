// Sealed text opens with a known secret, for its purpose, at its place, as it was, and in no other way.
import fc from 'fast-check'
import { createSealer } from '../../src/lib/seal.ts'
import { anyChange, anyText, changed, holds } from '../support/property.ts'

const OLD = 'the old secret of the sealing tests ....'
const NEW = 'the new secret of the sealing tests ....'
const sealer = createSealer([NEW], 'test')

test.each([
  ['nothing', ''],
  ['a letter', 'a'],
  ['unicode of every width', 'aé漢𝔘\u0000\r\n“”\u2028'],
  ['an emoji of many parts', '👩‍👩‍👧‍👦'],
  ['a megabyte', 'ab漢'.repeat(200_000)],
])('%s comes back as it went in', (_what, text) => {
  const sealed = sealer.seal(text, 'place')
  expect(sealer.open(sealed, 'place')).toBe(text)
  // It goes into cookies and keys as it stands.
  expect(sealed).toMatch(/^[\w-]+$/)
})

test('the same text is never sealed to the same bytes', () => {
  const sealed = Array.from({ length: 200 }, () => sealer.seal('text', 'place'))
  expect(new Set(sealed).size).toBe(200)
  // Nor with an initialisation vector that another has: GCM would give the key away.
  expect(
    new Set(sealed.map((one) => Buffer.from(one, 'base64url').subarray(5, 17).toString('hex'))).size,
  ).toBe(200)
})

test('the text is not to be seen', () => {
  const sealed = sealer.seal('a-token-that-nobody-sees', 'place')
  expect(sealed).not.toContain('a-token')
  expect(Buffer.from(sealed, 'base64url').toString('latin1')).not.toContain('a-token')
})

test('what the old secret sealed opens while it is listed, and new seals are the new one’s', () => {
  const old = createSealer([OLD], 'test')
  const both = createSealer([NEW, OLD], 'test')
  expect(both.open(old.seal('text', 'place'), 'place')).toBe('text')
  expect(sealer.open(old.seal('text', 'place'), 'place')).toBeUndefined()
  expect(sealer.open(both.seal('text', 'place'), 'place')).toBe('text')
  expect(old.open(both.seal('text', 'place'), 'place')).toBeUndefined()
})

test.each([
  ['another place', 'test', 'other'],
  ['no place', 'test', ''],
  ['a place with something after it', 'test', 'place '],
  ['another purpose', 'other', 'place'],
  ['a purpose in other case', 'Test', 'place'],
])('it does not open for %s', (_what, purpose, place) => {
  const sealed = sealer.seal('text', 'place')
  expect(createSealer([NEW], purpose).open(sealed, place)).toBeUndefined()
  expect(sealer.open(sealed, 'place')).toBe('text')
})

test('it does not open with any bit of any byte changed', () => {
  const bytes = Buffer.from(sealer.seal('text', 'place'), 'base64url')
  for (let at = 0; at < bytes.length; at += 1) {
    for (let bit = 1; bit < 256; bit <<= 1) {
      const changed = Buffer.from(bytes)
      changed.writeUInt8(changed.readUInt8(at) ^ bit, at)
      expect([at, bit, sealer.open(changed.toString('base64url'), 'place')]).toEqual([at, bit, undefined])
    }
  }
})

test('it does not open cut short or made longer, at either end', () => {
  const sealed = sealer.seal('some text', 'place')
  for (let length = 0; length < sealed.length; length += 1) {
    const cut = sealed.slice(0, length)
    // Cutting within the last byte's letters may leave the bytes as they are.
    expect([length, sealer.open(cut, 'place')]).toEqual([length, undefined])
    expect(sealer.open(sealed.slice(length + 1), 'place')).toBeUndefined()
  }
  expect(sealer.open(`${sealed}AAAA`, 'place')).toBeUndefined()
  expect(sealer.open(`AAAA${sealed}`, 'place')).toBeUndefined()
  expect(sealer.open(sealed + sealed, 'place')).toBeUndefined()
})

test('two seals do not open when their parts are mixed', () => {
  const [one, other] = ['first', 'other'].map((text) => Buffer.from(sealer.seal(text, 'place'), 'base64url'))
  for (const at of [1, 5, 17, 33]) {
    const mixed = Buffer.concat([one?.subarray(0, at) ?? [], other?.subarray(at) ?? []] as Buffer[])
    const opened = sealer.open(mixed.toString('base64url'), 'place')
    // Up to the initialisation vector the heads of two seals are the same.
    expect([at, opened]).toEqual([at, at <= 5 ? 'other' : undefined])
  }
})

test.each([
  '',
  ' ',
  'garbage',
  '\u0000',
  'AQ',
  '=',
  '%',
  '{}',
  '漢字',
  'A'.repeat(44),
  'A'.repeat(100_000),
  'AQAAAA'.repeat(20),
])('%j does not open', (garbage) => {
  expect(sealer.open(garbage, 'place')).toBeUndefined()
})

test('a sealer without a secret cannot be made', () => {
  expect(() => createSealer([], 'test')).toThrow(TypeError)
})

test('a secret’s key is not the secret, nor that of any other use', () => {
  const texts = ['a', 'b', 'c'].map((purpose) => createSealer([NEW], purpose).seal('text', 'place'))
  const ids = texts.map((sealed) => Buffer.from(sealed, 'base64url').subarray(1, 5).toString('hex'))
  expect(new Set(ids).size).toBe(3)
})

describe('any text, and any change', () => {
  const COUNT = 2000
  const SECRET = 'the secret of the sealing properties ...'
  const sealer = createSealer([SECRET], 'test')
  const secret = fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 80 })

  const bytesOf = (sealed: string) => Buffer.from(sealed, 'base64url')
  const opens = (bytes: Uint8Array, place = 'place') =>
    sealer.open(Buffer.from(bytes).toString('base64url'), place) !== undefined

  test('any text comes back as it was, from any place, of any purpose and secret', () => {
    holds(COUNT, fc.tuple(anyText(80), anyText(), anyText(), secret), ([text, place, purpose, known]) => {
      const { open, seal } = createSealer([known], purpose)
      return open(seal(text, place), place) === text
    })
  })

  test('texts of any length come back as they were', () => {
    const large = fc.tuple(anyText(20), fc.nat(5_000)).map(([text, times]) => text.repeat(times))
    holds(200, large, (text) => sealer.open(sealer.seal(text, 'place'), 'place') === text)
  })

  test('with any bits flipped it does not open', () => {
    const flips = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), {
      minLength: 1,
      maxLength: 4,
    })
    holds(3 * COUNT, fc.tuple(anyText(), flips), ([text, each]) => {
      const bytes = bytesOf(sealer.seal(text, 'place'))
      const flipped = Buffer.from(bytes)
      for (const [at, bits] of each) {
        const spot = at % bytes.length
        flipped.writeUInt8(flipped.readUInt8(spot) ^ bits, spot)
      }
      return flipped.equals(bytes) || !opens(flipped)
    })
  })

  test('cut anywhere, or lengthened by any bytes, it does not open', () => {
    const splice = fc.tuple(fc.nat(), fc.oneof(fc.constant(0), fc.nat()), fc.uint8Array({ maxLength: 40 }))
    holds(3 * COUNT, fc.tuple(anyText(), splice), ([text, [at, remove, put]]) => {
      const bytes = bytesOf(sealer.seal(text, 'place'))
      const from = at % (bytes.length + 1)
      const spliced = Buffer.concat([bytes.subarray(0, from), put, bytes.subarray(from + remove)])
      return spliced.equals(bytes) || !opens(spliced)
    })
  })

  test('with any letter of it changed it does not open: the same bytes have one spelling', () => {
    const change = anyChange('AQgwBCabc012-_+/= \n')
    holds(3 * COUNT, fc.tuple(anyText(), change), ([text, each]) => {
      const sealed = sealer.seal(text, 'place')
      const other = changed(sealed, each)
      return other === sealed || sealer.open(other, 'place') === undefined
    })
  })

  test('at any other place it does not open', () => {
    holds(COUNT, fc.tuple(anyText(), anyText(), anyChange('place')), ([text, place, change]) => {
      const [sealed, other] = [sealer.seal(text, place), changed(place, change)]
      return other === place || sealer.open(sealed, other) === undefined
    })
  })

  test('for any other purpose, or with any other secret, it does not open', () => {
    const two = fc.tuple(secret, anyChange('secret'), anyText(), anyChange('purpose'))
    holds(COUNT, two, ([known, change, purpose, otherwise]) => {
      const sealed = createSealer([known], purpose).seal('text', 'place')
      const [otherSecret, otherPurpose] = [changed(known, change), changed(purpose, otherwise)]
      return (
        (otherSecret === known || createSealer([otherSecret], purpose).open(sealed, 'place') === undefined) &&
        (otherPurpose === purpose || createSealer([known], otherPurpose).open(sealed, 'place') === undefined)
      )
    })
  })

  test('what any listed secret sealed opens; new seals are the first one’s', () => {
    const secrets = fc.uniqueArray(secret, { minLength: 2, maxLength: 5 })
    holds(COUNT / 2, fc.tuple(secrets, fc.nat(), anyText()), ([known, at, text]) => {
      const age = at % known.length
      const left = known.filter((_, index) => index !== age)
      const sealed = createSealer([known[age] ?? ''], 'test').seal(text, 'place')
      const renewed = createSealer(known, 'test').seal(text, 'place')
      return (
        createSealer(known, 'test').open(sealed, 'place') === text &&
        createSealer(left, 'test').open(sealed, 'place') === undefined &&
        createSealer(known.slice(0, 1), 'test').open(renewed, 'place') === text &&
        createSealer(known.slice(1), 'test').open(renewed, 'place') === undefined
      )
    })
  })

  test('garbage does not open and never throws, with our own head before it too', () => {
    const head = bytesOf(sealer.seal('text', 'place'))
    const bytes = fc.uint8Array({ maxLength: 100 })
    holds(
      COUNT,
      fc.tuple(fc.nat(33), bytes),
      ([kept, rest]) => !opens(Buffer.concat([head.subarray(0, kept), rest])),
    )
    holds(COUNT, fc.tuple(anyText(200), anyText()), ([text, place]) => sealer.open(text, place) === undefined)
  })
})
