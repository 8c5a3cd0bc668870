// The front door.
export type { AccessTokenRequest } from './access-token.ts'
export type { ApiFetch } from './api-fetch.ts'
export { type AuthHandler, auth } from './auth.ts'
export type { User } from './auth-record.ts'
export {
  type AuthError,
  ConfigurationError,
  isAuthError,
  RefusedError,
  SignInAgainError,
  TryLaterError,
} from './errors.ts'
export type { AuthEvents, SessionEndReason } from './events.ts'
export {
  type ClaimCheck,
  type RequireFreshOptions,
  type RequireStepUpOptions,
  requireAuth,
  requireClaim,
  requireFresh,
  requireStepUp,
} from './guards.ts'
export type { IdTokenClaims } from './id-token-claims.ts'
export type { AfterCallback, CallbackLogin, CallbackVerdict, OnCallbackError } from './option-hooks.ts'
export type {
  ApiOptions,
  AuthOptions,
  ClientAuthMethod,
  Logger,
  MutualTLSOptions,
  PrivateJWK,
  RenewalOptions,
  Routes,
  SessionOptions,
} from './options.ts'
export { type RelayOptions, relay } from './relay/relay.ts'
export { handleUpgrade } from './relay/upgrade.ts'
export type { RequestOidc, ResponseOidc, SessionInfo } from './request-oidc.ts'
export type { SessionEntry } from './session-entry.ts'
export type { Sessions } from './sessions.ts'
export type { StepUp } from './step-up.ts'
