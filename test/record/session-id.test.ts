// Session ids: nobody guesses one, and each says which kind of session it names.
import { createAnonymousId, createLoggedInId, isLoggedInId } from '../../src/record/session-id.ts'

test.each([
  ['logged-in', createLoggedInId, /^s-[\w-]{43}$/, true],
  ['anonymous', createAnonymousId, /^a-[\w-]{43}$/, false],
])('an id of a %s session has 256 random bits and says what it is', (_kind, create, form, loggedIn) => {
  const ids = Array.from({ length: 2000 }, create)
  expect(new Set(ids).size).toBe(2000)
  for (const id of ids) {
    expect(id).toMatch(form)
    expect(isLoggedInId(id)).toBe(loggedIn)
  }
  // Every bit of the 32 bytes is on in some and off in others.
  const bytes = ids.map((id) => Buffer.from(id.slice(2), 'base64url'))
  for (let bit = 0; bit < 256; bit += 1) {
    const share = bytes.filter((one) => (one[bit >> 3] ?? 0) & (1 << (bit & 7))).length / ids.length
    expect([bit, Math.abs(share - 0.5) < 0.1]).toEqual([bit, true])
  }
})

test.each(['', 's', 'S-abc', 'a-s-abc', ' s-abc', 'abc'])('%j names no logged-in session', (id) => {
  expect(isLoggedInId(id)).toBe(false)
})
