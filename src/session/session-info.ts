// `req.oidc.session`: how fresh the session is.
import { dueAt } from '../record/due.ts'
import type { RequestContext } from './request-context.ts'

/** How fresh the session is. */
export interface SessionInfo {
  /** As in `sessions.list()`, to tell this session from the person's others. No credential: the cookie is signed. */
  readonly id: string
  /** When the person logged in here. */
  readonly createdAt: Date
  /** When the renewal of the current ID token began. */
  readonly renewedAt: Date
  /** When requests begin to wait for the next renewal. */
  readonly dueAt: Date
  /** When the session ends unless it is used again. */
  readonly expiresAt: Date
  /** When the person authenticated at the provider (`auth_time`), where it says so. */
  readonly authTime: Date | undefined
  /** How they did (`acr`), where it says so. */
  readonly acr: string | undefined
  /** 1 after login, one more with every renewal. */
  readonly generation: number
  /** The name of the provider that the person logged in with, of the option `providers`; undefined without it. */
  readonly provider?: string | undefined
  /** The key of the tenant, with the option `tenant`. */
  readonly tenant?: string | undefined
}

/** @internal */
export function sessionInfoOf({ config, events, session }: RequestContext): SessionInfo | undefined {
  const { record } = session
  const id = session.binding.authId
  if (record === undefined || id === undefined) return undefined
  const { auth_time: authTime, acr } = record.claims
  return {
    id,
    createdAt: new Date(record.createdAt),
    renewedAt: new Date(record.renewedAt),
    dueAt: new Date(dueAt(record, config.renewal)),
    expiresAt: new Date(session.endsAt),
    authTime: authTime === undefined ? undefined : new Date(authTime * 1000),
    acr,
    generation: record.generation,
    ...events.origin,
  }
}
