// The current record: stale in, fresh out; one token request however many ask, in one process or in many.
import { randomUUID } from 'node:crypto'
import limit from 'p-limit'
import { isAuthError } from '../errors.ts'
import type { AuthEventEmitter } from '../events.ts'
import type { BackgroundTasks } from '../lib/background-tasks.ts'
import { withDeadline } from '../lib/deadline.ts'
import type { Config } from '../options/config.ts'
import type { Provider } from '../provider/provider.ts'
import { type AccessTokenRequest, isSame, LOGIN_TOKEN, tokenKey } from '../record/access-token.ts'
import { type AuthRecord, accessTokenOf } from '../record/auth-record.ts'
import type { LeaseTerms, SessionStore } from '../store/store.ts'
import { createPendingRecords } from './pending-records.ts'
import { createRefresh } from './refresh.ts'
import type { RenewalResult } from './renewal-result.ts'
import { createWriteBehind } from './write-behind.ts'

export interface Renewer {
  /**
   * A record with a newer access token than `seen` has, or the provider's refusal to give it. Goes on whether or not the
   * caller still waits.
   *
   * @param seen must have a refresh token
   * @param wanted another access token than the one that came with the login
   */
  renew(id: string, seen: AuthRecord, wanted?: AccessTokenRequest): Promise<RenewalResult>
  /** The newest record that this process knows: a renewed one may be waiting to be stored. */
  newest(id: string, found: AuthRecord): AuthRecord
  /** Resolves when no renewal is in flight and none waits to be stored; after `seconds` the latter are given up. */
  idle(seconds: number): Promise<void>
}

const WATCH_MILLISECONDS = 25
/** A holder that is alive tries to store at least every second, so after this it is clear that it is not. */
const PATIENCE_SECONDS = 5

export function createRenewer(
  config: Config,
  store: SessionStore,
  provider: Provider,
  events: AuthEventEmitter,
  tasks: BackgroundTasks,
): Renewer {
  const { timeoutSeconds, maxConcurrent } = config.renewal
  const inFlight = new Map<string, Promise<RenewalResult>>()
  const writeBehind = createWriteBehind(store, createPendingRecords(), provider, events, tasks)
  const refreshUnderLease = createRefresh({ config, store, provider, events, writeBehind })
  const atOnce = limit(maxConcurrent)
  const terms: LeaseTerms = {
    // Longer than the request to the provider and the commands to Redis around it, each with its own deadline.
    seconds: timeoutSeconds + 2 * config.redisTimeoutSeconds + 1,
    reuseSeconds: config.renewal.providerReuseSeconds,
    patienceSeconds: PATIENCE_SECONDS,
  }

  return {
    renew(id, seen, wanted = {}) {
      const key = `${id} ${tokenKey(wanted)}`
      const running = inFlight.get(key)
      if (running !== undefined) return running
      const renewal = obtain(id, seen, wanted)
        .catch((error: unknown): RenewalResult => {
          if (!isAuthError(error)) throw error
          return {
            kind: 'unavailable',
            because: error.code === 'store_unavailable' ? 'store' : 'provider',
            retryAfterSeconds: 'retryAfterSeconds' in error ? error.retryAfterSeconds : 1,
          }
        })
        .finally(() => inFlight.delete(key))
      inFlight.set(key, renewal)
      return renewal
    },

    newest: writeBehind.newest,

    async idle(seconds) {
      const settled = Promise.allSettled(inFlight.values()).then(tasks.done)
      await withDeadline(settled, seconds, writeBehind.abandon)
      // What is abandoned ends within a second; a provider that is told of a logout may take longer than that.
      await withDeadline(tasks.done(), 2, () => undefined)
    },
  }

  /** Takes the lease and renews, or waits for whoever has it. */
  async function obtain(id: string, asked: AuthRecord, wanted: AccessTokenRequest): Promise<RenewalResult> {
    // Before the lease, so that a slow discovery does not use up its time.
    await provider.ready()
    const owner = randomUUID()
    const waitUntil = performance.now() + timeoutSeconds * 1000
    for (let seen = asked; ; ) {
      // Whoever waits for another process does not take a place from those who talk to the provider.
      const outcome = await atOnce(() => attempt(id, seen, wanted, owner))
      if (outcome.kind === 'newer' && brings(outcome.record, asked, wanted)) {
        return { kind: 'renewed', record: outcome.record }
      }
      if (outcome.kind !== 'newer' && outcome.kind !== 'held') return outcome
      if (performance.now() > waitUntil)
        return { kind: 'unavailable', because: 'pending', retryAfterSeconds: 1 }
      if (outcome.kind === 'newer') seen = outcome.record
      else await new Promise((resolve) => setTimeout(resolve, WATCH_MILLISECONDS))
    }
  }

  async function attempt(
    id: string,
    seen: AuthRecord,
    wanted: AccessTokenRequest,
    owner: string,
  ): Promise<RenewalResult | Meanwhile> {
    const lease = await store.acquire(id, seen.generation, owner, terms)
    switch (lease.kind) {
      case 'granted':
        return refreshUnderLease({ id, seen, owner, beganAt: lease.now }, wanted)
      case 'renewed':
        return { kind: 'newer', record: lease.record }
      case 'gone':
        return { kind: 'ended', reason: undefined }
      case 'backing-off':
        return { kind: 'unavailable', because: 'provider', retryAfterSeconds: lease.retryAfterSeconds }
      case 'held':
        return { kind: 'held' }
    }
  }
}

/** What others did: they are renewing, or they have. */
type Meanwhile = { readonly kind: 'held' } | { readonly kind: 'newer'; readonly record: AuthRecord }

/** Others may have renewed for the sake of another access token. */
function brings(record: AuthRecord, asked: AuthRecord, wanted: AccessTokenRequest): boolean {
  const name = tokenKey(wanted)
  if (name === LOGIN_TOKEN && record.renewedAt > asked.renewedAt) return true
  return !isSame(accessTokenOf(record, name), accessTokenOf(asked, name))
}

/** Time for the store's commands around a renewal, on top of the renewal's own deadline. */
const MARGIN_SECONDS = 1

/** The renewal goes on when the request stops waiting for it. */
export function waitForRenewal(
  renewal: Promise<RenewalResult>,
  timeoutSeconds: number,
): Promise<RenewalResult> {
  return withDeadline(renewal, timeoutSeconds + MARGIN_SECONDS, () => ({
    kind: 'unavailable',
    because: 'pending',
    retryAfterSeconds: 1,
  }))
}
