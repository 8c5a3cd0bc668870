// How this client proves who it is, in openid-client's terms.
import { KeyObject } from 'node:crypto'
import { importPKCS8 } from 'jose'
import * as client from 'openid-client'
import type { Config, SigningKey } from '../options/config.ts'

/** What this client proves itself with. */
export interface Credentials {
  readonly authentication: client.ClientAuth
  /** Signs client assertions and requests. */
  readonly signing: Signing | undefined
}

export interface Signing {
  key(): Promise<client.PrivateKey>
  readonly terms: client.ModifyAssertionOptions
}

type Claims = Parameters<client.ModifyAssertionFunction>[0]

/** What is signed was valid for so long already: clocks differ by some seconds, and not every provider allows for it. */
const BEFORE_SECONDS = 15

export function createCredentials(config: Config): Credentials {
  const signing = config.clientAssertion && createSigning(config.clientAssertion)
  return { authentication: authenticationOf(config, signing), signing }
}

function createSigning({ key, alg, kid }: SigningKey): Signing {
  let imported: Promise<client.PrivateKey> | undefined
  async function importKey(): Promise<client.PrivateKey> {
    const usable =
      key instanceof KeyObject
        ? await importPKCS8(key.export({ type: 'pkcs8', format: 'pem' }).toString(), alg)
        : key
    return kid === undefined ? { key: usable } : { key: usable, kid }
  }
  return {
    key() {
      imported ??= importKey()
      return imported
    },
    terms: {
      [client.modifyAssertion](header, claims) {
        // openid-client knows only the newer of the two names of Ed25519 (RFC 9864 §2.2).
        header.alg = alg
        validFromBefore(claims)
      },
    },
  }
}

function authenticationOf(
  { clientAuthMethod, clientSecret }: Config,
  signing: Signing | undefined,
): client.ClientAuth {
  switch (clientAuthMethod) {
    case 'client_secret_basic':
      return client.ClientSecretBasic(clientSecret)
    case 'client_secret_post':
      return client.ClientSecretPost(clientSecret)
    case 'client_secret_jwt':
      return client.ClientSecretJwt(clientSecret, {
        [client.modifyAssertion]: (_header, claims) => validFromBefore(claims),
      })
    case 'private_key_jwt':
      // Each request has an assertion of its own (RFC 7523 §3: `jti` is used once).
      return async (...request) => {
        if (signing !== undefined) await client.PrivateKeyJwt(await signing.key(), signing.terms)(...request)
      }
    case 'tls_client_auth':
    case 'self_signed_tls_client_auth':
      return client.TlsClientAuth()
    case 'none':
      return client.None()
  }
}

function validFromBefore(claims: Claims): void {
  claims.iat = Number(claims.iat) - BEFORE_SECONDS
  claims.nbf = claims.iat
}
