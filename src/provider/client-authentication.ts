// How this client proves who it is, in openid-client's terms.
import { KeyObject } from 'node:crypto'
import { importPKCS8 } from 'jose'
import * as client from 'openid-client'
import { withDeadline } from '../lib/deadline.ts'
import { isShort } from '../options/client.ts'
import type { ProviderSetUp, SigningKey } from '../options/config.ts'
import { OwnFunctionError } from './failures.ts'

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

/** What is signed was valid for so long already: clocks differ by some seconds, and not every provider allows for it. */
const BEFORE_SECONDS = 15

const FROM_BEFORE: client.ModifyAssertionOptions = {
  [client.modifyAssertion](_header, claims) {
    claims.iat = Number(claims.iat) - BEFORE_SECONDS
    claims.nbf = claims.iat
  },
}

export function createCredentials(config: ProviderSetUp): Credentials {
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
        FROM_BEFORE[client.modifyAssertion]?.(header, claims)
      },
    },
  }
}

function authenticationOf(config: ProviderSetUp, signing: Signing | undefined): client.ClientAuth {
  const { clientAuthMethod, clientAssertionAudience, issuerTenants } = config
  // A pattern of issuers is nobody, and Entra ID is asked at its token endpoint.
  const isOfPattern = issuerTenants !== undefined && clientAssertionAudience === 'issuer'
  const audience = isOfPattern ? 'token_endpoint' : clientAssertionAudience
  const withSecret = (use: (secret: string) => client.ClientAuth): client.ClientAuth => {
    return async (...request) => use(await secretOf(config))(...request)
  }
  switch (clientAuthMethod) {
    case 'client_secret_basic':
      return withSecret(basic)
    case 'client_secret_post':
      return withSecret(client.ClientSecretPost)
    case 'client_secret_jwt':
      return withSecret((secret) => (server, ...request) => {
        if (isShort(secret)) throw new OwnFunctionError('clientSecret() gave too little for HS256')
        return client.ClientSecretJwt(secret, assertionTerms(audience, server))(server, ...request)
      })
    case 'private_key_jwt':
      // Each request has an assertion of its own (RFC 7523 §3: `jti` is used once).
      return async (server, ...request) => {
        if (signing === undefined) return
        const terms = assertionTerms(audience, server, signing.terms)
        await client.PrivateKeyJwt(await signing.key(), terms)(server, ...request)
      }
    case 'tls_client_auth':
    case 'self_signed_tls_client_auth':
      return client.TlsClientAuth()
    case 'none':
      return client.None()
  }
}

/** By the form's own encoding (RFC 6749 §2.3.1), which leaves `*-._` as they are: some providers do not decode. */
function basic(secret: string): client.ClientAuth {
  return (_server, { client_id: clientID }, _body, headers) => {
    const pair = `${formEncoded(clientID)}:${formEncoded(secret)}`
    headers.set('authorization', `Basic ${Buffer.from(pair).toString('base64')}`)
  }
}

function formEncoded(text: string): string {
  return new URLSearchParams([['', text]]).toString().slice(1)
}

/** @throws OwnFunctionError that has nothing of what the app's function gave or threw: it may be the secret */
async function secretOf({ clientSecret = '', httpTimeoutSeconds }: ProviderSetUp): Promise<string> {
  if (typeof clientSecret === 'string') return clientSecret
  const ask = async () => clientSecret()
  const asked = ask().catch(() => {
    throw new OwnFunctionError('clientSecret() threw an error')
  })
  const secret: unknown = await withDeadline(asked, httpTimeoutSeconds, () => {
    throw new OwnFunctionError('clientSecret() gave nothing in time')
  })
  if (typeof secret === 'string' && secret !== '') return secret
  throw new OwnFunctionError('clientSecret() gave no text')
}

function assertionTerms(
  audience: string,
  { token_endpoint: endpoint }: client.ServerMetadata,
  signed: client.ModifyAssertionOptions = FROM_BEFORE,
): client.ModifyAssertionOptions {
  return {
    [client.modifyAssertion](header, claims) {
      signed[client.modifyAssertion]?.(header, claims)
      // RFC 7523 §3 leaves it to the two of them; by default it is the issuer.
      if (audience !== 'issuer') claims.aud = audience === 'token_endpoint' ? endpoint : audience
    },
  }
}
