// The types of `req.oidc.user`, which apps may add to: nothing else is exported here, since all of it is public.

/** The claims about a person that OpenID Connect Core §5.1 names, as the provider sends them: it may leave out any. */
export interface StandardClaims {
  /** Who it is: unique at the provider, never given to somebody else. */
  readonly sub: string
  readonly name?: string
  readonly given_name?: string
  readonly family_name?: string
  readonly middle_name?: string
  readonly nickname?: string
  readonly preferred_username?: string
  /** The URL of a page about them. */
  readonly profile?: string
  /** The URL of an image. */
  readonly picture?: string
  readonly website?: string
  readonly email?: string
  readonly email_verified?: boolean
  readonly gender?: string
  /** `YYYY-MM-DD`, `0000-MM-DD` without a year, or `YYYY`. */
  readonly birthdate?: string
  /** As `Europe/Paris`. */
  readonly zoneinfo?: string
  /** As `de-CH`. */
  readonly locale?: string
  readonly phone_number?: string
  readonly phone_number_verified?: boolean
  readonly address?: AddressClaim
  /** In seconds since 1970. */
  readonly updated_at?: number
}

/** OpenID Connect Core §5.1.1. */
export interface AddressClaim {
  readonly formatted?: string
  readonly street_address?: string
  readonly locality?: string
  readonly region?: string
  readonly postal_code?: string
  readonly country?: string
}

/**
 * The claims about the person: of the ID token, of userinfo where that is asked, and what `afterCallback` added. Tell
 * TypeScript of your own:
 *
 * @example
 * declare module 'express-bff-session' {
 *   interface User { roles?: string[] }
 * }
 */
export interface User extends StandardClaims {
  readonly [claim: string]: unknown
}
