// Access tokens for further APIs: fetched with the one refresh token, kept beside the token that came with the login.

/** For which API, and for what there. Neither: the token that came with the login. */
export interface AccessTokenRequest {
  /** How the provider calls the API; a URL where the login asked for `resource` (RFC 8707). */
  readonly audience?: string | undefined
  /** Scopes of that API, with spaces between them. */
  readonly scope?: string | undefined
}

export interface AccessToken {
  /** Undefined: the provider would not give one. */
  readonly token: string | undefined
  /** By the store's clock; until then a refusal counts too. Undefined where the provider did not say. */
  readonly expiresAt: number | undefined
}

/** By `tokenName()`. */
export type AccessTokens = Readonly<Record<string, AccessToken>>

/** The name of the token that came with the login. */
export const LOGIN_TOKEN = ''

const MOST_TOKENS = 20
/** A refusal may be a setting at the provider that somebody is about to change. */
export const REFUSED_SECONDS = 60

const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*$/

/**
 * @param resources what the login asked access to; nothing, where it did not name APIs
 * @returns what is wrong with a request, or undefined
 */
export function accessTokenFault(
  { audience, scope }: { audience?: unknown; scope?: unknown },
  resources: readonly string[],
): string | undefined {
  if (audience !== undefined && (typeof audience !== 'string' || audience === ''))
    return 'must have an audience that is a string, or none'
  // RFC 6749 §3.3
  if (scope !== undefined && (typeof scope !== 'string' || !SCOPE.test(scope)))
    return 'must have a scope of words with a space between, or none'
  // RFC 8707 §2.2: nothing beyond what the login asked for. Some providers spend the refresh token, then refuse.
  if (audience !== undefined && resources.length > 0 && !resources.includes(audience))
    return `asks for the audience ${audience}, which is not in authorizationParams.resource: add it there`
  return undefined
}

/** The same for requests that ask for the same. */
export function tokenKey({ audience, scope }: AccessTokenRequest): string {
  if (audience === undefined && scope === undefined) return LOGIN_TOKEN
  const scopes = new Set(scope?.split(' ').filter((one) => one !== ''))
  return JSON.stringify([audience ?? '', ...[...scopes].sort()])
}

/** With `token` under its name, and without what has expired. */
export function withToken(
  tokens: AccessTokens | undefined,
  name: string,
  token: AccessToken,
  now: number,
): AccessTokens {
  const others = Object.entries(tokens ?? {}).filter(([key, each]) => key !== name && isLive(each, now))
  const newestLast = others.sort(([, a], [, b]) => (a.expiresAt ?? 0) - (b.expiresAt ?? 0))
  return Object.fromEntries([...newestLast.slice(1 - MOST_TOKENS), [name, token]])
}

export function refusal(now: number): AccessToken {
  return { token: undefined, expiresAt: now + REFUSED_SECONDS * 1000 }
}

/** @param refused a token that the API did not take */
export function isUsable(
  token: AccessToken | undefined,
  now: number,
  refused: string | undefined,
): token is AccessToken {
  return token !== undefined && isLive(token, now) && (refused === undefined || refused !== token.token)
}

function isLive({ expiresAt }: AccessToken, now: number): boolean {
  return expiresAt === undefined || now < expiresAt
}

export function isSame(a: AccessToken | undefined, b: AccessToken | undefined): boolean {
  return a?.token === b?.token && a?.expiresAt === b?.expiresAt
}
