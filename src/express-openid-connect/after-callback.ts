// `afterCallback(req, res, session, state)` of express-openid-connect, by that of this package.
import type { Request } from 'express'
import type { AfterCallback, CallbackLogin, CallbackVerdict } from '../index.ts'
import { tokensOf, valuesOf } from './app-session.ts'
import type { LayerConfig, Session } from './config-params.ts'
import { argumentError } from './inside.ts'
import { ADDED, STAYS } from './request.ts'
import { keptOf, type Visit } from './visit.ts'

/** @param visit makes `req.oidc` and `res.oidc` what they are below `auth()` */
export function translateAfterCallback(config: LayerConfig, visit: (req: Request) => Visit): AfterCallback {
  return async (login, req) => {
    const refuse = ageFault(login, config)
    if (refuse !== undefined) return { refuse }
    const { afterCallback } = config
    if (afterCallback === undefined) return undefined
    const visited = visit(req)
    visited.pending = login
    try {
      const session = sessionOf(visited)
      const state = { ...login.appState }
      return verdictOf(session, await afterCallback(req, visited.res, session, state))
    } finally {
      visited.pending = undefined
    }
  }
}

/** OpenID Connect Core §3.1.2.1: with `max_age`, the ID token has to say when the person authenticated. */
function ageFault({ authorizationParams, claims }: CallbackLogin, config: LayerConfig): string | undefined {
  const maxAge =
    authorizationParams.max_age === undefined ? config.maxAgeSeconds : Number(authorizationParams.max_age)
  if (maxAge === undefined) return undefined
  const { auth_time: time, iat } = claims
  if (typeof time === 'number' && iat - time <= maxAge + config.clockToleranceSeconds) return undefined
  return 'The provider did not confirm that you authenticated recently enough.'
}

function sessionOf(visit: Visit): Session {
  const kept = keptOf(visit)
  const session = (kept === undefined ? {} : tokensOf(kept)) as unknown as Session
  // Not among those that `{ ...session }` copies.
  return Object.defineProperty(session, 'refresh_token', {
    get() {
      throw argumentError('afterCallback()', 'session.refresh_token', STAYS)
    },
  })
}

/** @throws TypeError for what cannot be kept: nobody is logged in then */
function verdictOf(session: Session, returned: unknown): CallbackVerdict {
  if (typeof returned !== 'object' || returned === null || !('id_token' in returned))
    return { refuse: 'You were not let in.' }
  const given = returned as Session
  for (const name of ['id_token', 'access_token'] as const) {
    if (given[name] === session[name]) continue
    throw new TypeError(
      `afterCallback(): ${name} cannot be another one: keep what you want to add under another name`,
    )
  }
  return { user: { [ADDED]: valuesOf({ ...given }) } }
}
