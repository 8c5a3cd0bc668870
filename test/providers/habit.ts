// A habit of a provider: what it does otherwise than the test provider, which is strict and follows the specifications.
import type { Configuration } from 'oidc-provider'
import type { Answer } from '../support/provider/faults.ts'
import type { TestProvider } from '../support/provider/provider.ts'
import type { Endpoint, SeenRequest } from '../support/provider/seen-requests.ts'
import { claimsOfToken } from '../support/provider/signing-key.ts'

export interface Habit {
  /** accepts a spent refresh token again for so long */
  readonly reuseSeconds?: number
  configure?(configuration: Configuration, provider: () => TestProvider): Configuration
  /** what becomes of its answers, one endpoint each */
  readonly answers?: Partial<Record<Endpoint, Change>>
}

export type Change = (
  answer: Answer,
  of: { readonly provider: TestProvider; readonly seen: SeenRequest },
) => Answer | Promise<Answer>

type Json = Record<string, unknown>

/** Of an answer that went well, or is the discovery document. */
export function changedJson(change: (json: Json, provider: TestProvider) => Json | Promise<Json>): Change {
  return async (answer, { provider }) => {
    if (answer.status !== 200) return answer
    return { ...answer, body: JSON.stringify(await change(JSON.parse(String(answer.body)), provider)) }
  }
}

/** Of the ID token in it, which the provider signs again. */
export function changedClaims(change: (claims: Json, provider: TestProvider) => Json) {
  return async (json: Json, provider: TestProvider): Promise<Json> => {
    const claims = change(claimsOfToken(String(json.id_token)), provider)
    return { ...json, id_token: await provider.signIdToken(claims) }
  }
}

/** What the last login asked for. */
export function lastAsked(provider: TestProvider): Record<string, string> {
  return provider.authorizationRequests().findLast(({ path }) => path === '/auth')?.params ?? {}
}
