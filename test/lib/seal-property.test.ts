// The seal against any text and any change: it opens as it was sealed, where and for what it was, or not at all.
import fc from 'fast-check'
import { createSealer } from '../../src/lib/seal.ts'
import { anyChange, anyText, changed, holds } from '../support/property.ts'

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
  const large = fc.tuple(anyText(20), fc.nat(20_000)).map(([text, times]) => text.repeat(times))
  holds(200, large, (text) => sealer.open(sealer.seal(text, 'place'), 'place') === text)
})

test('with any bits flipped it does not open', () => {
  const flips = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 4 })
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
