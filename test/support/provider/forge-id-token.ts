// ID tokens in place of those that the provider sends, with any claims and any signature.
import { createHash } from 'node:crypto'
import type { Aim } from './faults.ts'
import type { TestProvider } from './provider.ts'
import { claimsOfToken, type Forgery } from './signing-key.ts'

/** What a forger has: a good answer of the token endpoint, and the way to what is public, or leaked. */
export interface Genuine {
  readonly idToken: string
  readonly accessToken: string
  readonly provider: TestProvider
}

/** undefined leaves the ID token out */
export type Forge = (genuine: Genuine) => string | undefined | Promise<string>
type Claims = Record<string, unknown>
type Change = (claims: Claims, genuine: Genuine) => Claims

/** Replaces the ID token of the next answer (of that grant); resolves with the refresh token beside it. */
export function forgeNext(provider: TestProvider, forge: Forge, aim?: Aim): Promise<string> {
  return new Promise((resolve) => {
    provider.rewriteNext(
      'token',
      async ({ id_token, ...json }) => {
        resolve(String(json.refresh_token))
        const accessToken = String(json.access_token)
        return { ...json, id_token: await forge({ idToken: String(id_token), accessToken, provider }) }
      },
      aim,
    )
  })
}

/** Signed by the provider's key unless told; `change` goes over the claims, and undefined takes one out. */
export function signed(change: Change = () => ({}), forgery?: Forgery) {
  return (genuine: Genuine): Promise<string> => {
    const claims = claimsOfToken(genuine.idToken)
    return genuine.provider.signIdToken({ ...claims, ...change(claims, genuine) }, forgery)
  }
}

/** OpenID Connect Core §3.1.3.6: the left half of the hash. */
export function accessTokenHash(accessToken: string, hash = 'sha256'): string {
  const digest = createHash(hash).update(accessToken).digest()
  return digest.subarray(0, digest.length / 2).toString('base64url')
}

/** The same length, one bit changed. */
export function flipped(base64url: string): string {
  const bytes = Buffer.from(base64url, 'base64url')
  bytes[0] = (bytes[0] ?? 0) ^ 1
  return bytes.toString('base64url')
}
