// What a completed login becomes: a session in place of the one that was there, or nothing at all.

import { MOST_LOGINS } from '../cookies/login-cookies.ts'
import { attemptsIn, hashState } from '../cookies/login-state.ts'
import type { LoginTransaction } from '../cookies/login-transaction.ts'
import { RefusedError } from '../errors/errors.ts'
import type { Config } from '../options/config.ts'
import type { CodeExchange } from '../provider/provider.ts'
import { asksOffline, refreshTokenHint } from '../provider/scope-hints.ts'
import { type AuthRecord, newRecord } from '../record/auth-record.ts'
import { isTheirs, ownerName } from '../record/owner.ts'
import { userOf } from '../record/user.ts'
import { claimBrowser } from '../session/browser-claim.ts'
import type { RequestContext } from '../session/request-context.ts'
import type { Services } from '../session/services.ts'
import { claimsHints } from './claims-hints.ts'

export async function beginSession(
  context: RequestContext,
  transaction: LoginTransaction,
  codeExchange: CodeExchange,
  enrichment: AuthRecord['enrichment'],
  now: number,
): Promise<void> {
  const { config, realms, req, session, sessions } = context
  const { state, returnTo, startedAt } = transaction
  if (await hasOne(context, transaction, codeExchange)) return
  const before = session.record
  // An anonymous visitor keeps what the app knows of them, and so does the same person; another's is dropped.
  const keepData = before === undefined || isTheirs(before, config, codeExchange.claims)
  const { id, appData } = await session.binding.begin(keepData)
  const logins = [{ stateHash: hashState(state), returnTo }, ...(keepData ? (before?.logins ?? []) : [])]
  const owner = ownerName(config)
  const record = newRecord(codeExchange, now, {
    owner,
    // As many as a browser may have had on their way at once.
    logins: logins.slice(0, MOST_LOGINS),
    device: { address: req.ip, userAgent: req.headers['user-agent']?.slice(0, 256) },
    enrichment,
    userInfo: codeExchange.userInfo,
    absoluteTimeoutSeconds: config.session.absoluteTimeoutSeconds,
  })
  await sessions.begin(id, record, appData, startedAt)
  try {
    const isIn =
      (await standsAlone(context, id, transaction, codeExchange)) &&
      (await replaces(context, id, transaction, codeExchange))
    if (!isIn) {
      await sessions.end(id)
      return
    }
    await session.binding.adopt(id, owner)
  } catch (error) {
    // Nobody will be told its id.
    await sessions.end(id).catch(() => undefined)
    throw error
  }
  if (before !== undefined) {
    const own = realms.of(before)
    own.events.emit('session-ended', { subject: before.claims.sub, reason: 'replaced_by_login' })
    endGrant(context, own, session.binding.authId ?? '', before)
  }
  tell(context, transaction, codeExchange)
  tellOfClaims(context, transaction, record)
}

/** Another tab logged this browser in meanwhile, and that is enough. @throws RefusedError where it logged out since */
async function hasOne(
  context: RequestContext,
  transaction: LoginTransaction,
  codeExchange: CodeExchange,
): Promise<boolean> {
  const { session, store } = context
  const { authId } = session.binding
  if (authId === undefined || !isEnough(context, session.record, transaction, codeExchange)) return false
  await rivalOf(context, authId, transaction, codeExchange)
  return (await store.find(authId)).value !== undefined
}

/**
 * What was asked for beyond a login is in its own session only. So is what `afterCallback` made of the app's own state, by
 * what it returned or wrote to `req.session`: a login that is left for another loses both. And whoever began after the other
 * one's callback came was not told of that session: its answer may be lost.
 */
function isEnough(
  { config }: RequestContext,
  other: AuthRecord | undefined,
  { state, stepUp, asked, appState, startedAt }: LoginTransaction,
  codeExchange: CodeExchange,
): boolean {
  if (!isTheirs(other, config, codeExchange.claims)) return false
  if (stepUp !== undefined || asked !== undefined || appState !== undefined) return false
  return startedAt <= other.createdAt || attemptsIn(state) > 0
}

