// POST /logout, and GET where the person or our own page asks for it.
import { RefusedError } from '../errors.ts'
import { logOut } from '../log-out.ts'
import type { RequestContext } from '../request-context.ts'
import { isCrossOrigin } from '../same-origin.ts'
import { onlyMethods } from './method-and-query.ts'

export async function logout(context: RequestContext): Promise<void> {
  onlyMethods(context, ['GET', 'POST'])
  if (isCrossOrigin(context.req, context.config.origins)) {
    throw new RefusedError('cross_site', 403, 'Another site cannot log you out.')
  }
  await logOut(context)
}
