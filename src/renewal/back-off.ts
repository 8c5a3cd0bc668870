// How long a provider is left alone that did not renew.
import type { BackOff } from '../store/store.ts'

const FIRST_SECONDS = 5
const LONGEST_SECONDS = 60

/** @param askedSeconds by the provider's `Retry-After` */
export function backOffAfterFailure(askedSeconds: number | undefined): BackOff {
  return {
    firstSeconds: FIRST_SECONDS,
    longestSeconds: LONGEST_SECONDS,
    share: 0.5 + Math.random() / 2,
    askedSeconds,
  }
}

/** @returns seconds after so many ID tokens in a row that did not pass */
export function backOffAfterRefusals(count: number): number {
  return FIRST_SECONDS * 2 ** Math.max(0, count - 1)
}

/** @returns seconds after so many times in a row that it did not answer whoever only asked whether it does */
export function backOffAfterUnanswered(count: number): number {
  return Math.min(backOffAfterRefusals(count), LONGEST_SECONDS)
}
