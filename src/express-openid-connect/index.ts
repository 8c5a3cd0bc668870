// `express-bff-session/express-openid-connect`: the surface of express-openid-connect 3, for apps that come from there.
export { type AccessToken, type RefreshParams, SessionExpiredError } from './access-token.ts'
export type { AuthorizationParameters, CallbackOptions, LoginOptions, LogoutOptions } from './arguments.ts'
export { auth } from './auth.ts'
export type {
  ConfigParams,
  CookieConfigParams,
  Session,
  SessionConfigParams,
  SessionStore,
} from './config-params.ts'
export { claimCheck, claimEquals, claimIncludes, requiresAuth } from './guards.ts'
export type { OpenidRequest, OpenidResponse, RequestContext, ResponseContext } from './request-types.ts'
export { attemptSilentLogin } from './silent.ts'
