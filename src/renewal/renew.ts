// The current record: stale in, fresh out; one token request however many ask, in one process or in many.
import { randomUUID } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import limit from 'p-limit'
import { isAuthError } from '../errors/errors.ts'
import type { AuthEventEmitter } from '../events/events.ts'
import type { Operations, RenewalTrigger } from '../events/operations.ts'
import type { BackgroundTasks } from '../lib/background-tasks.ts'
import { withDeadline } from '../lib/deadline.ts'
import type { Config } from '../options/config.ts'
import type { Provider } from '../provider/provider.ts'
import { type AccessTokenRequest, isSame, LOGIN_TOKEN, tokenKey } from '../record/access-token.ts'
import { type AuthRecord, accessTokenOf } from '../record/auth-record.ts'
import type { LeaseTerms, SessionStore } from '../store/store.ts'
import { createAskApp } from './after-renewal.ts'
import { withLease } from './lease.ts'
import { createOpenRequests } from './open-requests.ts'
import { createPendingRecords } from './pending-records.ts'
import { createRefresh } from './refresh.ts'
import { endOf, type RenewalResult } from './renewal-result.ts'
import { tellOfWait } from './wait-event.ts'
import { createWriteBehind } from './write-behind.ts'

export interface RenewalRequest {
  readonly id: string
  /** Must have a refresh token. */
  readonly seen: AuthRecord
  readonly trigger: RenewalTrigger
  /** Another access token than the one that came with the login. */
  readonly wanted?: AccessTokenRequest | undefined
}

export interface Renewer {
  /**
   * A record with a newer access token than `seen` has, or the provider's refusal to give it. The answer comes at
   * `renewal.timeoutSeconds` at the latest; what was begun goes on, and whoever asks meanwhile is answered at once.
   */
  renew(asked: RenewalRequest): Promise<RenewalResult>
  /** The newest record that this process knows: a renewed one may be waiting to be stored. */
  newest(id: string, found: AuthRecord): AuthRecord
  underWay(): RenewalsUnderWay
  /** Resolves when no renewal is in flight and none waits to be stored; what is left is given up within `seconds`. */
  idle(seconds: number): Promise<void>
}

export interface RenewalsUnderWay {
  readonly inFlight: number
  /** The store did not take their new tokens yet: nobody else has them. */
  readonly waitingForStore: number
}

const WATCH_MILLISECONDS = 25
/** A holder that is alive tries to store at least every second, so after this it is clear that it is not. */
const PATIENCE_SECONDS = 5
/** Requests that are given up, and leases that are given back, take so long at the end of the process. */
const LAST_SECONDS = 2

const PENDING: RenewalResult = { kind: 'unavailable', because: 'pending', retryAfterSeconds: 1 }

interface InFlight {
  readonly renewal: Promise<RenewalResult>
  readonly answer: Promise<RenewalResult>
}

interface RenewerServices {
  readonly config: Pick<Config, 'renewal' | 'afterRenewal' | 'redisTimeoutSeconds' | 'logger'>
  readonly store: SessionStore
  readonly provider: Provider
  readonly events: AuthEventEmitter
  readonly operations: Operations
  readonly tasks: BackgroundTasks
}

