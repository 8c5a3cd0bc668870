// What a log-in has to pass after the provider's word for it: the step-up that was asked for, and the app's own say.
import type { AuthRecord } from '../auth-record.ts'
import { RefusedError } from '../errors.ts'
import { authenticationTime, personalClaims } from '../id-token-claims.ts'
import type { LoginTransaction } from '../login-transaction.ts'
import type { SignIn } from '../provider.ts'
import type { RequestContext } from '../request-context.ts'
import { stepUpFault } from '../step-up.ts'

/**
 * The request can be changed in the browser on its way, so what comes back is what counts (RFC 9470 §6).
 *
 * @throws RefusedError; the session that was there stays as it is, and nobody is sent to try again
 */
export function checkStepUp(
  { config, session }: RequestContext,
  { stepUp, startedAt }: LoginTransaction,
  { claims }: SignIn,
  now: number,
): void {
  if (stepUp === undefined) return
  const live = session.record?.claims
  const others = stepUp.sub !== undefined && stepUp.sub !== claims.sub
  if (others || (live !== undefined && (live.sub !== claims.sub || live.iss !== claims.iss))) {
    throw failed('Somebody else logged in. To go on as another person, log out first.', 'another sub')
  }
  const tolerance = config.clockToleranceSeconds
  const authenticatedAt = authenticationTime(claims, now)
  const fault = stepUpFault({ authenticatedAt, claims }, stepUp, now, tolerance)
  if (fault !== undefined) throw failed(NOT_MET, fault)
  // `prompt=login` was sent, so whoever authenticated earlier did not do it for this.
  if (authenticatedAt === undefined || authenticatedAt < startedAt - tolerance * 1000) {
    throw failed(NOT_MET, 'its auth_time is missing, or before the log-in was asked for')
  }
}

const NOT_MET = 'The provider did not confirm your identity in the way that this page needs.'

function failed(message: string, reason: string): RefusedError {
  return new RefusedError('step_up_failed', 403, message, { reason })
}

/** @returns what the app adds to the person @throws RefusedError where it does not let them in */
export async function askApp(
  { config, req }: RequestContext,
  { claims, tokens }: SignIn,
): Promise<AuthRecord['enrichment']> {
  const answer = await config.afterCallback?.(
    {
      user: { ...personalClaims(claims), sub: claims.sub },
      claims,
      scope: tokens.scope,
      getAccessToken: () => tokens.accessToken,
    },
    req,
  )
  if (answer === undefined) return undefined
  if (answer.refuse !== undefined) throw new RefusedError('login_refused', 403, answer.refuse)
  return answer.user
}
