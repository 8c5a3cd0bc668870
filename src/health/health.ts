// Whether this process can serve: what is known of the store and of the provider, without asking them each time.
import type { AuthEventEmitter } from '../events.ts'
import { withDeadline } from '../lib/deadline.ts'
import type { Provider } from '../provider/provider.ts'
import { backOffAfterUnanswered } from '../renewal/back-off.ts'
import type { Renewer } from '../renewal/renew.ts'
import type { SessionStores } from '../store/session-stores.ts'
import { createPart, type PartHealth } from './part.ts'

/** What `health()` answers. */
export interface Health {
  /** People who are logged in can be served here: the store answers, and `close()` was not called. The provider has no part in it. */
  readonly ok: boolean
  /** Redis, or the memory of the process. */
  readonly store: PartHealth
  /** `retryAfterSeconds`: while it is down, `health()` asks it again no sooner. */
  readonly provider: PartHealth & { readonly retryAfterSeconds?: number }
  readonly renewals: {
    /** They wait for the provider, or for another process that renews. */
    readonly inFlight: number
    /** The store did not take their new tokens yet, and nobody else has them: this process should not be killed now. */
    readonly waitingForStore: number
  }
  /** `close()` was called. */
  readonly closing: boolean
}

export interface HealthCheck {
  health(): Promise<Health>
  /** Nobody is asked any more. */
  close(): void
}

/** Less than a probe waits: Kubernetes gives it a second. */
const LONGEST_WAIT_SECONDS = 0.5
/** Between two questions to the store, which costs one command. */
const STORE_REST_SECONDS = 2

/** @internal */
export function createHealthCheck(
  store: Pick<SessionStores, 'now'>,
  provider: Provider,
  renewer: Pick<Renewer, 'underWay'>,
  events: AuthEventEmitter,
): HealthCheck {
  const ofStore = createPart(store.now, {
    afterAnswer: STORE_REST_SECONDS,
    afterFailure: () => STORE_REST_SECONDS,
  })
  // While it is up there is traffic to learn from, or nobody who needs it.
  const ofProvider = createPart(provider.ask, {
    afterAnswer: Number.POSITIVE_INFINITY,
    afterFailure: backOffAfterUnanswered,
  })
  let closing = false

  // That may have been one command alone: the next question says.
  events.on('store-unavailable', ({ detail }) => ofStore.failed(detail, 0))
  events.on('provider-unavailable', ({ detail }) => ofProvider.failed(detail, backOffAfterUnanswered(1)))
  events.on('renewal-failed', ({ outcome, detail, retryAfterSeconds }) => {
    // Who refuses has answered; it may be about one session only.
    if (outcome === 'refused') ofProvider.answered()
    else ofProvider.failed(detail, retryAfterSeconds)
  })
  events.on('renewed', ofProvider.answered)
  events.on('logged-in', ofProvider.answered)

  return {
    async health() {
      if (!closing) {
        const asked = Promise.all([ofStore.askIfDue(), ofProvider.askIfDue()])
        await withDeadline(asked, LONGEST_WAIT_SECONDS, () => undefined)
      }
      const known = ofStore.health()
      return {
        ok: known.status === 'up' && !closing,
        store: known,
        provider: { ...ofProvider.health(), ...ofProvider.rest() },
        renewals: renewer.underWay(),
        closing,
      }
    },

    close() {
      closing = true
    },
  }
}
