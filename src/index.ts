// The front door.
export { type AuthHandler, auth } from './auth.ts'
export {
  type AuthError,
  ConfigurationError,
  isAuthError,
  RefusedError,
  SignInAgainError,
  TryLaterError,
} from './errors.ts'
export type { AuthEvents, SessionEndReason } from './events.ts'
export { type RequireFreshOptions, requireAuth, requireFresh } from './guards.ts'
export type {
  AuthOptions,
  ClientAuthMethod,
  Logger,
  MutualTLSOptions,
  RenewalOptions,
  Routes,
  SessionOptions,
} from './options.ts'
export type { RequestOidc, ResponseOidc, SessionInfo, User } from './request-oidc.ts'
