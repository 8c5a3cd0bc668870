// What a logged-in session knows, and what a renewal makes of it.
import { type AccessToken, type AccessTokens, LOGIN_TOKEN, refusal, withToken } from './access-token.ts'
import {
  authenticationTime,
  expiryOf,
  type IdTokenClaims,
  renewedClaims,
  sessionExpiryOf,
} from './id-token-claims.ts'

/** Tokens as the provider gave them. */
export interface Tokens {
  /** Undefined: the provider gave none beside the ID token, as Azure AD B2C does where no API was asked for. */
  readonly accessToken: string | undefined
  /** Seconds, as the provider said; undefined where it did not say. */
  readonly accessTokenLifetimeSeconds: number | undefined
  readonly refreshToken: string | undefined
  readonly idToken: string | undefined
  readonly scope: string | undefined
}

/** Times are milliseconds since the epoch by the store's clock, so that all processes agree on them. */
export interface AuthRecord {
  readonly generation: number
  /** Whose it is (`ownerName()`): an issuer may be configured by another name than its ID tokens say. */
  readonly owner?: string
  readonly claims: IdTokenClaims
  /** What the userinfo endpoint said of the person besides; left out where it was not asked. */
  readonly userInfo?: UserInfo | undefined
  readonly idToken: string
  readonly accessToken: string | undefined
  readonly refreshToken: string | undefined
  readonly scope: string | undefined
  readonly createdAt: number
  /** When the absolute lifetime ends. */
  readonly endsAt: number
  /** When the person authenticated at the provider; undefined where it did not say. */
  readonly authenticatedAt: number | undefined
  /** The browser that logged in, for the person to know it again. */
  readonly device: Device | undefined
  /** What `afterCallback` had to say about the person. */
  readonly enrichment: Readonly<Record<string, unknown>> | undefined
  /** When the renewal that made this record began: what it says of the account was asked no earlier. */
  readonly renewedAt: number
  /** Undefined when the last answer had no ID token: then nothing says how long the claims hold. */
  readonly idTokenExpiresAt: number | undefined
  readonly accessTokenExpiresAt: number | undefined
  /** Tokens for further APIs. */
  readonly accessTokens?: AccessTokens
  /** 0 to 1, drawn anew at each renewal, so that sessions made together do not fall due together. */
  readonly jitter: number
  /** ID tokens of renewals that did not pass, in a row; none: 0. */
  readonly refusals?: number | undefined
  /** The logins that this browser completed as this person, newest first, so that a repeated callback is known. */
  readonly logins: readonly CompletedLogin[]
}

/** Claims about a person, from the userinfo endpoint (OpenID Connect Core §5.3.2). */
export type UserInfo = Readonly<Record<string, unknown>>

/** Where a login came from, as far as one can tell. */
export interface Device {
  /** As Express says: with `trust proxy`, what the proxy was told. */
  readonly address: string | undefined
  readonly userAgent: string | undefined
}

/** What sessions are found by from elsewhere: the person, or their session at the provider. */
export interface SessionGroup {
  readonly claim: 'sub' | 'sid'
  readonly value: string
  /** The tenant in which it is somebody's name, where the issuer is one for each of them. */
  readonly tid?: string | undefined
}

export interface CompletedLogin {
  readonly stateHash: string
  readonly returnTo: string
}

/** What a completed login or renewal brings. */
export interface TokenAnswer {
  readonly tokens: Tokens
  /** Claims of the ID token in the answer, if it had one and every check passed. */
  readonly claims: IdTokenClaims | undefined
}

/** What of a new record is not in the provider's answer. */
export interface LoginFacts {
  readonly owner: string
  readonly logins: readonly CompletedLogin[]
  readonly device: Device
  readonly enrichment: AuthRecord['enrichment']
  readonly userInfo?: AuthRecord['userInfo']
  readonly absoluteTimeoutSeconds: number
}

