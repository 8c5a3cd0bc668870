// Properties by fast-check: the same cases in every run, others by PROPERTY_SEED. What fails names its seed.
import fc from 'fast-check'

const SEED = Number(process.env.PROPERTY_SEED ?? 20_260_101)

/** Fails with seed, number and the smallest case of which `check` does not say true. (`expect` is slow for thousands.) */
export function holds<Case>(cases: number, every: fc.Arbitrary<Case>, check: (one: Case) => boolean): void {
  fc.assert(fc.property(every, check), { seed: SEED, numRuns: cases })
}

/** Said with its inverse, so that fast-check puts its nasty words in; its own unit of that kind fills a Map of a million first. */
const character = fc.nat(0x10ffff - 0x800).map(
  (at) => String.fromCodePoint(at < 0xd800 ? at : at + 0x800),
  (text) => {
    const code = typeof text === 'string' && [...text].length === 1 ? (text.codePointAt(0) ?? -1) : -1
    if (code < 0 || (code >= 0xd800 && code < 0xe000)) throw new Error('not a whole character')
    return code < 0xd800 ? code : code - 0x800
  },
)

/** Text of whole characters, of any script: what UTF-8 can hold. */
export const anyText = (maxLength = 40) => fc.string({ unit: character, maxLength })

export interface Change {
  at: number
  /** how much of the text goes, from there on */
  remove: number
  /** what comes in its place; undefined: the letter in the other case */
  put: string | undefined
}

/** Replaced, inserted, left out, cut off, put before or behind, in other case: with letters of the alphabet or any. */
export function anyChange(alphabet: string): fc.Arbitrary<Change> {
  const letter = fc.oneof(fc.constantFrom(...alphabet), anyText(1))
  return fc.record({
    at: fc.nat(),
    remove: fc.oneof(fc.constantFrom(0, 1, 2), fc.nat()),
    put: fc.option(
      fc.array(letter, { maxLength: 3 }).map((letters) => letters.join('')),
      { nil: undefined },
    ),
  })
}

/** The text after that change; now and then it is the same. */
export function changed(text: string, { at, remove, put }: Change): string {
  const from = at % (text.length + 1)
  const [before, letter, after] = [text.slice(0, from), text.charAt(from), text.slice(from + 1)]
  if (put !== undefined) return before + put + text.slice(from + remove)
  return before + (letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase()) + after
}
