// The type of what an app keeps in `req.session`; it brings express-session's types to whoever loads this package's.
/// <reference types="express-session" preserve="true" />

/**
 * What the app keeps in `req.session`, empty until you say what it is. What is added to express-session's own
 * `SessionData` is there as well.
 *
 * @example
 * declare module 'express-bff-session' {
 *   interface SessionData { lastVisit: number }
 * }
 */
// biome-ignore lint/suspicious/noEmptyInterface: apps fill it
export interface SessionData {}

type Added = SessionData

declare module 'express-session' {
  interface SessionData extends Added {}
}
