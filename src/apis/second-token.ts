// Where an API's 401 is answered by a renewal: once, for `relay()` and `req.oidc.fetch()` alike.
import { createHash } from 'node:crypto'
import type { AccessTokenRequest } from '../record/access-token.ts'
import type { RequestContext } from '../session/request-context.ts'

/** A token that was fetched because an API refused another is not replaced for so long, should it be refused too. */
const LASTS_SECONDS = 60

/**
 * Another token in the place of one that an API refused; undefined where that one was such a token itself. Or each request
 * to an API that is set up wrongly would cost the provider a renewal. The store remembers, so that it costs no more with
 * many processes.
 *
 * @throws as `CurrentSession.accessToken()`; TryLaterError
 */
export async function secondToken(
  { session, store }: Pick<RequestContext, 'session' | 'store'>,
  wanted: AccessTokenRequest,
  refused: string,
): Promise<string | undefined> {
  if (await store.wasUsed(nameOf(refused))) return undefined
  const token = await session.accessToken(wanted, refused)
  await store.useOnce(nameOf(token), LASTS_SECONDS).catch(() => undefined)
  return token
}

/** Not the token itself, which nobody keeps. */
function nameOf(token: string): string {
  return `second-token:${createHash('sha256').update(token).digest('base64url')}`
}
