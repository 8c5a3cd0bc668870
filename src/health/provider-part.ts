// What is known of a provider, by what those met who asked it for something.
import type { AuthEventEmitter, EventOrigin } from '../events/events.ts'
import type { Provider } from '../provider/provider.ts'
import { backOffAfterUnanswered } from '../renewal/back-off.ts'
import { createPart, type Part } from './part.ts'

/** @param isOfIt what an event is of; without it, every provider's are this one's */
export function createProviderPart(
  { ask }: Pick<Provider, 'ask'>,
  events: AuthEventEmitter,
  isOfIt: (event: EventOrigin) => boolean = () => true,
): Part {
  // While it is up there is traffic to learn from, or nobody who needs it.
  const part = createPart(ask, {
    afterAnswer: Number.POSITIVE_INFINITY,
    afterFailure: backOffAfterUnanswered,
  })
  events.on('provider-unavailable', ({ detail, ...event }) => {
    if (isOfIt(event)) part.failed(detail, backOffAfterUnanswered(1))
  })
  events.on('renewal-failed', ({ outcome, detail, retryAfterSeconds, ...event }) => {
    if (!isOfIt(event)) return
    // Who refuses has answered; it may be about one session only.
    if (outcome === 'refused') part.answered()
    else part.failed(detail, retryAfterSeconds)
  })
  const answered = (event: EventOrigin) => isOfIt(event) && part.answered()
  events.on('renewed', answered)
  events.on('logged-in', answered)
  return part
}
