// GET or POST /callback: what the provider sent back becomes a session, once.
import { newRecord } from '../auth-record.ts'
import { RefusedError } from '../errors.ts'
import { ownPage } from '../log-in.ts'
import { hashState, LOGIN_SECONDS, type LoginTransaction } from '../login-transaction.ts'
import type { SignIn } from '../provider.ts'
import { redirect } from '../redirect.ts'
import type { RequestContext } from '../request-context.ts'
import { applyCookies } from '../session/session-cookie.ts'
import { callbackParameters } from './callback-parameters.ts'

/** As many as a browser may have on their way at once. */
const MOST_LOGINS = 5

export async function callback(context: RequestContext): Promise<void> {
  const { logins, provider, records, res, session } = context
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
  // The code is sent once: a callback that comes twice, at whichever process, has lost its log-in.
  if (!(await records.useOnce(`login:${hashState(state)}`, LOGIN_SECONDS))) return alreadyDone(context, state)
  forget(context, state)

  const signIn = await provider.signIn(parameters, transaction, now)
  const keepData = keepsData(session.record?.claims, signIn)
  const { id, appData } = await session.browser.begin(keepData)
  const login = { stateHash: hashState(state), returnTo: transaction.returnTo }
  const completed = [login, ...(keepData ? (session.record?.logins ?? []) : [])].slice(0, MOST_LOGINS)
  const record = newRecord(signIn, completed, now, context.config.session.absoluteTimeoutSeconds)
  try {
    await records.create(id, record, appData)
    await session.browser.adopt(id)
  } catch (error) {
    if (record.refreshToken !== undefined) context.renewer.beside(provider.revoke(record.refreshToken))
    throw error
  }
  tell(context, signIn, session.record?.claims.sub)
  redirect(res, 303, ownPage(transaction.returnTo, context.config))
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
function alreadyDone({ config, res, session }: RequestContext, state: string): void {
  const login = session.record?.logins.find(({ stateHash }) => stateHash === hashState(state))
  if (login === undefined) {
    throw new RefusedError(
      'login_unknown',
      400,
      'This browser has no such log-in on its way: it was completed, begun elsewhere, or its cookie did not come back. Begin again.',
    )
  }
  redirect(res, 303, ownPage(login.returnTo, config))
}

function forget({ logins, res }: RequestContext, state: string): void {
  applyCookies(res, [logins.forget(state)])
}

/** An anonymous visitor keeps what the app knows of them, and so does the same person; another's is dropped. */
function keepsData(before: { iss: string; sub: string } | undefined, { claims }: SignIn): boolean {
  return before === undefined || (before.iss === claims.iss && before.sub === claims.sub)
}

function tell(
  { config, events }: RequestContext,
  { claims, tokens }: SignIn,
  replaced: string | undefined,
): void {
  const subject = claims.sub
  // The replaced session's refresh token is left to its end: at some providers revoking it would revoke the grant
  // that this log-in was given too.
  if (replaced !== undefined) events.emit('session-ended', { subject: replaced, reason: 'replaced_by_login' })
  events.emit('signed-in', { subject, hasRefreshToken: tokens.refreshToken !== undefined })
  if (tokens.refreshToken !== undefined) return
  const asked = config.authorizationParams.scope?.split(' ').includes('offline_access') === true
  const hint = asked
    ? "scope 'offline_access' was asked for, so check at the provider: that this client may have refresh tokens (the refresh_token grant), that the API allows offline access, and whether it wants authorizationParams.prompt 'consent'"
    : "authorizationParams.scope (SCOPE) has no 'offline_access'"
  events.emit('refresh-token-missing', { subject, hint })
}
