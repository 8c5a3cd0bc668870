// Whether the provider and the store can be used: both are asked, and whoever starts the app hears of all that is wrong.
import { TryLaterError } from '../errors/errors.ts'

/** @throws what the first threw, before the second's: where both may pass, with the causes of both */
export async function bothReady(...asked: readonly [Promise<void>, Promise<void>]): Promise<void> {
  const outcomes = await Promise.allSettled(asked)
  const errors = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []))
  const [first, second] = errors
  if (first === undefined) return
  if (!(first instanceof TryLaterError && second instanceof TryLaterError)) throw first
  const causes = [first, second].map(({ cause }) => (cause instanceof Error ? cause.message : ''))
  const { code, message, retryAfterSeconds } = first
  throw new TryLaterError(code, message, retryAfterSeconds, { cause: new Error(causes.join('; ')) })
}
