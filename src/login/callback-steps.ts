// What has to be so before the code of a callback is sent, and what becomes of it.
import { applyCookies } from '../cookies/cookies.ts'
import { hashState } from '../cookies/login-state.ts'
import type { LoginTransaction } from '../cookies/login-transaction.ts'
import { isAuthError, RefusedError } from '../errors/errors.ts'
import { reportRefused } from '../http/report-refused.ts'
import type { CodeExchange } from '../provider/provider.ts'
import type { RequestContext } from '../session/request-context.ts'
import { askApp, checkOrganization, checkSessionExpiry, checkStepUp } from './callback-checks.ts'
import { beginSession, giveUp } from './callback-session.ts'
import { alreadyDone, landOn } from './landing.ts'
import { sessionHere } from './session-here.ts'

/** OpenID Connect Core §3.1.2.6: what a provider says that was not allowed to ask. */
const NOT_LOGGED_IN = new Set([
  'login_required',
  'interaction_required',
  'consent_required',
  'account_selection_required',
])

/** A login on its way, and what came back for it. */
export interface Completion {
  readonly context: RequestContext
  readonly transaction: LoginTransaction
  readonly parameters: URLSearchParams
  /** The store's clock. */
  readonly now: number
  /** Gives back the place among those who exchange codes. */
  leave?: () => void
  /** For whoever watches. */
  outcome: 'logged-in' | 'not-logged-in' | 'already-done'
}

/** @returns true where the browser was answered, and nothing is left to do @throws AuthError where it is refused */
type Step = (completion: Completion) => boolean | Promise<boolean>

/** From top to bottom. */
export const STEPS: readonly Step[] = [
  requireAnswer,
  requireInTime,
  requireSameAddress,
  takePlace,
  useOnce,
  forgetTransaction,
  leaveWhoLoggedIn,
  completeLogin,
  land,
]

function requireAnswer({ parameters }: Completion): boolean {
  if (parameters.has('code') || parameters.has('error')) return false
  throw new RefusedError('callback_malformed', 400, "The callback has no 'code'. Begin the login again.")
}

function requireInTime({ context, transaction, now }: Completion): boolean {
  if (!context.logins.isExpired(transaction, now)) return false
  forget(context, transaction)
  throw new RefusedError('login_expired', 400, 'The login took too long. Begin again.')
}

/** A cookie of a domain goes to all of its hosts, and the provider led back to one of them (RFC 6749 §4.1.3). */
function requireSameAddress({ context, transaction }: Completion): boolean {
  const { href } = context.config.redirectURI
  if ((transaction.redirectURI ?? href) === href) return false
  throw new RefusedError('login_unknown', 400, 'The login was begun at another address. Begin again.')
}

/** Whoever finds none tries again with the same code; nobody asked for a silent login, and nobody is told that it has to wait. */
function takePlace(completion: Completion): boolean {
  const { context, parameters, transaction } = completion
  if (!parameters.has('code')) return false
  try {
    completion.leave = context.provider.takePlace()
    return false
  } catch (error) {
    if (transaction.silent === undefined || !isAuthError(error)) throw error
    return land(completion)
  }
}

/** RFC 9700 §2.1.1, RFC 9700 §4.7.1. The code is sent once: a callback that comes twice, at whichever process, has lost its login. */
async function useOnce(completion: Completion): Promise<boolean> {
  const { context, transaction } = completion
  const { config, store } = context
  if (await store.useOnce(`login:${hashState(transaction.state)}`, config.login.timeoutSeconds)) return false
  completion.outcome = alreadyDone(context, transaction.state)
  return true
}

function forgetTransaction({ context, transaction }: Completion): boolean {
  forget(context, transaction)
  return false
}

/** Meanwhile somebody logged in of their own will: they are not replaced by whom the provider remembers. */
function leaveWhoLoggedIn(completion: Completion): boolean {
  const { context, transaction } = completion
  return transaction.silent === true && context.session.record !== undefined && land(completion)
}

async function completeLogin(completion: Completion): Promise<boolean> {
  const { context, transaction, now } = completion
  const codeExchange = await exchange(completion)
  if (codeExchange === undefined) return false
  try {
    checkStepUp(context, transaction, codeExchange, now)
    checkOrganization(context, transaction, codeExchange)
    checkSessionExpiry(codeExchange, now)
    const enrichment = await askApp(context, transaction, codeExchange)
    await beginSession(context, transaction, codeExchange, enrichment, now)
    completion.outcome = 'logged-in'
  } catch (error) {
    giveUp(context, codeExchange)
    const isUnasked = transaction.silent === true && error instanceof RefusedError
    if (!isUnasked || error.code !== 'login_failed') throw error
    reportRefused(context, error, 'a silent login failed')
  }
  return false
}

/** @returns undefined where nobody was to be asked, and so nobody was logged in */
async function exchange({
  context,
  transaction,
  parameters,
  now,
  leave,
}: Completion): Promise<CodeExchange | undefined> {
  const { config, provider } = context
  const url = new URL(config.redirectURI)
  url.search = parameters.toString()
  try {
    return await provider.exchangeCode(url, transaction, now, sessionHere(context) === undefined)
  } catch (error) {
    if (transaction.silent === undefined || !isAuthError(error)) throw error
    const answer = error instanceof RefusedError ? error.error : undefined
    if (answer === undefined || !NOT_LOGGED_IN.has(answer)) {
      reportRefused(context, error, 'a silent login failed')
    }
    return undefined
  } finally {
    leave?.()
  }
}

/** On the page where the login began. */
function land({ context, transaction }: Completion): boolean {
  landOn(context, transaction.returnTo)
  return true
}

function forget({ cookies, logins, res }: RequestContext, { state }: LoginTransaction): void {
  applyCookies(res, logins.forget(state, cookies))
}
