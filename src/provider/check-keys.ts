// The keys that the provider shows, held against the algorithm that its ID tokens have to be signed with.

import { type Finding, failed, ok } from '../findings.ts'
import { jsonObject } from '../lib/json-object.ts'
import type { ProviderSetUp } from '../options/config.ts'
import { newerName } from './authorization-request.ts'
import { words } from './check-document.ts'
import { describeFailure } from './failures.ts'
import type { Look } from './look.ts'

/** RFC 7518 §6.1, RFC 8037 §2: what signs with the algorithm. */
const KINDS: readonly [alg: RegExp, kind: string][] = [
  [/^[RP]S\d/, 'RSA'],
  [/^ES256$/, 'EC P-256'],
  [/^ES384$/, 'EC P-384'],
  [/^ES512$/, 'EC P-521'],
  [/^Ed/, 'OKP Ed25519'],
]

export async function keysFinding(address: string, config: ProviderSetUp, look: Look): Promise<Finding> {
  try {
    const { status, text } = await look(address)
    const keys = keysIn(text)
    if (status !== 200 || keys === undefined)
      return failed('keys', `${address} answered ${status}, and keys were expected (a JWK Set)`)
    return held(keys, address, config.idTokenSigningAlg)
  } catch (error) {
    return failed('keys', `${address} could not be read: ${describeFailure(error)}`)
  }
}

function keysIn(text: string): Record<string, unknown>[] | undefined {
  const { keys } = jsonObject(text) ?? {}
  return Array.isArray(keys) ? keys.filter((key) => typeof key === 'object' && key !== null) : undefined
}

function held(keys: readonly Record<string, unknown>[], address: string, wanted: string): Finding {
  const kind = KINDS.find(([alg]) => alg.test(wanted))?.[1]
  const fitting = keys.filter(
    ({ alg, use, ...key }) =>
      kindOf(key) === kind &&
      (use ?? 'sig') === 'sig' &&
      (alg === undefined || newerName(String(alg)) === newerName(wanted)),
  )
  if (fitting.length > 0) return ok('keys', `${fitting.length} at ${address} can sign with ${wanted}`)
  const shown = keys.map((key) => [kindOf(key), key.alg, key.use].filter(Boolean).join(' '))
  return failed(
    'keys',
    `none at ${address} signs with idTokenSigningAlg, ${wanted}: there are ${words(shown) || 'none at all'}`,
    `set idTokenSigningAlg to what this client's ID tokens are signed with, or have them signed with ${wanted} there`,
  )
}

function kindOf({ kty, crv }: Record<string, unknown>): string {
  return [kty, crv].filter((part) => typeof part === 'string').join(' ')
}
