// What express-openid-connect has on a request, for whom imports it from here; and its names for that.
import type { Request, Response } from 'express'
import type { IdTokenClaims, RequestOidc, ResponseOidc } from '../index.ts'
import type { AccessToken } from './access-token.ts'
import type { CallbackOptions, LoginOptions, LogoutOptions } from './arguments.ts'

declare module '../request-oidc.ts' {
  interface RequestOidc {
    /** The ID token as the provider signed it. */
    readonly idToken?: string | undefined
    readonly idTokenClaims?: IdTokenClaims | undefined
    readonly accessToken?: AccessToken | undefined
    /** Reading it throws: the refresh token stays on the server. */
    readonly refreshToken?: undefined
  }
  interface ResponseOidc {
    /** As in express-openid-connect: it answers, with an error too, and never rejects. */
    login(options?: LoginOptions): Promise<void>
    logout(options?: LogoutOptions): Promise<void>
    /** Completes a login, on a route of the app's: `routes: { callback: false }`. */
    callback(options?: CallbackOptions): Promise<void>
    readonly errorOnRequiredAuth?: boolean | undefined
  }
}

export type RequestContext = RequestOidc
export type ResponseContext = ResponseOidc
export type OpenidRequest = Request
export type OpenidResponse = Response
