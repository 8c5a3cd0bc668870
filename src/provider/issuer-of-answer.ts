// A grant at an issuer that is a pattern of issuers: by which of them its answer is checked, is known once the answer is there.
// So it is asked for once, and then checked by the one issuer that it names, as any answer is.
import { decodeJwt } from 'jose'
import * as client from 'openid-client'
import { jsonObject } from '../lib/json-object.ts'
import { isTenantID } from '../options/tenants.ts'
import type { Exchange } from './bounded-fetch.ts'
import { loginFailed } from './failures.ts'
import { issuerOfTenant, NO_TENANT, tenantOf } from './tenants.ts'

/** The configuration with that issuer in the place of the document's. @param as who asks, where that is not this client */
export type ServerBy = (issuer: string, as?: client.ClientAuth) => Promise<client.Configuration>

/**
 * @param asking by what the document says
 * @param run sends its request by the configuration that it is given, and checks the answer by it
 * @param named the `iss` of the callback, where it has one (RFC 9207): the issuer is known before anything is sent
 * @throws RefusedError, or what `run` throws
 */
export async function runByTenant<T>(
  asking: client.Configuration,
  serverBy: ServerBy,
  exchange: Exchange,
  run: (server: client.Configuration) => Promise<T>,
  named: string | null,
): Promise<T> {
  const { issuer: pattern } = asking.serverMetadata()
  if (named !== null) {
    if (tenantOf(pattern, named) === undefined)
      throw loginFailed(`the iss of the callback is no issuer of a tenant (${pattern})`)
    return run(await serverBy(named))
  }
  const answer = await answerTo(asking, run)
  // Nobody has to say who they are: nothing is sent.
  const checking = await serverBy(issuerIn(exchange, pattern), client.None())
  // Whatever it asks for has been answered: a code is sent once.
  checking[client.customFetch] = async () => answer
  return run(checking)
}

/** What is sent back is looked at by nobody here. */
async function answerTo<T>(
  server: client.Configuration,
  run: (server: client.Configuration) => Promise<T>,
): Promise<Response> {
  const { [client.customFetch]: send } = server
  if (send === undefined) throw new TypeError('a configuration has no fetch')
  let answer: Response | undefined
  server[client.customFetch] = async (...request) => {
    answer = await send(...request)
    throw new Error('enough')
  }
  try {
    await run(server)
  } catch (error) {
    if (answer === undefined) throw error
  }
  if (answer === undefined) throw new TypeError('nothing was asked for')
  return answer
}

/** Unchecked: it only says by what the ID token is checked. Of what has none the pattern is as good as any. */
function issuerIn({ answer }: Exchange, pattern: string): string {
  const { id_token: idToken } = (answer?.status === 200 && jsonObject(answer.body)) || {}
  const claims = typeof idToken === 'string' ? claimsIn(idToken) : undefined
  if (claims === undefined) return pattern
  if (!isTenantID(claims.tid)) throw loginFailed(`the ID token was refused: ${NO_TENANT}`)
  return issuerOfTenant(pattern, claims.tid)
}

function claimsIn(idToken: string): Record<string, unknown> | undefined {
  try {
    return decodeJwt(idToken)
  } catch {
    return undefined
  }
}
