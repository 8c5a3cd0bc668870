// How much a provider may say: it is kept, copied and counted with, so what is out of all proportion is refused by name.

/** No token that lives longer was meant to. */
export const LONGEST_LIFETIME_SECONDS = 365 * 86_400
/** 9999-12-31T23:59:59Z, the last that RFC 3339 can write: what is more is milliseconds, or nonsense. */
const LAST_SECOND = 253_402_300_799
/** The claims of OpenID Connect Core §5.1 have two. */
const MOST_LEVELS = 32
/** They are kept in each session. A person of very many groups has some tens of thousands. */
const MOST_CHARACTERS = 100_000

/** @returns which claim is out of bounds, and how; or undefined */
export function boundsFault(claims: Readonly<Record<string, unknown>>): string | undefined {
  const { exp, iat } = claims
  for (const name of ['exp', 'iat', 'auth_time']) {
    if (!isTime(claims[name] ?? 0)) return `its ${name} is no time in seconds`
  }
  if (Number(exp) - Number(iat) > LONGEST_LIFETIME_SECONDS) return 'its exp is more than a year after its iat'
  const nested = Object.keys(claims).find((name) => isDeeper(claims[name], MOST_LEVELS))
  if (nested !== undefined) return `of its claims ${shown(nested)} is nested too deep`
  const sizes = Object.entries(claims).map(([name, value]) => ({ name, size: sizeOf(name, value) }))
  if (sizes.reduce((sum, { size }) => sum + size, 0) <= MOST_CHARACTERS) return undefined
  const [largest] = sizes.sort((one, other) => other.size - one.size)
  return `its claims are too large, most of all ${shown(largest?.name ?? '')}`
}

/** RFC 7519 §2 allows fractions. */
function isTime(value: unknown): boolean {
  return typeof value === 'number' && value >= 0 && value <= LAST_SECOND
}

/** Stops there, so that no depth is too much for it. */
function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  return levels === 0 || Object.values(value).some((each) => isDeeper(each, levels - 1))
}

function sizeOf(name: string, value: unknown): number {
  return JSON.stringify([name, value]).length
}

/** It goes to the log, and may be anything. */
function shown(claim: string): string {
  return /^[\w:/.-]{1,64}$/.test(claim) ? claim : 'one with a strange name'
}
