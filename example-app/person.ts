// Who somebody is to the bank: with two providers, the same name at both is two people.
import type { Request } from 'express'

export interface Person {
  sub: string
  /** Undefined where there is one provider only. */
  provider?: string | undefined
}

export function personOf({ oidc }: Request): Person {
  return { sub: oidc.user?.sub ?? '', provider: oidc.session?.provider }
}

export function keyOf({ sub, provider }: Person): string {
  return provider === undefined ? sub : `${provider}/${sub}`
}
