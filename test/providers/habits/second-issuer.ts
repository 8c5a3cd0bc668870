// Azure AD B2C's: its document and its tokens name an issuer that is not the address they are at, and its answers name none.
import type { TestProvider } from '../../support/provider/provider.ts'
import { withoutIss } from '../../support/provider/without-iss.ts'
import { changedClaims, changedJson, type Habit } from '../habit.ts'

export const secondIssuerOf = ({ issuer }: TestProvider) => `${issuer}/TENANT_ID/v2.0/`

const ISS = 'authorization_response_iss_parameter_supported'

export const secondIssuer: Habit = {
  answers: {
    discovery: changedJson(({ [ISS]: _, ...document }, provider) => ({
      ...document,
      issuer: secondIssuerOf(provider),
    })),
    token: changedJson(changedClaims((claims, provider) => ({ ...claims, iss: secondIssuerOf(provider) }))),
    authorization: withoutIss,
    other: withoutIss,
  },
}
