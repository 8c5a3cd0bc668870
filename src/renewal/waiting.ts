// How long a request waits for a renewal.
import { withDeadline } from '../deadline.ts'
import type { Renewal } from './renewal.ts'

/** Time for the store's commands around a renewal, on top of the renewal's own deadline. */
const MARGIN_SECONDS = 1

/** The renewal goes on when the request stops waiting for it. */
export function waitFor(renewal: Promise<Renewal>, timeoutSeconds: number): Promise<Renewal> {
  return withDeadline(renewal, timeoutSeconds + MARGIN_SECONDS, () => ({
    kind: 'unavailable',
    because: 'pending',
    retryAfterSeconds: 1,
  }))
}
