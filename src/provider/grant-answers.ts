// What a grant comes to, in our words.
import type { RenewalOutcome } from '../events/events.ts'
import type { TokenAnswer, Tokens, UserInfo } from '../record/auth-record.ts'
import type { IdTokenClaims } from '../record/id-token-claims.ts'

/**
 * Whether the next answer of that kind may pass: `soon` where keys were out of reach; `in time` where keys or clocks differ,
 * which are put right; `never` where it says what it always says.
 */
export type MayPass = 'soon' | 'in time' | 'never'

/** What a refresh comes to. */
export type RefreshAnswer =
  | (TokenAnswer & { readonly kind: 'renewed' })
  /** New tokens came, so the old ones are spent; but the answer did not pass. */
  | {
      readonly kind: 'not-passed'
      readonly refreshToken: string | undefined
      readonly detail: string
      readonly mayPass: MayPass
    }
  /** The app does not want the people of that tenant any more. */
  | { readonly kind: 'unwanted'; readonly refreshToken: string | undefined; readonly detail: string }
  /** `invalid_grant`: the provider does not know the refresh token, or no longer honours it. */
  | { readonly kind: 'rejected' }
  | {
      readonly kind: 'unavailable'
      readonly outcome: RenewalOutcome
      readonly detail: string
      readonly retryAfterSeconds: number | undefined
      /** It is what was asked for that the provider will not give. */
      readonly isOfRequest: boolean
      /** Said again and again, it is what some say of a refresh token that is gone. */
      readonly isVague: boolean
    }

export interface CodeExchange {
  readonly tokens: Tokens & { readonly idToken: string }
  readonly claims: IdTokenClaims
  readonly userInfo?: UserInfo | undefined
}
