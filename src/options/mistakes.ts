// Gathers the mistakes of a set-up, so that a start that fails names all of them.
import { ConfigurationError } from '../errors/errors.ts'

export interface Mistakes {
  /**
   * @param standIn what others are checked with in its place, where it is wrong: none of them is told for its sake
   * @returns what was resolved; where it is wrong, nobody sees it: `end()` throws
   */
  attempt<T>(resolve: () => T, standIn?: () => NoInfer<T>): T
  /** The same list. @param words what is wrong, as it is told: where the same option may stand in several places, in which */
  saidBy(words: (fault: string) => string): Mistakes
  /** @throws ConfigurationError with every mistake */
  end(): void
}

export const PREFIX = 'auth(): '

/** What is wrong, without saying where: for a sentence that says so itself. */
export function faultOf(error: unknown): string {
  return (error as Error).message.replace(PREFIX, '')
}

export function createMistakes(): Mistakes {
  return gather([], (fault) => fault)
}

function gather(found: ConfigurationError[], words: (fault: string) => string): Mistakes {
  function note(error: ConfigurationError): void {
    const fault = faultOf(error)
    const told = words(fault)
    // What all providers take from one place is wrong once.
    if (found.some((other) => faultOf(other) === told)) return
    found.push(told === fault ? error : new ConfigurationError('invalid_option', PREFIX + told))
  }

  return {
    attempt<T>(resolve: () => T, standIn?: () => NoInfer<T>): T {
      try {
        return resolve()
      } catch (error) {
        if (!(error instanceof ConfigurationError)) throw error
        note(error)
        return standIn?.() as T
      }
    },

    saidBy: (others) => gather(found, others),

    end() {
      const [first] = found
      if (first === undefined) return
      if (found.length === 1) throw first
      throw optionsWrong(found.map(faultOf))
    },
  }
}

/** @param faults one at least */
export function optionsWrong(faults: readonly string[]): ConfigurationError {
  const title = `${PREFIX}${faults.length} options need a change:`
  const lines = [title, ...faults.map((fault) => `- ${fault}`)]
  const all = faults.length === 1 ? `${PREFIX}${faults[0]}` : lines.join('\n')
  return new ConfigurationError('invalid_option', all)
}
