// The request that exchanges a code, and what openid-client checks of the answer.
import * as client from 'openid-client'
import type { LoginTransaction } from '../cookies/login-transaction.ts'
import type { ProviderSetUp } from '../options/config.ts'
import type { Exchange } from './bounded-fetch.ts'
import { runByTenant, type ServerBy } from './issuer-of-answer.ts'
import { hasNonce } from './token-answer.ts'

/** By the document's issuer, and by one of its pattern. */
interface Servers {
  readonly server: client.Configuration
  readonly by: ServerBy
}

/** Checks `iss` of the callback too, before the code is sent (RFC 9207 §2.4). */
export function codeGrant(
  { provider, issuerTenants }: ProviderSetUp,
  { server, by }: Servers,
  callback: URL,
  { state, nonce, codeVerifier }: LoginTransaction,
  exchange: Exchange,
): ReturnType<typeof client.authorizationCodeGrant> {
  const run = (configuration: client.Configuration) =>
    client.authorizationCodeGrant(configuration, callback, {
      expectedState: state,
      // Asked for once the answer is there.
      get expectedNonce() {
        const mayLack = provider.allowMissingNonce && !hasNonce(exchange)
        return (mayLack ? undefined : nonce) as string
      },
      pkceCodeVerifier: codeVerifier,
      idTokenExpected: true,
    })
  if (issuerTenants === undefined) return run(server)
  return runByTenant(server, by, exchange, run, callback.searchParams.get('iss'))
}
