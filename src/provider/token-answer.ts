// What a token endpoint sent: taken where it means the same as what it should have sent, named where it is refused.
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { jsonObject } from '../lib/json-object.ts'
import type { ProviderSetUp } from '../options/config.ts'
import type { createBoundedFetch, Exchange } from './bounded-fetch.ts'

type Fetch = ReturnType<typeof createBoundedFetch>
type Json = Record<string, unknown>

/** In the place of an access token that is not there: openid-client does without none. */
export const NO_ACCESS_TOKEN = 'express-bff-session: none'

/** Nothing of a token is changed. */
export function tolerant(fetch: Fetch): Fetch {
  return async (...request) => {
    const answer = await fetch(...request)
    if (answer.body === null) return answer
    const body = await answer.text()
    const headers = new Headers(answer.headers)
    const json = jsonObject(body)
    // An error is one, whatever the page that it stands on calls itself.
    if (answer.status >= 400 && typeof json?.error === 'string')
      headers.set('content-type', 'application/json')
    const told = answer.status === 200 && json !== undefined ? (completed(json) ?? body) : body
    return new Response(told, { status: answer.status, headers })
  }
}

/**
 * `null` is how some leave a field out. Azure AD B2C gives no access token where no API's scope was asked for.
 *
 * @returns undefined where there is nothing to do, or no way to write it: what nests without end is passed over elsewhere
 */
function completed(json: Json): string | undefined {
  const entries = Object.entries(json).filter(([, value]) => value !== null)
  const fields = Object.fromEntries(entries)
  const isWithout = typeof fields.id_token === 'string' && fields.access_token === undefined
  if (!isWithout && entries.length === Object.keys(json).length) return undefined
  try {
    return JSON.stringify(
      isWithout ? { token_type: 'Bearer', ...fields, access_token: NO_ACCESS_TOKEN } : fields,
    )
  } catch {
    return undefined
  }
}

/** Of the ID token in the answer, unchecked. */
export function hasNonce({ answer }: Exchange): boolean {
  const claims = claimsIn(jsonObject(answer?.body)?.id_token)
  return claims === undefined || claims.nonce !== undefined
}

/** What was to be in the answer. */
export interface Expected {
  readonly issuer: string
  /** Of a login. */
  readonly nonce?: string
  readonly nowSeconds: number
}

/** @returns what openid-client finds wrong in it, for whoever can change it; or undefined. Holds no token and nothing of a person. */
export function answerFault(
  { answer }: Exchange,
  config: ProviderSetUp,
  expected: Expected,
): string | undefined {
  const json = answer?.status === 200 ? jsonObject(answer.body) : undefined
  if (json === undefined) return undefined
  return fieldFault(json, expected) ?? idTokenFault(json.id_token, config, expected)
}

function fieldFault(json: Json, { nonce }: Expected): string | undefined {
  const { access_token = null, id_token, token_type, expires_in, scope } = json
  if (nonce !== undefined && id_token === undefined)
    return "the answer has no id_token: is the scope 'openid' allowed to this client?"
  if (id_token === undefined && access_token === null) return 'the answer has no access_token'
  const texts = { access_token: access_token ?? undefined, refresh_token: json.refresh_token, id_token }
  for (const [name, value] of Object.entries(texts)) {
    if (value !== undefined && (typeof value !== 'string' || value === ''))
      return `the answer's ${name} is no string, or an empty one`
  }
  if (access_token !== null && !/^(?:bearer|dpop)$/i.test(String(token_type)))
    return `the answer's token_type is ${shown(token_type)}, and Bearer is expected`
  const seconds = expires_in === undefined ? 0 : Number.parseFloat(String(expires_in))
  if (!Number.isFinite(seconds) || seconds < 0) return "the answer's expires_in is no number of seconds"
  return scope === undefined || typeof scope === 'string' ? undefined : "the answer's scope is no string"
}

function idTokenFault(idToken: unknown, config: ProviderSetUp, expected: Expected): string | undefined {
  if (typeof idToken !== 'string') return undefined
  if (idToken.split('.').length === 5)
    return 'its ID token is encrypted, which is not supported: switch that off at the provider'
  const claims = claimsIn(idToken)
  if (claims === undefined) return 'its id_token is no JWT'
  return algorithmFault(idToken, config) ?? claimFault(claims, config, expected)
}

function algorithmFault(idToken: string, { idTokenSigningAlg: wanted }: ProviderSetUp): string | undefined {
  const { alg } = decodeProtectedHeader(idToken)
  if (alg === wanted) return undefined
  const cure = /^(?:[RPE]S\d{3}|EdDSA|Ed25519)$/.test(String(alg))
    ? `set it to ${alg}, or sign with ${wanted} there`
    : `have the provider sign with ${wanted}`
  return `its ID token is signed with ${shown(alg)}, and idTokenSigningAlg is ${wanted}: ${cure}`
}

function claimFault(
  claims: Json,
  config: ProviderSetUp,
  { issuer, nonce, nowSeconds }: Expected,
): string | undefined {
  const { clientID, clockToleranceSeconds: tolerance } = config
  const { iss, aud, azp, exp, nbf } = claims
  const needed = ['iss', 'sub', 'aud', 'exp', 'iat', ...(nonce === undefined ? [] : ['nonce'])]
  const missing = needed.find((name) => (claims[name] ?? undefined) === undefined)
  if (missing === 'nonce')
    return 'its nonce is missing: where the provider cannot send one, see provider.allowMissingNonce'
  if (missing !== undefined) return `its ${missing} is missing`
  if (iss !== issuer) return `its iss is ${shown(iss)}, and ${issuer} is expected (issuerBaseURL)`
  if (![aud].flat().includes(clientID))
    return `its aud is ${shown(aud)}, and ${clientID} is expected (clientID)`
  if (Array.isArray(aud) && aud.length > 1 && azp !== clientID)
    return `its aud names others too, and its azp is ${shown(azp)}; ${clientID} is expected (clientID)`
  if (typeof exp === 'number' && exp <= nowSeconds - tolerance)
    return `its exp was ${Math.round(nowSeconds - exp)} s ago (clockToleranceSeconds is ${tolerance})`
  if (typeof nbf === 'number' && nbf > nowSeconds + tolerance)
    return `its nbf is in ${Math.round(nbf - nowSeconds)} s (clockToleranceSeconds is ${tolerance})`
  return nonce !== undefined && claims.nonce !== nonce ? 'its nonce is not the one that was sent' : undefined
}

function claimsIn(idToken: unknown): Json | undefined {
  try {
    return decodeJwt(String(idToken))
  } catch {
    return undefined
  }
}

/** It goes to the log, and may be anything. */
function shown(value: unknown): string {
  if (value === undefined || value === null) return 'missing'
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return /^[\x21-\x7e]{1,60}$/.test(text) ? text : 'something strange'
}
