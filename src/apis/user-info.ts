// `req.oidc.fetchUserInfo()`: what the provider says of the person now, for a handler that needs it now.
import { RefusedError } from '../errors/errors.ts'
import { reportRefused } from '../http/report-refused.ts'
import type { User } from '../record/person.ts'
import type { RequestContext } from '../session/request-context.ts'
import { secondToken } from './second-token.ts'

/** With one renewal and one more try where the access token is not taken, as for any API. */
export function createUserInfoFetch(context: RequestContext): () => Promise<User> {
  const { provider, session } = context

  function ask(accessToken: string) {
    return provider.userInfo({ claims: session.require().claims, accessToken, now: session.now })
  }

  return async () => {
    const token = await session.accessToken()
    let answer = await ask(token)
    if (answer.kind === 'refused' && answer.isOfToken) {
      const second = await secondToken(context, {}, token)
      if (second !== undefined) answer = await ask(second)
    }
    if (answer.kind === 'told') return { ...answer.claims, sub: session.require().claims.sub }
    const { reason } = answer
    const error = new RefusedError('api_refused', 403, 'The login provider does not say who you are.', {
      reason,
    })
    reportRefused(context, error, 'userinfo was refused')
    throw error
  }
}
