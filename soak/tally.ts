// What was done in a soak, and what went wrong in it: both counted by their kinds.

export interface Tally {
  /** how often each fault was made: all kinds from the beginning on, so that one that never came is seen */
  readonly faults: Readonly<Record<string, number>>
  /** how often each kind of what may not be was seen */
  readonly wrongs: Readonly<Record<string, number>>
  /** the first of each kind */
  readonly examples: readonly string[]
  made(fault: string): void
  wrong(kind: string, detail: string): void
}

const MOST_EXAMPLES = 5

export function createTally(kinds: readonly string[]): Tally {
  const faults: Record<string, number> = Object.fromEntries(kinds.map((kind) => [kind, 0]))
  const wrongs: Record<string, number> = {}
  const examples: string[] = []
  return {
    faults,
    wrongs,
    examples,
    made(fault) {
      faults[fault] = (faults[fault] ?? 0) + 1
    },
    wrong(kind, detail) {
      const before = wrongs[kind] ?? 0
      wrongs[kind] = before + 1
      if (before < MOST_EXAMPLES) examples.push(`${kind}: ${detail}`)
    },
  }
}
