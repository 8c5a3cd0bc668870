// GET /login?return_to=/path
import { beginLogIn } from '../log-in.ts'
import type { RequestContext } from '../request-context.ts'
import { onlyMethods, queryOf } from './method-and-query.ts'

export async function login(context: RequestContext): Promise<void> {
  onlyMethods(context, ['GET'])
  const asked = queryOf(context.req).getAll('return_to')
  await beginLogIn(context, asked.length === 1 ? asked[0] : undefined)
}
