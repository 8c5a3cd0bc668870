// Of the logins that one browser completes at the same moment one leaves a session, and after a logout none does.
import { hashState } from '../cookies/login-state.ts'
import type { LoginTransaction } from '../cookies/login-transaction.ts'
import type { AuthRecord } from '../record/auth-record.ts'
import { claim, claimKey, closeClaim, overSince } from './claims.ts'
import type { RequestContext } from './request-context.ts'

/** What else this browser came to: another session, or that it was logged out. */
export type Rival = { readonly id: string } | 'logged-out' | undefined

/**
 * Claims this browser for the new session: by the session that it replaces, and by every login that the browser has under
 * way. In one order for all, so that of several at least one wins. A sibling site can plant the cookie of a login that is
 * the attacker's own: who shares no more than such a one with this browser is neither its rival nor logs it out.
 */
export async function claimBrowser(
  context: RequestContext,
  id: string,
  { state, startedAt }: LoginTransaction,
): Promise<Rival> {
  for (const key of claimKeys(context)) {
    const holder = await claimUnlessLive(context, key, id)
    const since = overSince(holder)
    // Whoever began later than that logs in again.
    if (since !== undefined && startedAt <= since && isOwn(context, key, state)) return 'logged-out'
    if (since === undefined && holder !== id) return { id: holder }
  }
  return undefined
}

/** @returns `id` also where it is held by a session that is none of this browser's */
async function claimUnlessLive(context: RequestContext, key: string, id: string): Promise<string> {
  const { session, store } = context
  for (;;) {
    const holder = await claim(context, key, id, session.binding.authId)
    if (holder === id || overSince(holder) !== undefined) return holder
    const found = (await store.find(holder)).value
    // One that has ended since holds it no more.
    if (found !== undefined) return isOfThisBrowser(context, found.record) ? holder : id
  }
}

/**
 * Nothing of what this browser has under way becomes a session any more.
 *
 * @returns the sessions that it became a moment ago
 */
export async function cancelLogins(context: RequestContext): Promise<string[]> {
  const { store } = context
  const now = await store.now()
  const heirs: string[] = []
  for (const key of claimKeys(context)) {
    for (const heir of await closeClaim(context, key, now)) {
      const record = (await store.find(heir)).value?.record
      if (record !== undefined && isOfThisBrowser(context, record)) heirs.push(heir)
    }
  }
  return heirs
}

function isOwn({ session }: RequestContext, key: string, state: string): boolean {
  const { authId } = session.binding
  return key === claimKey('login', state) || (authId !== undefined && key === claimKey('session', authId))
}

/** Made by a login of which this browser has the cookie: until it is told the session it has, and nobody else did. */
function isOfThisBrowser({ cookies, logins }: RequestContext, record: AuthRecord): boolean {
  const made = record.logins[0]?.stateHash
  return logins.underWay(cookies).some(({ state }) => hashState(state) === made)
}

function claimKeys({ cookies, logins, session }: RequestContext): readonly string[] {
  const { authId } = session.binding
  const states = logins.underWay(cookies).map(({ state }) => claimKey('login', state))
  return [...states, ...(authId === undefined ? [] : [claimKey('session', authId)])].sort()
}
