// Of a provider that does not say in its callbacks who it is (RFC 9207), as Entra ID and Azure AD B2C.
import type { Answer } from './faults.ts'

export function withoutIss(answer: Answer): Answer {
  const { location } = answer.headers ?? {}
  if (typeof location !== 'string' || !URL.canParse(location)) return answer
  const url = new URL(location)
  url.searchParams.delete('iss')
  return { ...answer, headers: { ...answer.headers, location: url.href } }
}
