// GET /me: who is logged in and how fresh that is. Asking does not keep the session from its idle end.
import { dueAt, userOf } from '../auth-record.ts'
import type { RequestContext } from '../request-context.ts'
import { onlyMethods } from './method-and-query.ts'

export function user(context: RequestContext): void {
  const { config, res, session } = context
  onlyMethods(context, ['GET', 'HEAD'])
  session.requireKnown()
  const { record } = session
  const answer =
    record === undefined
      ? { authenticated: false }
      : {
          authenticated: true,
          user: userOf(record),
          session: {
            createdAt: new Date(record.createdAt),
            renewedAt: new Date(record.renewedAt),
            dueAt: new Date(dueAt(record, config.renewal)),
            expiresAt: new Date(session.endsAt),
            generation: record.generation,
          },
        }
  // Not res.json(): the answer is never cached, so Express need not hash it for an ETag.
  res.set('cache-control', 'no-store').type('json').end(JSON.stringify(answer))
}
