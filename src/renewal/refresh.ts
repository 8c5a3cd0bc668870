// Sends the refresh token as the holder of the lease, and makes of the answer what it is to the session.
import type { AuthEventEmitter, AuthEvents } from '../events/events.ts'
import type { Provider, RefreshAnswer } from '../provider/provider.ts'
import { type AccessTokenRequest, LOGIN_TOKEN, REFUSED_SECONDS, tokenKey } from '../record/access-token.ts'
import { type AuthRecord, renewed, withRefreshToken, withRefusal } from '../record/auth-record.ts'
import { servesUntil } from '../record/due.ts'
import { renewedClaimMismatch } from '../record/id-token-claims.ts'
import type { SessionStore } from '../store/store.ts'
import type { AskApp } from './after-renewal.ts'
import { backOffAfterFailure, backOffAfterRefusals } from './back-off.ts'
import { createEndings } from './endings.ts'
import type { RenewalResult } from './renewal-result.ts'
import { withUserInfo } from './user-info.ts'
import type { WriteBehind } from './write-behind.ts'

interface RefreshServices {
  readonly store: SessionStore
  readonly provider: Provider
  readonly events: AuthEventEmitter
  readonly writeBehind: WriteBehind
  readonly askApp: AskApp
}

/** In a row, it is refused for good: ID tokens that do not pass, or by the provider. The back-off makes it a minute and more. */
const MOST_REFUSALS = 5
/** What a proxy says in a deploy is over by then. */
const REFUSED_SECONDS_AT_LEAST = 120

/** One renewal, by whoever holds the lease. */
export interface Turn {
  readonly id: string
  /** Must have a refresh token. */
  readonly seen: AuthRecord
  /** The lease's. */
  readonly owner: string
  /** When the lease was granted, by the store's clock. */
  readonly beganAt: number
  /** Ends the request. */
  readonly deadline: AbortSignal
}

/** Sends the refresh token of `turn.seen`, once, for that access token. */
export type RefreshUnderLease = (turn: Turn, wanted: AccessTokenRequest) => Promise<RenewalResult>

