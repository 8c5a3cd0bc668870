// The current record: stale in, fresh out; one token request however many ask, in one process or in many.
import { randomUUID } from 'node:crypto'
import limit from 'p-limit'
import { type AccessTokenRequest, isSame, OWN_TOKEN, tokenName } from '../access-token.ts'
import { type AuthRecord, accessTokenOf } from '../auth-record.ts'
import type { AuthRecords, LeaseTerms } from '../auth-records/auth-records.ts'
import type { Config } from '../config.ts'
import { withDeadline } from '../deadline.ts'
import { isAuthError } from '../errors.ts'
import type { AuthEventEmitter } from '../events.ts'
import type { Provider } from '../provider.ts'
import { createCommits } from './commits.ts'
import { createPresenter } from './present.ts'
import { createRecordVault } from './record-vault.ts'
import type { Renewal } from './renewal.ts'
import { createWorkBeside } from './work-beside.ts'

export interface Renewer {
  /**
   * A record with a newer access token than `seen` has, or the provider's refusal to give it. Goes on whether or not the
   * caller still waits.
   *
   * @param seen must have a refresh token
   * @param wanted another access token than the one that came with the log-in
   */
  renew(id: string, seen: AuthRecord, wanted?: AccessTokenRequest): Promise<Renewal>
  /** The newest record that this process knows: a renewed one may be waiting to be stored. */
  newest(id: string, found: AuthRecord): AuthRecord
  /** Runs work that no request waits for. */
  beside(work: Promise<unknown>): void
  /** Resolves when no renewal is in flight and none waits to be stored; after `seconds` the latter are given up. */
  idle(seconds: number): Promise<void>
}

const WATCH_MILLISECONDS = 25
/** A holder that is alive tries to store at least every second, so after this it is clear that it is not. */
const PATIENCE_SECONDS = 5

export function createRenewer(
  config: Config,
  records: AuthRecords,
  provider: Provider,
  events: AuthEventEmitter,
): Renewer {
  const { timeoutSeconds, maxConcurrent } = config.renewal
  const inFlight = new Map<string, Promise<Renewal>>()
  const beside = createWorkBeside()
  const commits = createCommits(records, createRecordVault(), events, revoke, beside)
  const presenter = createPresenter({ config, records, provider, events, commits, revoke })
  const atOnce = limit(maxConcurrent)
  const terms: LeaseTerms = {
    // Longer than the request to the provider and the commands to Redis around it, each with its own deadline.
    seconds: timeoutSeconds + 2 * config.redisTimeoutSeconds + 1,
    reuseSeconds: config.renewal.providerReuseSeconds,
    patienceSeconds: PATIENCE_SECONDS,
  }

  return {
    renew(id, seen, wanted = {}) {
      const key = `${id} ${tokenName(wanted)}`
      const running = inFlight.get(key)
      if (running !== undefined) return running
      const renewal = obtain(id, seen, wanted)
        .catch((error: unknown): Renewal => {
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

    newest: commits.newest,

    beside: beside.run,

    async idle(seconds) {
      const settled = Promise.allSettled(inFlight.values()).then(beside.done)
      await withDeadline(settled, seconds, commits.abandon)
      // What is abandoned ends within a second; a provider that is told of a log-out may take longer than that.
      await withDeadline(beside.done(), 2, () => undefined)
    },
  }

  /** Takes the lease and renews, or waits for whoever has it. */
  async function obtain(id: string, asked: AuthRecord, wanted: AccessTokenRequest): Promise<Renewal> {
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
  ): Promise<Renewal | Meanwhile> {
    const lease = await records.acquire(id, seen.generation, owner, terms)
    switch (lease.kind) {
      case 'granted':
        return presenter.present(id, seen, wanted, owner, lease.now)
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

  function revoke(refreshToken: string | undefined): void {
    if (refreshToken !== undefined) beside.run(provider.revoke(refreshToken))
  }
}

/** What others did: they are renewing, or they have. */
type Meanwhile = { readonly kind: 'held' } | { readonly kind: 'newer'; readonly record: AuthRecord }

/** Others may have renewed for the sake of another access token. */
function brings(record: AuthRecord, asked: AuthRecord, wanted: AccessTokenRequest): boolean {
  const name = tokenName(wanted)
  if (name === OWN_TOKEN && record.renewedAt > asked.renewedAt) return true
  return !isSame(accessTokenOf(record, name), accessTokenOf(asked, name))
}
