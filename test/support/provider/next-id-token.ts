// The next login's ID token, signed by the provider, with what a test wants it to say.
import { type Forge, forgeNext } from './forge-id-token.ts'
import type { TestProvider } from './provider.ts'
import { claimsOfToken } from './signing-key.ts'

export type Claims = Record<string, unknown>

/** `undefined` takes a claim out; a function changes all of them. */
export function nextIdToken(provider: TestProvider, change: Claims | ((claims: Claims) => Claims)): void {
  const changed = typeof change === 'function' ? change : (claims: Claims) => ({ ...claims, ...change })
  const forge: Forge = ({ idToken }) => provider.signIdToken(changed(claimsOfToken(idToken)))
  void forgeNext(provider, forge, { grantType: 'authorization_code' })
}