export function createRefresh({
  store,
  provider,
  events,
  writeBehind,
  askApp,
}: RefreshServices): RefreshUnderLease {
  const endings = createEndings(store, provider, events)

  return async function refreshUnderLease(turn, wanted) {
    const { seen, beganAt, deadline } = turn
    const ask = (request: AccessTokenRequest) => provider.refresh(seen, request, deadline, beganAt)
    const name = tokenKey(wanted)
    const answer = await ask(wanted)
    const isVague = answer.kind === 'unavailable' && answer.isVague
    if (name !== LOGIN_TOKEN && answer.kind === 'unavailable' && answer.isOfRequest)
      return refuse(turn, name, answer.detail)
    // Entra says `invalid_grant` of a scope that nobody consented to as well. The session is over only where the
    // refresh token brings nothing at all.
    if (name !== LOGIN_TOKEN && (answer.kind === 'rejected' || isVague))
      return settle(turn, await ask({}), LOGIN_TOKEN, name)
    return settle(turn, answer, name)
  }

  /** @param refused the name of an access token that could not be had */
  async function settle(
    turn: Turn,
    answer: RefreshAnswer,
    name: string,
    refused?: string,
  ): Promise<RenewalResult> {
    switch (answer.kind) {
      case 'rejected':
        return endings.endIfStill(turn, 'refresh_token_rejected')
      case 'unwanted':
        if (answer.refreshToken !== undefined) provider.revoke(answer.refreshToken)
        return endings.endForApp(turn, turn.seen, answer.detail)
      case 'unavailable':
        return backOff(turn, answer)
      case 'not-passed':
        return keepRefreshToken(turn, answer)
      case 'renewed':
        return take(turn, answer, name, refused)
    }
  }

  async function take(
    turn: Turn,
    answer: Extract<RefreshAnswer, { kind: 'renewed' }>,
    name: string,
    refused: string | undefined,
  ): Promise<RenewalResult> {
    const { seen, beganAt } = turn
    const { tokens, claims } = answer
    const mismatch = claims && renewedClaimMismatch(seen.claims, claims)
    if (mismatch === 'sub') {
      // OpenID Connect Core §12.2: somebody else's tokens; neither they nor the session may be used.
      const unwanted = tokens.refreshToken ?? seen.refreshToken
      if (unwanted !== undefined) provider.revoke(unwanted)
      return endings.endIfStill(turn, 'subject_changed')
    }
    if (mismatch !== undefined) {
      return keepRefreshToken(turn, {
        refreshToken: tokens.refreshToken,
        detail: `its ${mismatch} differs`,
        mayPass: 'never',
      })
    }
    const record = renewed(seen, answer, beganAt, name)
    const told = refused === undefined ? record : withRefusal(record, refused, beganAt)
    const result = await commit(turn, told)
    tell(result, told, { idToken: claims === undefined ? 'absent' : 'renewed' })
    if (refused !== undefined) reportRefused(told, 'the provider refused the token of an API only')
    if (result.kind !== 'renewed' || result.record !== told || told.renewedAt === seen.renewedAt)
      return result
    if (told.endsAt <= beganAt) return endings.endIfStill({ ...turn, seen: told }, 'session_expiry')
    return tellApp(turn, name === LOGIN_TOKEN ? await withUserInfo({ store, provider }, turn, told) : told)
  }

  /** Of an account that the provider asked about anew. */
  async function tellApp(turn: Turn, renewed: AuthRecord): Promise<RenewalResult> {
    const answer = await askApp(turn, renewed)
    if (!('refuse' in answer)) return { kind: 'renewed', record: answer }
    return endings.endForApp(turn, renewed, answer.refuse)
  }

  /** The old refresh token is spent, so the new one is kept; of what did not pass nothing else is. */
  async function keepRefreshToken(
    turn: Turn,
    { refreshToken, detail, mayPass }: Omit<Extract<RefreshAnswer, { kind: 'not-passed' }>, 'kind'>,
  ): Promise<RenewalResult> {
    const { refusals = 0 } = turn.seen
    // As long as the old ID token serves, nobody misses what is put right meanwhile.
    const counts = mayPass === 'never' || (mayPass === 'in time' && turn.beganAt >= servesUntil(turn.seen))
    const count = counts ? refusals + 1 : refusals
    const record = withRefreshToken(turn.seen, refreshToken, count)
    // What is refused every time is refused for good, and waiting helps nobody.
    if (count >= MOST_REFUSALS) return endings.endRefused(turn, record, detail)
    const result = await commit(turn, record, backOffAfterRefusals(count))
    tell(result, record, { idToken: 'rejected', detail })
    return { ...result, failure: 'id-token-rejected' }
  }

  /** One API's token is refused: that is between it and the provider, and no matter of the session's. */
  async function refuse(turn: Turn, name: string, detail: string): Promise<RenewalResult> {
    const record = withRefusal(withRefreshToken(turn.seen, undefined, turn.seen.refusals), name, turn.beganAt)
    const result = await commit(turn, record)
    reportRefused(record, detail)
    return { ...result, failure: 'refused' }
  }

  function reportRefused({ claims, generation }: AuthRecord, detail: string): void {
    const refused = { outcome: 'refused', detail, retryAfterSeconds: REFUSED_SECONDS } as const
    events.emit('renewal-failed', { subject: claims.sub, generation, ...refused })
  }

  function commit({ id, owner }: Turn, record: AuthRecord, backOffSeconds = 0): Promise<RenewalResult> {
    return writeBehind.commit({ id, record, owner, backOffSeconds })
  }

  function tell(
    result: RenewalResult,
    record: AuthRecord,
    what: Pick<AuthEvents['renewed'], 'idToken' | 'detail'>,
  ): void {
    if (result.kind !== 'renewed' || result.record !== record) return
    events.emit('renewed', { subject: record.claims.sub, generation: record.generation, ...what })
  }

  async function backOff(
    turn: Turn,
    { outcome, detail, retryAfterSeconds: asked, isVague }: Extract<RefreshAnswer, { kind: 'unavailable' }>,
  ): Promise<RenewalResult> {
    const { id, seen, owner } = turn
    const { generation, claims } = seen
    // A lease that cannot be given back ends by itself.
    const released = await store
      .release(id, owner, backOffAfterFailure(asked), isVague)
      .catch(() => undefined)
    const { waitSeconds = 0, refusals = 0, refusedForSeconds = 0 } = released ?? {}
    if (refusals >= MOST_REFUSALS && refusedForSeconds >= REFUSED_SECONDS_AT_LEAST)
      return endings.endIfStill(turn, 'renewal_refused', detail)
    const retryAfterSeconds = Math.max(waitSeconds, 1)
    events.emit('renewal-failed', { subject: claims.sub, generation, outcome, detail, retryAfterSeconds })
    return { kind: 'unavailable', because: 'provider', retryAfterSeconds, failure: outcome }
  }
}
