// Sealed text opens with a known secret, for its purpose, at its place, as it was, and in no other way.
import { createSealer } from '../../src/lib/seal.ts'

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