/** False where the browser is being told another session that is enough. @throws RefusedError where it logged out since */
async function standsAlone(
  context: RequestContext,
  id: string,
  transaction: LoginTransaction,
  codeExchange: CodeExchange,
): Promise<boolean> {
  const { session, store } = context
  for (;;) {
    const rival = await rivalOf(context, id, transaction, codeExchange)
    if (rival === undefined) return true
    const [other, own] = await Promise.all([store.find(rival), store.find(id)])
    if (own.value === undefined) return false
    if (session.binding.canYield && isEnough(context, other.value?.record, transaction, codeExchange))
      return false
    // Who came last is logged in, alone.
    await endRival(context, rival, other.value?.record)
  }
}

/** Ends the session that was there. False where this one was ended meanwhile. @throws RefusedError where by a logout */
async function replaces(
  context: RequestContext,
  id: string,
  transaction: LoginTransaction,
  codeExchange: CodeExchange,
): Promise<boolean> {
  const { session, sessions, store } = context
  if (session.binding.authId !== undefined) await sessions.end(session.binding.authId)
  if ((await store.find(id)).value !== undefined) return true
  await rivalOf(context, id, transaction, codeExchange)
  return false
}

/** What comes now is of a grant that nobody has any more. @throws RefusedError where the browser was logged out since */
async function rivalOf(
  context: RequestContext,
  id: string,
  transaction: LoginTransaction,
  { tokens }: CodeExchange,
): Promise<string | undefined> {
  const rival = await claimBrowser(context, id, transaction)
  if (rival !== 'logged-out') return rival?.id
  if (tokens.refreshToken !== undefined) context.provider.revoke(tokens.refreshToken)
  const reason = 'the session of this browser was ended while the login was under way'
  throw new RefusedError('login_failed', 400, 'You were logged out meanwhile. Log in again.', { reason })
}

/**
 * Who is not let in leaves no refresh token behind that still works. Where somebody is logged in here, it may be of the
 * same grant as theirs, and revoking the one would revoke the other: their session is to stay as it was.
 */
export function giveUp(context: RequestContext, codeExchange: CodeExchange): void {
  const { refreshToken } = codeExchange.tokens
  const shared = isTheirs(context.session.record, context.config, codeExchange.claims)
  if (refreshToken !== undefined && !shared) context.provider.revoke(refreshToken)
}

async function endRival(context: RequestContext, id: string, record: AuthRecord | undefined): Promise<void> {
  const own = record === undefined ? context : context.realms.of(record)
  await own.sessions.end(id, 'replaced_by_login')
  if (record !== undefined) endGrant(context, own, id, record)
}

/**
 * Of a session that was replaced. At this client it is left to its end: at some providers revoking the refresh token would
 * revoke the grant that this login was given too.
 */
function endGrant({ config }: RequestContext, own: Services, id: string, record: AuthRecord): void {
  if (own.config.providerName !== config.providerName) own.sessions.revokeRefreshToken(id, record)
}

function tell(
  { config, events }: RequestContext,
  { asked }: LoginTransaction,
  { claims, tokens }: CodeExchange,
): void {
  const subject = claims.sub
  events.emit('logged-in', { subject, hasRefreshToken: tokens.refreshToken !== undefined })
  if (tokens.refreshToken !== undefined || isContent(config, asked)) return
  events.emit('refresh-token-missing', { subject, hint: refreshTokenHint(askedWith(config, asked)) })
}

/** Nobody asked for a refresh token, and nobody needs one. */
function isContent(config: Config, asked: LoginTransaction['asked']): boolean {
  return !config.renewal.required && !asksOffline(askedWith(config, asked))
}

function tellOfClaims(
  { config, events }: RequestContext,
  { asked }: LoginTransaction,
  record: AuthRecord,
): void {
  for (const hint of claimsHints(askedWith(config, asked), userOf(record)))
    events.emit('claims-missing', { subject: record.claims.sub, hint })
}

function askedWith(config: Config, asked: LoginTransaction['asked']): Config {
  return { ...config, authorizationParams: { ...config.authorizationParams, ...asked } }
}
