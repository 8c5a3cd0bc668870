// What can be wrong, in words for programs: of each class of errors its codes. The tables of the documentation are made from these comments.
/** Why the person has to log in (again). Answered with 401. */
export type LoginRequiredCode =
  /** Nobody is logged in: send the person to `login_url`. */
  | 'login_required'
  /** The provider no longer honours the session, or it was ended elsewhere: send the person to `login_url`. */
  | 'session_ended'
  /** The provider gave no refresh token: log in again, and see to it that the next login brings one. */
  | 'renewal_impossible'
  /** The person has to confirm who they are: send them to `login_url`. `WWW-Authenticate` says what is asked (RFC 9470). */
  | 'step_up_required'
  /** Somebody is logged in, but with another provider than this page needs: send the person to `login_url`. */
  | 'provider_required'

/** What is out of reach for the moment. Answered with 503 and `Retry-After`. */
export type TryLaterCode =
  /** The session is kept: try again, and look after Redis. */
  | 'store_unavailable'
  /** The session is kept: try again after `Retry-After`. */
  | 'provider_unavailable'
  /** Another request or server is still renewing: try again. */
  | 'renewal_pending'
  /** Of a relay: the API does not answer. Try again later. */
  | 'api_unavailable'
  /** Of a relay: the token was renewed, and the body is gone. Send the request again. */
  | 'send_again'
  /** With `tenant`: who is served under this address cannot be looked up just now. Try again after `Retry-After`. */
  | 'tenant_unavailable'

/** What is wrong with the request. Answered with 4xx. */
export type RefusedCode =
  /** What came back is no answer to a login: log in again. */
  | 'callback_malformed'
  /** This browser has no such login on its way: log in again. */
  | 'login_unknown'
  /** The login took longer than `login.timeoutSeconds`: log in again. */
  | 'login_expired'
  /** The provider refused, or the person did. */
  | 'login_denied'
  /** The provider's answer did not pass: log in again; the log says more. */
  | 'login_failed'
  /** Your `afterCallback` said no, or `tenants`. */
  | 'login_refused'
  /** `/login` was given parameters that it does not take. */
  | 'login_malformed'
  /** The provider did not confirm what was asked, or somebody else logged in; the session stays. */
  | 'step_up_failed'
  /** The person may not do this. */
  | 'claim_required'
  /** The provider gives this client no token for that API; the event `renewal-failed` says why. */
  | 'access_token_refused'
  /** Of a relay: the API refuses a fresh token. Mostly its `audience` is wrong. Of `fetchUserInfo()`: the provider does, or it speaks of somebody else. */
  | 'api_refused'
  /** Of a relay: the path, the query or the handshake is not handed on; the log says why. */
  | 'request_malformed'
  /** For the provider: its logout token did not pass; the log says more. */
  | 'logout_token_invalid'
  /** Another site's page sent it; if that site is yours, name it in `allowedOrigins`. */
  | 'cross_site'
  /** `/login`, `/logout` and `/callback` are for pages that a person opens, no prefetch, image or frame. */
  | 'not_a_page_load'
  /** The route or the relay takes other methods. */
  | 'method_not_allowed'
  /** Send a form: `application/x-www-form-urlencoded`. */
  | 'unsupported_media_type'
  /** The form, or what a login has to remember, is too long. */
  | 'content_too_large'
  /** With `tenant`: nobody is served under this address. */
  | 'tenant_unknown'

/** What is wrong with the set-up. Thrown at start-up, or where the mistake shows. */
export type ConfigurationCode =
  /** An option or a parameter is wrong: the message names it, and the cure. */
  | 'invalid_option'
  /** A guard, `relay()` or `req.oidc` has no `app.use(auth())` above it. */
  | 'auth_not_mounted'
  /** Two `auth()` ran for one request. */
  | 'auth_mounted_twice'
  /** `req.oidc.fetch()` was given an address whose origin is not in `apis`. */
  | 'api_not_listed'
  /** A body parser stands above `relay()`: mount it below. */
  | 'body_already_read'
