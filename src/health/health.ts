// Whether this process can serve: what is known of the store and of the provider, without asking them each time.
import type { AuthEventEmitter } from '../events/events.ts'
import { withDeadline } from '../lib/deadline.ts'
import type { Provider } from '../provider/provider.ts'
import type { Renewer } from '../renewal/renew.ts'
import type { SessionStores } from '../store/session-stores.ts'
import { createPart, type PartHealth } from './part.ts'
import { createProviderPart } from './provider-part.ts'

type ProviderHealth = PartHealth & { readonly retryAfterSeconds?: number }

/** What `health()` answers. */
export interface Health {
  /** People who are logged in can be served here: the store answers, and `close()` was not called. The provider has no part in it. */
  readonly ok: boolean
  /** Redis, or the memory of the process. */
  readonly store: PartHealth
  /**
   * `retryAfterSeconds`: while it is down, `health()` asks it again no sooner. With `tenant` it is `unknown`: each tenant has its own.
   */
  readonly provider: ProviderHealth
  /** Of several, each by its name in the option; then `provider` is the worst of them. */
  readonly providers?: Readonly<Record<string, ProviderHealth>>
  readonly renewals: {
    /** They wait for the provider, or for another process that renews. */
    readonly inFlight: number
    /** The store did not take their new tokens yet, and nobody else has them: this process should not be killed now. */
    readonly waitingForStore: number
  }
  /** With `tenant`: how many are known, and how many could not be looked up just now. None of them makes this process unfit. */
  readonly tenants?: { readonly known: number; readonly unavailable: number }
  /** `close()` was called. */
  readonly closing: boolean
}

export interface HealthCheck {
  health(): Promise<Health>
  /** Nobody is asked any more. */
  close(): void
}

/** Less than a probe waits: Kubernetes gives it a second. */
export const LONGEST_WAIT_SECONDS = 0.5
/** Between two questions to the store, which costs one command. */
const STORE_REST_SECONDS = 2

/**
 * @param provider undefined where each tenant has its own: none of them says anything of this process
 * @internal
 */
export function createHealthCheck(
  store: Pick<SessionStores, 'now'>,
  provider: Pick<Provider, 'ask'> | undefined,
  underWay: Renewer['underWay'],
  events: AuthEventEmitter,
  tenants?: () => NonNullable<Health['tenants']>,
): HealthCheck {
  const ofStore = createPart(store.now, {
    afterAnswer: STORE_REST_SECONDS,
    afterFailure: () => STORE_REST_SECONDS,
  })
  const ofProvider =
    provider === undefined
      ? createProviderPart({ ask: async () => {} }, events, () => false)
      : createProviderPart(provider, events)
  let closing = false

  // That may have been one command alone: the next question says.
  events.on('store-unavailable', ({ detail }) => ofStore.failed(detail, 0))

  return {
    async health() {
      if (!closing) {
        const asked = Promise.all([ofStore.askIfDue(), provider && ofProvider.askIfDue()])
        await withDeadline(asked, LONGEST_WAIT_SECONDS, () => undefined)
      }
      const known = ofStore.health()
      return {
        ok: known.status === 'up' && !closing,
        store: known,
        provider: { ...ofProvider.health(), ...ofProvider.rest() },
        renewals: underWay(),
        ...(tenants && { tenants: tenants() }),
        closing,
      }
    },

    close() {
      closing = true
    },
  }
}
