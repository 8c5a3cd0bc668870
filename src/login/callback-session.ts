// What a completed login becomes: a session in place of the one that was there, or nothing at all.
import { hashState, type LoginTransaction, MOST_LOGINS } from '../cookies/login-transaction.ts'
import type { CodeExchange } from '../provider/provider.ts'
import { type AuthRecord, newRecord } from '../record/auth-record.ts'
import { type IdTokenClaims, isSamePerson } from '../record/id-token-claims.ts'
import type { RequestContext } from '../session/request-context.ts'

export async function beginSession(
  context: RequestContext,
  { state, returnTo, startedAt }: LoginTransaction,
  codeExchange: CodeExchange,
  enrichment: AuthRecord['enrichment'],
  now: number,
): Promise<void> {
  const { config, req, session, sessions } = context
  const keepData = keepsData(session.record?.claims, codeExchange)
  const { id, appData } = await session.binding.begin(keepData)
  const logins = [
    { stateHash: hashState(state), returnTo },
    ...(keepData ? (session.record?.logins ?? []) : []),
  ]
  const record = newRecord(codeExchange, now, {
    // As many as a browser may have had on their way at once.
    logins: logins.slice(0, MOST_LOGINS),
    device: { address: req.ip, userAgent: req.headers['user-agent']?.slice(0, 256) },
    enrichment,
    absoluteTimeoutSeconds: config.session.absoluteTimeoutSeconds,
  })
  await sessions.begin(id, record, appData, startedAt)
  try {
    if (session.binding.authId !== undefined) await sessions.end(session.binding.authId)
    await session.binding.adopt(id)
  } catch (error) {
    // Nobody will be told its id.
    await sessions.end(id).catch(() => undefined)
    throw error
  }
  tell(context, codeExchange, session.record?.claims.sub)
}

/**
 * Who is not let in leaves no refresh token behind that still works. Where somebody is logged in here, it may be of the
 * same grant as theirs, and revoking the one would revoke the other: their session is to stay as it was.
 */
export function giveUp({ provider, session }: RequestContext, { claims, tokens }: CodeExchange): void {
  const live = session.record?.claims
  const shared = live !== undefined && isSamePerson(live, claims)
  if (tokens.refreshToken !== undefined && !shared) provider.revoke(tokens.refreshToken)
}

/** An anonymous visitor keeps what the app knows of them, and so does the same person; another's is dropped. */
function keepsData(before: IdTokenClaims | undefined, { claims }: CodeExchange): boolean {
  return before === undefined || isSamePerson(before, claims)
}

function tell(
  { config, events }: RequestContext,
  { claims, tokens }: CodeExchange,
  replaced: string | undefined,
): void {
  const subject = claims.sub
  // The replaced session's refresh token is left to its end: at some providers revoking it would revoke the grant
  // that this login was given too.
  if (replaced !== undefined) events.emit('session-ended', { subject: replaced, reason: 'replaced_by_login' })
  events.emit('logged-in', { subject, hasRefreshToken: tokens.refreshToken !== undefined })
  if (tokens.refreshToken !== undefined) return
  const asked = config.authorizationParams.scope?.split(' ').includes('offline_access') === true
  const hint = asked
    ? "scope 'offline_access' was asked for, so check at the provider: that this client may have refresh tokens (the refresh_token grant), that the API allows offline access, and whether it wants authorizationParams.prompt 'consent'"
    : "authorizationParams.scope (SCOPE) has no 'offline_access'"
  events.emit('refresh-token-missing', { subject, hint })
}
