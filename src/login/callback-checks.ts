// What a login has to pass after the provider's word for it: the step-up that was asked for, and the app's own say.
import type { LoginTransaction } from '../cookies/login-transaction.ts'
import { LoginRequiredError, RefusedError } from '../errors/errors.ts'
import { jsonObject } from '../lib/json-object.ts'
import { readVerdict } from '../options/verdict.ts'
import type { CodeExchange } from '../provider/provider.ts'
import type { AuthRecord } from '../record/auth-record.ts'
import { authenticationTime, isSamePerson, sessionExpiryOf } from '../record/id-token-claims.ts'
import { stepUpFault } from '../record/step-up.ts'
import { personOf } from '../record/user.ts'
import { tokenOf } from '../session/renewal-errors.ts'
import type { RequestContext } from '../session/request-context.ts'
import { sessionHere } from './session-here.ts'

/**
 * The request can be changed in the browser on its way, so what comes back is what counts (RFC 9470 §6).
 *
 * @throws RefusedError; the session that was there stays as it is, and nobody is sent to try again
 */
export function checkStepUp(
  context: RequestContext,
  { stepUp, startedAt }: LoginTransaction,
  { claims }: CodeExchange,
  now: number,
): void {
  if (stepUp === undefined) return
  const live = sessionHere(context)?.claims
  const { sub, iss = claims.iss } = stepUp
  const others = sub !== undefined && (sub !== claims.sub || iss !== claims.iss)
  if (others || (live !== undefined && !isSamePerson(live, claims))) {
    throw failed('Somebody else logged in. To go on as another person, log out first.', 'another sub')
  }
  const authenticatedAt = authenticationTime(claims, now)
  const fault = stepUpFault({ authenticatedAt, claims }, stepUp, now, context.config.clockToleranceSeconds)
  if (fault !== undefined) throw failed(NOT_MET, fault)
  // `prompt=login` was sent, so whoever authenticated earlier did not do it for this. Both times are by the store's
  // clock, but for the exchange of the code and the fractions of a second that an ID token leaves out.
  const slackSeconds = context.config.httpTimeoutSeconds + 1
  if (authenticatedAt === undefined || authenticatedAt < startedAt - slackSeconds * 1000) {
    throw failed(NOT_MET, 'its auth_time is missing, or before the login was asked for')
  }
}

const NOT_MET = 'The provider did not confirm your identity in the way that this page needs.'

function failed(message: string, reason: string): RefusedError {
  return new RefusedError('step_up_failed', 403, message, { reason })
}

/**
 * Whoever began the login for one organization, and is logged in to another or to none, is not let in: in the browser the
 * request can be changed on its way. By the claims of Auth0, which are either an id or a name.
 *
 * @throws RefusedError
 */
export function checkOrganization(
  { config }: RequestContext,
  { asked }: LoginTransaction,
  { claims }: CodeExchange,
): void {
  const organization = asked?.organization ?? config.authorizationParams.organization
  if (organization === undefined) return
  const claim = organization.startsWith('org_') ? 'org_id' : 'org_name'
  const came = claims[claim]
  const asWritten = (name: string) => (claim === 'org_id' ? name : name.toLowerCase())
  if (typeof came === 'string' && asWritten(came) === asWritten(organization)) return
  const message = 'The provider did not log you in to the organization that was asked for. Log in again.'
  const fault = typeof came === 'string' ? 'is another one' : 'is missing'
  const reason = `an organization was asked for, and the ID token's ${claim} ${fault}`
  throw new RefusedError('login_failed', 400, message, { reason })
}

/** IPSIE SL1: no session may last longer, so one that is over does not begin. @throws RefusedError */
export function checkSessionExpiry({ claims }: CodeExchange, now: number): void {
  const endsAt = sessionExpiryOf(claims, now)
  if (endsAt === undefined || endsAt > now) return
  const message = 'The provider says that your session there is over. Log in again.'
  throw new RefusedError('login_failed', 400, message, {
    reason: "the ID token's session_expiry is no time, or one before it was issued",
  })
}

/** @returns what the app adds to the person @throws RefusedError where it does not let them in */
export async function askApp(
  { config, events, req }: RequestContext,
  { asked = {}, appState, posted }: LoginTransaction,
  { claims, tokens, userInfo }: CodeExchange,
): Promise<AuthRecord['enrichment']> {
  const { afterCallback } = config
  if (afterCallback === undefined) return undefined
  const login = {
    user: personOf({ claims, userInfo }),
    claims,
    ...events.origin,
    scope: tokens.scope,
    authorizationParams: asked,
    appState,
    formUser: posted === undefined ? undefined : jsonObject(new URLSearchParams(posted).get('user') ?? ''),
    getAccessToken: () => tokenOf({ token: tokens.accessToken, expiresAt: undefined }),
    accessTokenLifetimeSeconds: tokens.accessTokenLifetimeSeconds,
    getIdToken: () => tokens.idToken,
  }
  try {
    // What is no verdict lets nobody in.
    const { refuse, user } = readVerdict(await afterCallback(login, req), 'afterCallback')
    if (refuse !== undefined) throw new RefusedError('login_refused', 403, refuse)
    return user
  } catch (error) {
    // Whoever asks for the session here would be sent to log in, which is what they are doing.
    if (!(error instanceof LoginRequiredError)) throw error
    throw new TypeError(`afterCallback() ran into '${error.code}': the session begins after it`)
  }
}
