// The front door.

export type { ApiFetch } from './apis/fetch.ts'
export { type RelayOptions, relay } from './apis/relay.ts'
export { handleUpgrade } from './apis/websocket.ts'
export { auth } from './auth.ts'
export type { AuthHandler } from './auth-handler.ts'
export type { ConfigurationCode, LoginRequiredCode, RefusedCode, TryLaterCode } from './errors/codes.ts'
export {
  type AuthError,
  ConfigurationError,
  isAuthError,
  LoginRequiredError,
  RefusedError,
  TryLaterError,
} from './errors/errors.ts'
export type {
  AuthEvents,
  EventOrigin,
  RenewalOutcome,
  SessionEndReason,
  TokenOutcome,
} from './events/events.ts'
export type { AroundOperation, Operation, OperationEnd, RenewalTrigger } from './events/operations.ts'
export type { Finding, FindingName } from './findings.ts'
export {
  type ClaimCheck,
  type RequireFreshOptions,
  type RequireStepUpOptions,
  requireAuth,
  requireClaim,
  requireFresh,
  requireStepUp,
} from './guards.ts'
export type { Health } from './health/health.ts'
export type { PartHealth } from './health/part.ts'
export type { Middleware } from './http/middleware.ts'
export type { LoginArguments } from './login/asked-parameters.ts'
export type { LogoutArguments } from './logout/log-out.ts'
export type {
  ApiOptions,
  AppState,
  AskAppState,
  AuthOptions,
  ClientAuthMethod,
  LogFields,
  Logger,
  LoginOptions,
  LogoutOptions,
  MayTenantLogIn,
  MutualTLSOptions,
  PrivateJWK,
  ProviderEntry,
  ProviderFetch,
  ProviderMetadata,
  ProviderOptions,
  ProviderRequest,
  ProviderResponse,
  RenewalOptions,
  Routes,
  SessionOptions,
  TenantLookup,
  TenantOptions,
  TenantSetUp,
  UserInfoOptions,
} from './options/auth-options.ts'
export type {
  AfterCallback,
  AfterRenewal,
  CallbackLogin,
  CallbackVerdict,
  OnCallbackError,
  OnChooseProvider,
  OnError,
  ProviderChoice,
  RenewedSession,
} from './options/hooks.ts'
export type { AccessTokenRequest } from './record/access-token.ts'
export type { IdTokenClaims } from './record/id-token-claims.ts'
// `export *`, since TypeScript lets apps add to no interface that is exported by its name.
export type * from './record/person.ts'
export type { StepUp } from './record/step-up.ts'
export type { RequestOidc, ResponseOidc } from './request-oidc.ts'
export type * from './session/session-data.ts'
export type { SessionEntry } from './session/session-entry.ts'
export type { SessionInfo } from './session/session-info.ts'
export type { Sessions, Who } from './session/sessions.ts'
