// `req.oidc` with the members of express-openid-connect over those of this package.
import type { RequestOidc } from '../index.ts'
import { accessToken } from './access-token.ts'
import { argumentError, contextOf } from './inside.ts'
import { type Kept, keptOf, type Visit, visitOf } from './visit.ts'

type Members = PropertyDescriptorMap & ThisType<RequestOidc>

/** @param below the prototype of this package's own `req.oidc` */
export function requestMembers(below: object): Members {
  const own = <Name extends keyof RequestOidc>(oidc: RequestOidc, name: Name): RequestOidc[Name] =>
    Reflect.get(below, name, oidc)
  const of = <T>(oidc: RequestOidc, read: (kept: Kept, visit: Visit) => T): T | undefined => {
    const visit = visitOf(oidc)
    const kept = visit && keptOf(visit)
    return kept && read(kept, visit)
  }

  return {
    isAuthenticated: {
      get() {
        const isOwn = own(this, 'isAuthenticated')
        return () => visitOf(this)?.pending !== undefined || isOwn()
      },
    },
    idToken: {
      get() {
        return of(this, ({ idToken }) => idToken)
      },
    },
    idTokenClaims: {
      get() {
        return of(this, ({ claims }) => structuredClone(claims))
      },
    },
    user: {
      get() {
        return of(this, ({ claims }, { config, pending }) => {
          const person = pending?.user ?? own(this, 'user')
          const all = Object.entries({ ...structuredClone(claims), ...person })
          return Object.fromEntries(
            all.filter(([name]) => !config.identityClaimFilter.includes(name) && name !== ADDED),
          )
        })
      },
    },
    accessToken: {
      get() {
        return of(this, accessToken)
      },
    },
    refreshToken: {
      get() {
        throw argumentError(
          'req.oidc.refreshToken',
          'it',
          `${STAYS}: call req.oidc.accessToken.refresh(), or req.oidc.getAccessToken()`,
        )
      },
    },
    fetchUserInfo: {
      get() {
        const visit = visitOf(this)
        return visit?.pending === undefined ? own(this, 'fetchUserInfo') : () => userInfoOf(visit)
      },
    },
  }
}

export const STAYS = 'stays on the server, where no handler can lose it, and no two use it at once'

/** Under this name the session keeps what `afterCallback` added for `req.appSession`. */
export const ADDED = 'express-openid-connect'

/** Of whom there is no session yet. */
async function userInfoOf({ req, pending }: Visit) {
  const { provider, session } = contextOf(req)
  if (pending === undefined) return req.oidc.fetchUserInfo()
  const { claims } = pending
  const answer = await provider.userInfo({ claims, accessToken: pending.getAccessToken(), now: session.now })
  if (answer.kind === 'told') return { ...answer.claims, sub: claims.sub }
  throw new Error(`the userinfo endpoint does not say who this is: ${answer.reason}`)
}
