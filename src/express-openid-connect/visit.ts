// What one request is to this folder: beside the objects that an app may print.
import { inspect } from 'node:util'
import type { Request, Response } from 'express'
import type { CallbackLogin, IdTokenClaims, ResponseOidc } from '../index.ts'
import type { LayerConfig } from './config-params.ts'
import { contextOf } from './inside.ts'

/** What one request is to this folder. */
export interface Visit {
  readonly req: Request
  readonly res: Response
  readonly next: (error?: unknown) => void
  readonly config: LayerConfig
  /** This package's own `res.oidc`. */
  readonly own: Pick<ResponseOidc, 'login' | 'logout'>
  /** Somebody who is about to be logged in: `afterCallback` sees them as if they were. */
  pending: CallbackLogin | undefined
}

/** Beside the objects that an app may print. */
const visits = new WeakMap<object, Visit>()

export function visitOf(oidc: object): Visit | undefined {
  return visits.get(oidc)
}

export interface Kept {
  readonly claims: IdTokenClaims
  readonly idToken: string
  readonly accessToken: string | undefined
  /** Milliseconds, by the store's clock. */
  readonly accessTokenExpiresAt: number | undefined
  /** Undefined before there is a session. */
  readonly renewedAt?: number
  readonly now: number
}

/** What the session keeps of tokens, without asking anybody. */
export function keptOf({ req, pending }: Visit): Kept | undefined {
  const { session } = contextOf(req)
  const { now } = session
  if (pending === undefined) return session.record && { ...session.record, now }
  const seconds = pending.accessTokenLifetimeSeconds
  return {
    claims: pending.claims,
    idToken: pending.getIdToken(),
    accessToken: accessTokenOf(pending),
    accessTokenExpiresAt: seconds === undefined ? undefined : now + seconds * 1000,
    now,
  }
}

/** Some providers give none where no API was asked for. */
function accessTokenOf(login: CallbackLogin): string | undefined {
  try {
    return login.getAccessToken()
  } catch {
    return undefined
  }
}

/** For each class of this package's, the one above it; a process may have two copies of this package. */
const above = new WeakMap<object, object>()

/** Lays `members` over an object of this package's; what an app puts in the place of one, is that object's alone. */
export function layOver(oidc: object, visit: Visit, members: (below: object) => PropertyDescriptorMap): void {
  if (visits.has(oidc)) return
  const below = Object.getPrototypeOf(oidc)
  const prototype = above.get(below) ?? Object.create(below, { ...replaceable(members(below)), ...UNSEEN })
  above.set(below, prototype)
  Object.setPrototypeOf(oidc, prototype)
  visits.set(oidc, visit)
}

/** Whoever prints a request prints no token, whatever they ask `inspect()` for. */
const UNSEEN: PropertyDescriptorMap = {
  [inspect.custom]: { value: () => '[as express-openid-connect has it]' },
}

function replaceable(members: PropertyDescriptorMap): PropertyDescriptorMap {
  const all = Object.entries(members).map(([name, { get }]) => {
    const set = function (this: object, value: unknown) {
      Object.defineProperty(this, name, { value, writable: true, configurable: true, enumerable: true })
    }
    return [name, { get, set, configurable: true } as PropertyDescriptor] as const
  })
  return Object.fromEntries(all)
}
