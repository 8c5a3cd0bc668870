// The next log-in's ID token, signed by the provider, with what a test wants it to say.
import type { TestProvider } from './provider.ts'
import { claimsOfToken } from './signing-key.ts'

export type Claims = Record<string, unknown>

/** `undefined` takes a claim out; a function changes all of them. */
export function nextIdToken(provider: TestProvider, change: Claims | ((claims: Claims) => Claims)): void {
  const changed = typeof change === 'function' ? change : (claims: Claims) => ({ ...claims, ...change })
  provider.rewriteNext(
    'token',
    async (json) => ({
      ...json,
      id_token: await provider.signIdToken(changed(claimsOfToken(String(json.id_token)))),
    }),
    { grantType: 'authorization_code' },
  )
}
