// `req.appSession`: the app's own values, which are `req.session`'s; tokens can be read by it, and are not in it.
import type { Request } from 'express'
import { argumentError, contextOf } from './inside.ts'
import { ADDED, STAYS } from './request.ts'
import { keptOf, type Visit } from './visit.ts'

/** What the tokens are called there. */
const TOKENS = ['id_token', 'access_token', 'token_type', 'expires_at', 'sid', 'sessionExpiresAt']
/** Of express-session's own, and what is no name of a value. */
const TAKEN = [
  'cookie',
  'id',
  'req',
  'save',
  'reload',
  'destroy',
  'regenerate',
  'touch',
  'resetMaxAge',
  'hash',
  '__proto__',
]
/** In `req.session`: of which login the values of `afterCallback` are there already. */
const MARK = '_afterCallback'

type Values = Record<string, unknown>

/** @throws TypeError for values that no session can keep */
export function valuesOf(session: Readonly<Values>): Values {
  const values = Object.entries(session).filter(([name]) => ![...TOKENS, 'refresh_token'].includes(name))
  const taken = values.find(([name]) => TAKEN.includes(name) || name === MARK)
  if (taken !== undefined)
    throw new TypeError(
      `afterCallback(): the session cannot have a value '${taken[0]}'; give it another name`,
    )
  return Object.fromEntries(values)
}

export function attachAppSession(visit: Visit): void {
  const { req, config } = visit
  const { sessionName } = config
  if (sessionName === 'session' || Object.hasOwn(req, sessionName)) return
  Object.defineProperty(req, sessionName, {
    configurable: true,
    get: () => appSession(req, visit),
    set() {
      throw argumentError(
        `req.${sessionName}`,
        'it',
        'cannot be replaced: set its values, or end the session by res.oidc.logout()',
      )
    },
  })
}

function appSession(req: Request, visit: Visit): Values {
  const session = req.session as unknown as Values
  const { record } = contextOf(req).session
  const added = record?.enrichment?.[ADDED]
  // Once a login: they are the app's to change from then on.
  if (added !== undefined && session[MARK] !== record?.createdAt) {
    Object.assign(session, added, { [MARK]: record?.createdAt })
  }
  return new Proxy(session, {
    get(target, name) {
      if (name === 'refresh_token')
        throw argumentError(`req.${visit.config.sessionName}.refresh_token`, 'it', STAYS)
      const value = TOKENS.includes(String(name)) ? tokenOf(visit, String(name)) : Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
    set(target, name, value) {
      if (name !== 'refresh_token' && !TOKENS.includes(String(name))) return Reflect.set(target, name, value)
      throw argumentError(
        `req.${visit.config.sessionName}.${String(name)}`,
        'it',
        'cannot be set: tokens change by a renewal only, accessToken.refresh()',
      )
    },
  })
}

function tokenOf(visit: Visit, name: string): unknown {
  const kept = keptOf(visit)
  return kept && tokensOf(kept)[name]
}

/** As they are called in a session of express-openid-connect. */
export function tokensOf({
  claims,
  idToken,
  accessToken,
  accessTokenExpiresAt,
}: NonNullable<ReturnType<typeof keptOf>>): Values {
  const { sid, session_expiry: sessionExpiresAt } = claims
  const all = {
    id_token: idToken,
    access_token: accessToken,
    token_type: accessToken && 'Bearer',
    expires_at: accessTokenExpiresAt && Math.floor(accessTokenExpiresAt / 1000),
    sid,
    sessionExpiresAt,
  }
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
}
