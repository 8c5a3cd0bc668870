// How a renewal ends a session.
import type { AuthEventEmitter, SessionEndReason } from '../events/events.ts'
import type { Provider } from '../provider/provider.ts'
import type { AuthRecord } from '../record/auth-record.ts'
import type { SessionStore } from '../store/store.ts'
import type { RenewalResult } from './renewal-result.ts'

interface Renewal {
  readonly id: string
  readonly seen: AuthRecord
}

export interface Endings {
  endIfStill(renewal: Renewal, reason: SessionEndReason, detail?: string): Promise<RenewalResult>
  /** Its ID tokens are refused every time. */
  endRefused(renewal: Renewal, record: AuthRecord, detail: string): Promise<RenewalResult>
  /** The app does not want the person any more. */
  endForApp(renewal: Renewal, record: AuthRecord, detail: string): Promise<RenewalResult>
}

export function createEndings(store: SessionStore, provider: Provider, events: AuthEventEmitter): Endings {
  /** RFC 10017 §6.1. The one way in which the provider's word ends a session: the generation that was refused is still the stored one. */
  async function endIfStill(
    { id, seen }: Renewal,
    reason: SessionEndReason,
    detail?: string,
  ): Promise<RenewalResult> {
    const { ended, record } = await store.end(id, seen.generation)
    if (!ended && record !== undefined) return { kind: 'renewed', record }
    // Gone already: whoever ended it said so, and the browser may be somebody's again by now.
    if (!ended) return { kind: 'ended', reason: undefined }
    tell(seen, reason, detail)
    return { kind: 'ended', reason }
  }

  function tell({ claims: { sub } }: AuthRecord, reason: SessionEndReason, detail: string | undefined): void {
    events.emit('session-ended', { subject: sub, reason, ...(detail !== undefined && { detail }) })
  }

  return {
    endIfStill,

    async endRefused(renewal, { refreshToken }, detail) {
      const result = await endIfStill(renewal, 'id_token_rejected', detail)
      if (result.kind === 'ended' && refreshToken !== undefined) provider.revoke(refreshToken)
      return result
    },

    async endForApp({ id }, record, detail) {
      // Whatever its generation: a newer one is the same person's.
      const { ended, record: stored = record } = await store.end(id)
      if (!ended) return { kind: 'ended', reason: undefined }
      tell(record, 'refused_by_app', detail)
      if (stored.refreshToken !== undefined) provider.revoke(stored.refreshToken)
      return { kind: 'ended', reason: 'refused_by_app' }
    },
  }
}
