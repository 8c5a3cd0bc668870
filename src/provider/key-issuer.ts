// Keys that say whose they are, at a `jwks_uri` that issuers share: Entra ID's for all of its tenants.
import { decodeJwt, decodeProtectedHeader, type JWK } from 'jose'
import { SignatureError } from './failures.ts'

type Key = JWK & { readonly issuer?: unknown }

/**
 * What the key of a tenant signed says nothing of the people of another. A key that names the pattern is every tenant's, and
 * so is one that names none.
 *
 * @param token that one of the keys signed
 * @throws SignatureError where that is a key of another issuer than the token's
 */
export function requireKeyOfIssuer(token: string, keys: readonly Key[], pattern: string): void {
  const { kid } = decodeProtectedHeader(token)
  const { iss } = decodeJwt(token)
  const mayHaveSigned = keys.filter((key) => kid === undefined || key.kid === kid)
  const isOwn = ({ issuer = pattern }: Key) => issuer === pattern || issuer === iss
  if (mayHaveSigned.length === 0 || !mayHaveSigned.every(isOwn))
    throw new SignatureError('the key that signed it is of another issuer')
}
