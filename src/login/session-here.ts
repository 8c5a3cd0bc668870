// The session that a login may go on from: of the same client at the same provider, where `sub` means the same person.
import type { AuthRecord } from '../record/auth-record.ts'
import { isOwnedBy } from '../record/owner.ts'
import type { RequestContext } from '../session/request-context.ts'

type Here = Pick<RequestContext, 'config' | 'session'>

/** @returns undefined where nobody is logged in, or with another provider than this login is with */
export function sessionHere({ config, session }: Here): AuthRecord | undefined {
  const { record } = session
  return record !== undefined && isOwnedBy(record, config) ? record : undefined
}