export function createRenewer({
  config,
  store,
  provider,
  events,
  operations,
  tasks,
}: RenewerServices): Renewer {
  const { timeoutSeconds, requestTimeoutSeconds, maxConcurrent } = config.renewal
  const inFlight = new Map<string, InFlight>()
  const writeBehind = createWriteBehind(store, createPendingRecords(), provider, events, tasks)
  const askApp = createAskApp(config, store, events)
  const refresh = createRefresh({ store, provider, events, writeBehind, askApp })
  const requests = createOpenRequests()
  const atOnce = limit(maxConcurrent)
  const terms: LeaseTerms = {
    // No longer than a successor may have to wait for it: whoever holds it extends it.
    seconds: timeoutSeconds + 2 * config.redisTimeoutSeconds + 1,
    reuseSeconds: config.renewal.providerReuseSeconds,
    patienceSeconds: PATIENCE_SECONDS,
    overdueSeconds: timeoutSeconds,
  }

  return {
    renew(asked) {
      const answer = answerTo(asked)
      tellOfWait(events, asked.trigger, answer)
      return answer
    },

    newest: writeBehind.newest,

    underWay: () => ({ inFlight: inFlight.size, waitingForStore: writeBehind.waiting() }),

    async idle(seconds) {
      const renewals = [...inFlight.values()].map(({ renewal }) => renewal)
      const settled = Promise.allSettled(renewals).then(tasks.done)
      await withDeadline(settled, seconds - LAST_SECONDS, () => {
        requests.giveUp()
        writeBehind.abandon()
      })
      // A provider that is told of a logout may take longer than that.
      await withDeadline(settled, LAST_SECONDS, () => undefined)
    },
  }

  function answerTo(asked: RenewalRequest): Promise<RenewalResult> {
    const key = `${asked.id} ${tokenKey(asked.wanted ?? {})}`
    const running = inFlight.get(key)
    if (running !== undefined) return running.answer
    const renewal = obtain(asked)
      .catch((error: unknown): RenewalResult => {
        if (!isAuthError(error)) throw error
        return {
          kind: 'unavailable',
          because: error.code === 'store_unavailable' ? 'store' : 'provider',
          retryAfterSeconds: 'retryAfterSeconds' in error ? error.retryAfterSeconds : 1,
        }
      })
      .finally(() => inFlight.delete(key))
    const answer = withDeadline(renewal, timeoutSeconds, () => PENDING)
    inFlight.set(key, { renewal, answer })
    return answer
  }

  /** Takes the lease and renews, or waits for whoever has it. */
  async function obtain(asked: RenewalRequest): Promise<RenewalResult> {
    // Before the lease, so that a slow discovery does not use up its time.
    await provider.ready()
    const owner = randomUUID()
    const waitUntil = performance.now() + timeoutSeconds * 1000
    for (let { seen } = asked; ; ) {
      // Whoever waits for another process does not take a place from those who talk to the provider.
      const outcome = await atOnce(() => attempt({ ...asked, seen }, owner))
      if (outcome.kind === 'newer' && brings(outcome.record, asked)) {
        return { kind: 'renewed', record: outcome.record }
      }
      if (outcome.kind !== 'newer' && outcome.kind !== 'held') return outcome
      if (performance.now() > waitUntil) return PENDING
      if (outcome.kind === 'newer') seen = outcome.record
      else await setTimeout(WATCH_MILLISECONDS)
    }
  }

  async function attempt(
    { id, seen, trigger, wanted = {} }: RenewalRequest,
    owner: string,
  ): Promise<RenewalResult | Meanwhile> {
    const askedAt = performance.now()
    const lease = await store.acquire(id, seen.generation, owner, terms)
    switch (lease.kind) {
      case 'granted': {
        // A process that was paused here wakes with a lease that is over, and perhaps another's.
        if (performance.now() - askedAt > terms.seconds * 1000) return { kind: 'held' }
        const turn = { id, seen, owner, beganAt: lease.now }
        // Longer than anybody waits: the provider may have rotated, and an answer that nobody hears logs the person out.
        const request = () =>
          requests.within(requestTimeoutSeconds, (deadline) => refresh({ ...turn, deadline }, wanted))
        const work = () => withLease(store, turn, terms.seconds, request)
        return operations.run({ name: 'renewal', trigger, ...events.origin }, work, endOf)
      }
      case 'renewed':
        return { kind: 'newer', record: lease.record }
      case 'gone':
        return { kind: 'ended', reason: undefined }
      case 'backing-off':
        return { kind: 'unavailable', because: 'provider', retryAfterSeconds: lease.retryAfterSeconds }
      case 'held':
        return { kind: 'held' }
      case 'overdue':
        return PENDING
    }
  }
}

/** What others did: they are renewing, or they have. */
type Meanwhile = { readonly kind: 'held' } | { readonly kind: 'newer'; readonly record: AuthRecord }

/** Others may have renewed for the sake of another access token. */
function brings(record: AuthRecord, { seen, wanted = {} }: RenewalRequest): boolean {
  const name = tokenKey(wanted)
  if (name === LOGIN_TOKEN && record.renewedAt > seen.renewedAt) return true
  return !isSame(accessTokenOf(record, name), accessTokenOf(seen, name))
}
