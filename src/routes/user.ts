// GET /me: who is logged in and how fresh that is. Asking does not keep the session from its idle end.
import type { RequestContext } from '../request-context.ts'
import { onlyMethods } from './method-and-query.ts'

export function user(context: RequestContext): void {
  onlyMethods(context, ['GET', 'HEAD'])
  context.session.requireKnown()
  const { oidc } = context.req
  // The page has no use for the session's id, and scripts need not see it.
  const session = oidc.session && { ...oidc.session, id: undefined }
  const answer = { authenticated: oidc.isAuthenticated(), user: oidc.user, session }
  // Not res.json(): the answer is never cached, so Express need not hash it for an ETag.
  context.res.set('cache-control', 'no-store').type('json').end(JSON.stringify(answer))
}
