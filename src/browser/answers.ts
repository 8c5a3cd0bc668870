// What the server answers a page, and what a page says of a login.

/**
 * Claims about the person: `sub`, and those that the option `userClaims` lists. By itself they are these, of which a provider may
 * leave out any.
 */
export interface PageUser {
  sub: string
  name?: string
  given_name?: string
  family_name?: string
  middle_name?: string
  nickname?: string
  preferred_username?: string
  /** The URL of an image. */
  picture?: string
  email?: string
  email_verified?: boolean
  /** As `Europe/Paris`. */
  zoneinfo?: string
  /** As `de-CH`. */
  locale?: string
  [claim: string]: unknown
}

/** Somebody who is logged in, as `GET /me` tells it. Times are ISO 8601. */
export interface Me {
  user: PageUser
  session: {
    /** When the person logged in here. */
    createdAt: string
    /** When the renewal of the current ID token began. */
    renewedAt: string
    /** When requests begin to wait for the next renewal. */
    dueAt: string
    /** When the session ends unless it is used again. Asking `/me` is no use. */
    expiresAt: string
    /** The same in whole seconds from now, for pages whose clock is wrong. */
    expiresIn: number
    /** When the person authenticated at the provider, where it says so. */
    authTime?: string
    /** How they did, where it says so. */
    acr?: string
    /** 1 after login, one more with every renewal. */
    generation: number
    /** Of several, the provider that the person logged in with. */
    provider?: string
  }
}

export type ProblemCode =
  | 'login_required'
  | 'session_ended'
  | 'renewal_impossible'
  | 'step_up_required'
  | 'provider_required'
  | 'store_unavailable'
  | 'provider_unavailable'
  | 'renewal_pending'

/** RFC 9457. */
export interface Problem {
  code?: ProblemCode
  detail?: string
  login_url?: string
}

/** A path of this site, or a URL on an origin of the server's `allowedReturnOrigins`; without one, the page that is open. */
export type ReturnOptions = { returnTo?: string | undefined }

export type LoginOptions = ReturnOptions & {
  /**
   * What to ask of the provider, as far as the server's option `login.params` lets a page; the rest is left out there.
   *
   * @example login({ authorizationParams: { screen_hint: 'signup', ui_locales: 'de' } })
   */
  authorizationParams?: Readonly<Record<string, string | undefined>> | undefined
  /** Of several, with which provider; without it, the server has its way to choose. */
  provider?: string | undefined
}

/**
 * The session is over. Its `detail` is the code of the answer to `fetch()` that said so; `preventDefault()` then keeps the
 * page from leaving for the login, since a form may hold what is not saved. Undefined where no request needed the session:
 * then the page stays anyway.
 */
export type SessionEndEvent = CustomEvent<ProblemCode | undefined>
