// What `res.oidc` takes, by the names of express-openid-connect.

/** Parameters of the authorization request. Numbers and booleans are written out, `claims` may be an object. */
export interface AuthorizationParameters {
  max_age?: number | string
  [name: string]: unknown
}

export interface LoginOptions {
  authorizationParams?: AuthorizationParameters | undefined
  /** @defaultValue the page that was asked for */
  returnTo?: string | undefined
  /** Nobody is asked anything (`prompt=none`): whom the provider does not know comes back as they left. */
  silent?: boolean | undefined
}

export interface LogoutOptions {
  /** @defaultValue `routes.postLogoutRedirect` */
  returnTo?: string | undefined
  logoutParams?: Record<string, unknown> | undefined
}

export interface CallbackOptions {
  /** The one of `authorizationParams.redirect_uri`. */
  redirectUri?: string | undefined
  tokenEndpointParams?: Record<string, unknown> | undefined
}
