// The app's say after a renewal. The renewed record is stored first: whatever the app answers, no token is lost.
import { isDeepStrictEqual } from 'node:util'
import { RefusedError } from '../errors/errors.ts'
import type { AuthEventEmitter, EventOrigin } from '../events/events.ts'
import { withDeadline } from '../lib/deadline.ts'
import { createOnceLog } from '../lib/once-log.ts'
import type { Config } from '../options/config.ts'
import type { AfterRenewal, RenewedSession } from '../options/hooks.ts'
import { readVerdict, type Verdict } from '../options/verdict.ts'
import type { AuthRecord } from '../record/auth-record.ts'
import { personOf } from '../record/user.ts'
import type { SessionStore } from '../store/store.ts'

/** The renewal that stored the record. */
interface Renewal {
  readonly id: string
  /** The lease's. */
  readonly owner: string
}

/** @returns the record with what the app says now, or why the session ends */
export type AskApp = (
  renewal: Renewal,
  record: AuthRecord,
) => Promise<AuthRecord | { readonly refuse: string }>

const FAILED =
  'afterRenewal() failed, or took too long, or returned what is no verdict (undefined, { refuse } or { user }): what was added to the person stays as it was'

export function createAskApp(
  { afterRenewal, logger, renewal }: Pick<Config, 'afterRenewal' | 'logger' | 'renewal'>,
  store: SessionStore,
  { origin }: Pick<AuthEventEmitter, 'origin'>,
): AskApp {
  const sayOnce = createOnceLog(logger.warn)

  return async function askApp({ id, owner }, record) {
    if (afterRenewal === undefined) return record
    const answer = ask(afterRenewal, renewedSession(id, record, origin)).catch(() => undefined)
    const verdict = await withDeadline(answer, renewal.timeoutSeconds, () => undefined)
    // What it threw may hold anything. Nobody is logged out because the app could not be asked.
    if (verdict === undefined) sayOnce(FAILED)
    if (verdict?.refuse !== undefined) return { refuse: verdict.refuse }
    const { user: enrichment } = verdict ?? {}
    if (enrichment === undefined || isDeepStrictEqual(enrichment, record.enrichment)) return record
    const next: AuthRecord = { ...record, enrichment, generation: record.generation + 1 }
    // Not tried again: another renewal may be under way by now, and asks for itself.
    const stored = await store.commit(id, next, owner, 0).catch(() => undefined)
    // Whoever waited for this is served by it all the same; a generation that nobody stored would be waited for.
    return stored?.result === 'committed' ? next : { ...record, enrichment }
  }
}

async function ask(afterRenewal: AfterRenewal, session: RenewedSession): Promise<Verdict> {
  return readVerdict(await afterRenewal(session), 'afterRenewal')
}

function renewedSession(id: string, record: AuthRecord, origin: EventOrigin | undefined): RenewedSession {
  const { claims, scope, enrichment, accessToken } = record
  return {
    id,
    user: personOf(record),
    claims,
    ...origin,
    scope,
    added: structuredClone(enrichment),
    getAccessToken() {
      if (accessToken !== undefined) return accessToken
      throw new RefusedError('access_token_refused', 403, 'The provider gave no access token.')
    },
  }
}
