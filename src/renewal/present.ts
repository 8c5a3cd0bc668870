// Presents a refresh token as the holder of the lease, and makes of the answer what it is to the session.
import { type AuthRecord, renewed, withRefreshToken } from '../auth-record.ts'
import type { AuthRecords, BackOff } from '../auth-records/auth-records.ts'
import type { Config } from '../config.ts'
import type { AuthEventEmitter, AuthEvents, SessionEndReason } from '../events.ts'
import { renewedClaimMismatch } from '../id-token-claims.ts'
import type { Provider, RefreshAnswer } from '../provider.ts'
import type { Commits } from './commits.ts'
import type { Renewal } from './renewal.ts'

export interface Presenter {
  /**
   * Presents the refresh token of `seen`, once.
   *
   * @param owner the lease's
   * @param beganAt when the lease was granted, by the store's clock
   */
  present(id: string, seen: AuthRecord, owner: string, beganAt: number): Promise<Renewal>
}

interface Rooms {
  readonly config: Config
  readonly records: AuthRecords
  readonly provider: Provider
  readonly events: AuthEventEmitter
  readonly commits: Commits
  revoke(refreshToken: string | undefined): void
}

const FIRST_BACK_OFF_SECONDS = 5
const LONGEST_BACK_OFF_SECONDS = 60

export function createPresenter({ config, records, provider, events, commits, revoke }: Rooms): Presenter {
  return { present }

  async function present(id: string, seen: AuthRecord, owner: string, beganAt: number): Promise<Renewal> {
    const deadline = AbortSignal.timeout(config.renewal.timeoutSeconds * 1000)
    const answer = await provider.refresh(seen.refreshToken ?? '', deadline, beganAt)
    switch (answer.kind) {
      case 'rejected':
        return endIfStill(id, seen, 'refresh_token_rejected')
      case 'unavailable':
        return backOff(id, seen, owner, answer)
      case 'not-passed':
        return keepRefreshToken(id, seen, owner, answer.refreshToken, answer.detail)
      case 'renewed':
        return take(id, seen, owner, beganAt, answer)
    }
  }

  async function take(
    id: string,
    seen: AuthRecord,
    owner: string,
    beganAt: number,
    answer: Extract<RefreshAnswer, { kind: 'renewed' }>,
  ): Promise<Renewal> {
    const { tokens, claims } = answer
    const mismatch = claims && renewedClaimMismatch(seen.claims, claims)
    if (mismatch === 'sub') {
      // OpenID Connect Core §12.2: somebody else's tokens; neither they nor the session may be used.
      revoke(tokens.refreshToken ?? seen.refreshToken)
      return endIfStill(id, seen, 'subject_changed')
    }
    if (mismatch !== undefined) {
      return keepRefreshToken(id, seen, owner, tokens.refreshToken, `its ${mismatch} differs`)
    }
    const record = renewed(seen, answer, beganAt)
    const result = await commits.commit({ id, record, owner, backOffSeconds: 0 })
    tell(result, record, { idToken: claims === undefined ? 'absent' : 'renewed' })
    return result
  }

  async function keepRefreshToken(
    id: string,
    seen: AuthRecord,
    owner: string,
    refreshToken: string | undefined,
    detail: string,
  ): Promise<Renewal> {
    const record = withRefreshToken(seen, refreshToken)
    const result = await commits.commit({ id, record, owner, backOffSeconds: FIRST_BACK_OFF_SECONDS })
    tell(result, record, { idToken: 'rejected', detail })
    return result
  }

  function tell(
    result: Renewal,
    record: AuthRecord,
    what: Pick<AuthEvents['renewed'], 'idToken' | 'detail'>,
  ): void {
    if (result.kind !== 'renewed' || result.record !== record) return
    events.emit('renewed', { subject: record.claims.sub, generation: record.generation, ...what })
  }

  /** RFC 10017 §6.1. The one way in which a renewal ends a session: the generation that was refused is still the stored one. */
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
    { outcome, detail, retryAfterSeconds: asked }: Extract<RefreshAnswer, { kind: 'unavailable' }>,
  ): Promise<Renewal> {
    const { generation, claims } = seen
    const backOff: BackOff = {
      firstSeconds: FIRST_BACK_OFF_SECONDS,
      longestSeconds: LONGEST_BACK_OFF_SECONDS,
      share: 0.5 + Math.random() / 2,
      askedSeconds: asked,
    }
    // A lease that cannot be given back ends by itself.
    const waiting = await records.release(id, owner, backOff).catch(() => 0)
    const retryAfterSeconds = Math.max(waiting, 1)
    events.emit('renewal-failed', { subject: claims.sub, generation, outcome, detail, retryAfterSeconds })
    return { kind: 'unavailable', because: 'provider', retryAfterSeconds }
  }
}
