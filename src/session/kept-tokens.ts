// What the app may ask of the tokens that the session keeps, besides an access token itself.
import { type AccessTokenRequest, tokenKey } from '../record/access-token.ts'
import { accessTokenOf } from '../record/auth-record.ts'
import type { CurrentSession } from './current-session.ts'
import { checkRequest } from './renewal-errors.ts'
import type { RequestContext } from './request-context.ts'

/** The newest that the provider sent: a renewal need not bring one. @throws LoginRequiredError, TryLaterError */
export async function idTokenOf(session: CurrentSession): Promise<string> {
  const { idToken, idTokenExpiresAt, renewedAt } = session.require()
  if (idTokenExpiresAt === undefined || session.now < idTokenExpiresAt) return idToken
  // Any that is newer: another request may have renewed it by now.
  return (await session.renewedSince(renewedAt + 1, 'id-token')).idToken
}

/** @returns undefined where there is no such token, or the provider did not say @throws ConfigurationError */
export function accessTokenExpiry(
  { config, session }: RequestContext,
  wanted: AccessTokenRequest,
): Date | undefined {
  checkRequest(wanted, config.resources)
  const found = session.record && accessTokenOf(session.record, tokenKey(wanted))
  if (found?.token === undefined || found.expiresAt === undefined) return undefined
  return new Date(found.expiresAt)
}
