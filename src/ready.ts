// Whether the provider and the store can be used: both are asked, and whoever starts the app hears of all that is wrong.
import { ConfigurationError, TryLaterError } from './errors.ts'

/** @throws ConfigurationError, which no waiting mends; else TryLaterError whose cause tells of each */
export async function bothReady(...asked: readonly Promise<void>[]): Promise<void> {
  const outcomes = await Promise.allSettled(asked)
  const errors = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []))
  const [first, second] = errors
  if (first === undefined) return
  const lasting = errors.find((error) => error instanceof ConfigurationError)
  if (lasting !== undefined || !(first instanceof TryLaterError && second instanceof TryLaterError))
    throw lasting ?? first
  const causes = [first, second].map(({ cause }) => (cause instanceof Error ? cause.message : ''))
  const { code, message, retryAfterSeconds } = first
  throw new TryLaterError(code, message, retryAfterSeconds, { cause: new Error(causes.join('; ')) })
}