export function newRecord(
  answer: TokenAnswer & { claims: IdTokenClaims; tokens: { idToken: string } },
  now: number,
  { absoluteTimeoutSeconds, ...facts }: LoginFacts,
): AuthRecord {
  return {
    generation: 1,
    claims: answer.claims,
    idToken: answer.tokens.idToken,
    ...tokenFields(answer.tokens, now),
    refreshToken: answer.tokens.refreshToken,
    createdAt: now,
    endsAt: earlier(now + absoluteTimeoutSeconds * 1000, sessionExpiryOf(answer.claims, now)),
    authenticatedAt: authenticationTime(answer.claims, now),
    renewedAt: now,
    idTokenExpiresAt: expiryOf(answer.claims, now),
    jitter: Math.random(),
    ...facts,
  }
}

/** The record after an answer that did not pass: nothing of it is used, but the old refresh token is spent. */
export function withRefreshToken(
  old: AuthRecord,
  refreshToken: string | undefined,
  refusals = 0,
): AuthRecord {
  return {
    ...old,
    refusals: refusals === 0 ? undefined : refusals,
    generation: old.generation + 1,
    refreshToken: refreshToken ?? old.refreshToken,
    jitter: Math.random(),
  }
}

/** The record after a renewal that began at `beganAt` and asked for the access token of that name. */
export function renewed(
  old: AuthRecord,
  answer: TokenAnswer,
  beganAt: number,
  name = LOGIN_TOKEN,
): AuthRecord {
  const { tokens, claims } = answer
  const fields = tokenFields(tokens, beganAt)
  const next: AuthRecord = {
    ...withRefreshToken(old, tokens.refreshToken),
    ...(name === LOGIN_TOKEN
      ? { ...fields, scope: tokens.scope ?? old.scope, renewedAt: beganAt, idTokenExpiresAt: undefined }
      : { accessTokens: withToken(old.accessTokens, name, tokenOrRefusal(fields, beganAt), beganAt) }),
  }
  // Without `openid` among the scopes asked for, no ID token comes, and what is known of the person is as old as before.
  if (claims === undefined || tokens.idToken === undefined) return next
  return {
    ...next,
    renewedAt: beganAt,
    endsAt: earlier(old.endsAt, sessionExpiryOf(claims, beganAt)),
    claims: renewedClaims(claims, old.claims),
    idToken: tokens.idToken,
    idTokenExpiresAt: expiryOf(claims, beganAt),
  }
}

function earlier(endsAt: number, other: number | undefined): number {
  return other === undefined ? endsAt : Math.min(endsAt, other)
}

/** The record after the provider would not give the access token of that name: it is not asked again at once. */
export function withRefusal(record: AuthRecord, name: string, now: number): AuthRecord {
  return { ...record, accessTokens: withToken(record.accessTokens, name, refusal(now), now) }
}

export function accessTokenOf(record: AuthRecord, name: string): AccessToken | undefined {
  return name === LOGIN_TOKEN ? tokenIn(record) : record.accessTokens?.[name]
}

export function groupsOf({ claims: { sub, sid, tid } }: Pick<AuthRecord, 'claims'>): SessionGroup[] {
  const tenant = typeof tid === 'string' ? { tid } : {}
  const person: SessionGroup = { claim: 'sub', value: sub, ...tenant }
  return typeof sid === 'string' && sid !== '' ? [person, { claim: 'sid', value: sid, ...tenant }] : [person]
}

function tokenFields({ accessToken, accessTokenLifetimeSeconds: lifetime, scope }: Tokens, now: number) {
  return {
    accessToken,
    scope,
    accessTokenExpiresAt: lifetime === undefined ? undefined : now + lifetime * 1000,
  }
}

/** None at all is not for good: a setting at the provider may be about to change. */
function tokenOrRefusal(fields: Parameters<typeof tokenIn>[0], now: number): AccessToken {
  return fields.accessToken === undefined ? refusal(now) : tokenIn(fields)
}

function tokenIn(fields: Pick<AuthRecord, 'accessToken' | 'accessTokenExpiresAt'>): AccessToken {
  return { token: fields.accessToken, expiresAt: fields.accessTokenExpiresAt }
}
