// POST /logout, and GET where the person or our own page asks for it.
import { RefusedError } from '../errors.ts'
import { onlyMethods } from '../http/method-and-query.ts'
import { isCrossOrigin } from '../http/same-origin.ts'
import type { RequestContext } from '../session/request-context.ts'
import { logOut } from './log-out.ts'

export async function logout(context: RequestContext): Promise<void> {
  onlyMethods(context, ['GET', 'POST'])
  if (isCrossOrigin(context.req, context.config.origins)) {
    throw new RefusedError('cross_site', 403, 'Another site cannot log you out.')
  }
  await logOut(context)
}
