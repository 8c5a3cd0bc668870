// GET /me: who is logged in and how fresh that is. Asking does not keep the session from its idle end.
import { onlyMethods } from './http/method-and-query.ts'
import { requireOwnResource } from './http/own-resource.ts'
import { tellCaches } from './lib/caching.ts'
import type { User } from './record/person.ts'
import type { RequestContext } from './session/request-context.ts'

export function user(context: RequestContext): void {
  const { config, req, res, session } = context
  requireOwnResource(req, config)
  onlyMethods(context, ['GET', 'HEAD'])
  session.requireKnown()
  const { oidc } = req
  const answer = {
    authenticated: oidc.isAuthenticated(),
    user: oidc.user && listed(oidc.user, config.userClaims),
    session: oidc.session && {
      ...oidc.session,
      // The page has no use for the session's id, nor for the app's own name of the tenant, and scripts need not see them.
      id: undefined,
      tenant: undefined,
      // By the store's clock: the page's own may be wrong.
      expiresIn: Math.max(0, Math.floor((session.endsAt - session.now) / 1000)),
    },
  }
  // Not res.json(): the answer is never cached, so Express need not hash it for an ETag.
  tellCaches(res, 'no-store')
  res.type('json').end(JSON.stringify(answer))
}

function listed(user: User, claims: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(user).filter(([claim]) => claims.includes(claim)))
}
