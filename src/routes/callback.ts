// GET or POST /callback: what the provider sent back becomes a session, once.
import { isAuthError, RefusedError } from '../errors.ts'
import { ownPage } from '../log-in.ts'
import { hashState, LOGIN_SECONDS, type LoginTransaction } from '../login-transaction.ts'
import type { SignIn } from '../provider.ts'
import { redirect } from '../redirect.ts'
import type { RequestContext } from '../request-context.ts'
import { applyCookies } from '../session/session-cookie.ts'
import { tellRefused } from '../tell-refused.ts'
import { askApp, checkStepUp } from './callback-checks.ts'
import { callbackParameters } from './callback-parameters.ts'
import { beginSession, giveUp } from './callback-session.ts'

/** OpenID Connect Core §3.1.2.6: what a provider says that was not allowed to ask. */
const NOT_LOGGED_IN = new Set([
  'login_required',
  'interaction_required',
  'consent_required',
  'account_selection_required',
])

export async function callback(context: RequestContext): Promise<void> {
  const { logins, records, res, session } = context
  // RFC 9700 §4.2.4: the code in this page's URL goes nowhere else.
  res.set({ 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' })
  session.requireKnown()
  const sent = await callbackParameters(context)
  const state = sent.get('state') ?? ''

  const transaction = logins.find(state, context.cookies)
  if (transaction === undefined) return alreadyDone(context, state)
  if (context.req.method === 'POST') return comeBackByGet(context, transaction, sent)
  const parameters = new URLSearchParams(transaction.posted ?? sent)
  if (!parameters.has('code') && !parameters.has('error')) {
    throw new RefusedError('callback_malformed', 400, "The callback has no 'code'. Begin the log-in again.")
  }
  const now = await records.now()
  if (logins.isExpired(transaction, now)) {
    forget(context, state)
    throw new RefusedError('login_expired', 400, 'The log-in took longer than ten minutes. Begin again.')
  }
  if (transaction.issuer !== context.config.issuer.href) {
    throw new RefusedError('login_unknown', 400, 'The log-in was begun at another provider. Begin again.')
  }
  // RFC 9700 §2.1.1, RFC 9700 §4.7.1. The code is sent once: a callback that comes twice, at whichever process, has lost its log-in.
  if (!(await records.useOnce(`login:${hashState(state)}`, LOGIN_SECONDS))) return alreadyDone(context, state)
  forget(context, state)

  // Meanwhile somebody logged in of their own will: they are not replaced by whom the provider remembers.
  if (transaction.silent && session.record !== undefined) return land(context, transaction)
  const signIn = await exchange(context, parameters, transaction, now)
  if (signIn === undefined) return land(context, transaction)
  try {
    checkStepUp(context, transaction, signIn, now)
    const enrichment = await askApp(context, signIn)
    await beginSession(context, transaction, signIn, enrichment, now)
  } catch (error) {
    giveUp(context, signIn)
    throw error
  }
  land(context, transaction)
}

/** On the page where the log-in began. */
function land({ config, res }: RequestContext, { returnTo }: { readonly returnTo: string }): void {
  redirect(res, 303, ownPage(returnTo, config))
}

/** @returns undefined where nobody was to be asked, and so nobody was logged in */
async function exchange(
  context: RequestContext,
  parameters: URLSearchParams,
  transaction: LoginTransaction,
  now: number,
): Promise<SignIn | undefined> {
  const { provider, session } = context
  try {
    return await provider.signIn(parameters, transaction, now, session.record === undefined)
  } catch (error) {
    if (transaction.silent === undefined || !isAuthError(error)) throw error
    const answer = error instanceof RefusedError ? error.error : undefined
    if (answer === undefined || !NOT_LOGGED_IN.has(answer)) {
      tellRefused(context, error, 'a silent log-in failed')
    }
    return undefined
  }
}

/**
 * The provider's form (OAuth 2.0 Form Post Response Mode §2) comes without the session's SameSite cookie. A GET of our
 * own brings it; what was posted waits in the log-in's cookie meanwhile, and not in a URL.
 */
function comeBackByGet(
  { config, cookies, logins, res }: RequestContext,
  transaction: LoginTransaction,
  sent: URLSearchParams,
): void {
  applyCookies(res, logins.remember({ ...transaction, posted: sent.toString() }, cookies))
  const state = encodeURIComponent(transaction.state)
  redirect(res, 303, `${config.redirectURI.pathname}?state=${state}`)
}

/** The browser's back button, a reload: the page is there already, the session as it was. */
function alreadyDone(context: RequestContext, state: string): void {
  const login = context.session.record?.logins.find(({ stateHash }) => stateHash === hashState(state))
  if (login === undefined) {
    throw new RefusedError(
      'login_unknown',
      400,
      'This browser has no such log-in on its way: it was completed, begun elsewhere, or its cookie did not come back. Begin again.',
    )
  }
  land(context, login)
}

function forget({ logins, res }: RequestContext, state: string): void {
  applyCookies(res, [logins.forget(state)])
}
