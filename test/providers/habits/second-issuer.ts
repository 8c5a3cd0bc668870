// Azure AD B2C's: its document and its tokens name an issuer that is not the address they are at, and its answers name none.
import type { Answer } from '../../support/provider/faults.ts'
import type { TestProvider } from '../../support/provider/provider.ts'
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

function withoutIss(answer: Answer): Answer {
  const { location } = answer.headers ?? {}
  if (typeof location !== 'string' || !URL.canParse(location)) return answer
  const url = new URL(location)
  url.searchParams.delete('iss')
  return { ...answer, headers: { ...answer.headers, location: url.href } }
}
