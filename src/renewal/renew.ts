// The current record: stale in, fresh out; one token request however many ask, in one process or in many.
import { randomUUID } from 'node:crypto'
import { type AuthRecord, renewed, renewedClaimMismatch } from '../auth-record.ts'
import type { AuthRecords } from '../auth-records/auth-records.ts'
import type { Config } from '../config.ts'
import { isAuthError } from '../errors.ts'
import type { AuthEventEmitter, SessionEndReason } from '../events.ts'
import type { Provider, RefreshAnswer } from '../provider.ts'
import { createCommits, type Stored } from './commits.ts'
import { createWorkBeside } from './work-beside.ts'

/** What asking for a renewal comes to. */
export type Renewal =
  | Stored
  /** The session is kept; the record that was there may still serve. */
  | {
      readonly kind: 'unavailable'
      readonly because: 'store' | 'provider' | 'pending'
      readonly retryAfterSeconds: number
    }

export interface Renewer {
  /**
   * A record of a later generation than `seen`. Goes on whether or not the caller still waits.
   *
   * @param seen must have a refresh token
   */
  renew(id: string, seen: AuthRecord): Promise<Renewal>
  /** The newest record that this process knows: a renewed one may be waiting to be stored. */
  newest(id: string, found: AuthRecord): AuthRecord
  /** Runs work that no request waits for. */
  beside(work: Promise<unknown>): void
  /** Resolves when no renewal is in flight any more; each is bounded in time. */
  idle(): Promise<void>
}

/** What a lease outlives the provider's deadline by: the commands to Redis around it, each with its own deadline. */
const LEASE_MARGIN_SECONDS = 6
const WATCH_MILLISECONDS = 25
const BACK_OFF_SECONDS = 5

export function createRenewer(
  config: Config,
  records: AuthRecords,
  provider: Provider,
  events: AuthEventEmitter,
): Renewer {
  const { timeoutSeconds } = config.renewal
  const inFlight = new Map<string, Promise<Renewal>>()
  const beside = createWorkBeside()
  const commits = createCommits(records, events, revoke, beside)

  return {
    renew(id, seen) {
      const running = inFlight.get(id)
      if (running !== undefined) return running
      const renewal = obtain(id, seen)
        .catch((error: unknown): Renewal => {
          if (!isAuthError(error)) throw error
          return {
            kind: 'unavailable',
            because: error.code === 'store_unavailable' ? 'store' : 'provider',
            retryAfterSeconds: 'retryAfterSeconds' in error ? error.retryAfterSeconds : 1,
          }
        })
        .finally(() => inFlight.delete(id))
      inFlight.set(id, renewal)
      return renewal
    },

    newest: commits.newest,

    beside: beside.run,

    async idle() {
      await Promise.allSettled(inFlight.values())
      await beside.done()
    },
  }

  /** Takes the lease and renews, or waits for whoever has it. */
  async function obtain(id: string, seen: AuthRecord): Promise<Renewal> {
    // Before the lease, so that a slow discovery does not use up its time.
    await provider.ready()
    const owner = randomUUID()
    const waitUntil = performance.now() + timeoutSeconds * 1000
    for (;;) {
      const lease = await records.acquire(id, seen.generation, owner, timeoutSeconds + LEASE_MARGIN_SECONDS)
      switch (lease.kind) {
        case 'granted':
          return present(id, seen, owner, lease.now)
        case 'renewed':
          return { kind: 'renewed', record: lease.record }
        case 'gone':
          return { kind: 'ended', reason: undefined }
        case 'backing-off':
          return { kind: 'unavailable', because: 'provider', retryAfterSeconds: lease.retryAfterSeconds }
        case 'held':
          if (performance.now() > waitUntil)
            return { kind: 'unavailable', because: 'pending', retryAfterSeconds: 1 }
          await new Promise((resolve) => setTimeout(resolve, WATCH_MILLISECONDS))
      }
    }
  }

  /** Presents the refresh token, once, as the holder of the lease. */
  async function present(id: string, seen: AuthRecord, owner: string, beganAt: number): Promise<Renewal> {
    const answer = await provider.refresh(seen.refreshToken ?? '', AbortSignal.timeout(timeoutSeconds * 1000))
    switch (answer.kind) {
      case 'rejected':
        return endIfStill(id, seen, 'refresh_token_rejected')
      case 'unavailable':
        return backOff(id, seen, owner, answer)
      case 'renewed':
      case 'id-token-rejected':
        return keep(id, seen, owner, beganAt, answer)
    }
  }

  async function keep(
    id: string,
    seen: AuthRecord,
    owner: string,
    beganAt: number,
    answer: Extract<RefreshAnswer, { kind: 'renewed' | 'id-token-rejected' }>,
  ): Promise<Renewal> {
    const mismatch =
      answer.kind === 'renewed' && answer.claims !== undefined
        ? renewedClaimMismatch(seen.claims, answer.claims)
        : undefined
    if (mismatch === 'sub') {
      // OpenID Connect Core §12.2: somebody else's tokens; neither they nor the session may be used.
      revoke(answer.tokens.refreshToken ?? seen.refreshToken)
      return endIfStill(id, seen, 'subject_changed')
    }
    const rejected =
      answer.kind === 'id-token-rejected' ? answer.detail : mismatch && `its ${mismatch} differs`
    const claims = answer.kind === 'renewed' && rejected === undefined ? answer.claims : undefined
    const next = renewed(seen, { tokens: answer.tokens, claims }, beganAt, rejected !== undefined)
    const result = await commits.commit({
      id,
      record: next,
      owner,
      backOffSeconds: rejected === undefined ? 0 : BACK_OFF_SECONDS,
    })
    if (result.kind === 'renewed' && result.record === next) {
      events.emit('renewed', {
        subject: next.claims.sub,
        generation: next.generation,
        idToken: rejected !== undefined ? 'rejected' : claims === undefined ? 'absent' : 'renewed',
        ...(rejected !== undefined && { detail: rejected }),
      })
    }
    return result
  }

  /** The one way in which a renewal ends a session: the generation that was refused is still the stored one. */
  async function endIfStill(id: string, seen: AuthRecord, reason: SessionEndReason): Promise<Renewal> {
    const { ended, record } = await records.end(id, seen.generation)
    if (!ended && record !== undefined) return { kind: 'renewed', record }
    if (ended) events.emit('session-ended', { subject: seen.claims.sub, reason })
    return { kind: 'ended', reason }
  }

  async function backOff(
    id: string,
    seen: AuthRecord,
    owner: string,
    { detail, retryAfterSeconds = BACK_OFF_SECONDS }: Extract<RefreshAnswer, { kind: 'unavailable' }>,
  ): Promise<Renewal> {
    const { generation, claims } = seen
    events.emit('renewal-failed', { subject: claims.sub, generation, detail, retryAfterSeconds })
    // A lease that cannot be given back ends by itself.
    await records.release(id, owner, retryAfterSeconds).catch(() => undefined)
    return { kind: 'unavailable', because: 'provider', retryAfterSeconds }
  }

  function revoke(refreshToken: string | undefined): void {
    if (refreshToken !== undefined) beside.run(provider.revoke(refreshToken))
  }
}
