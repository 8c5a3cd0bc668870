// Step-up: what is asked of the person's own authentication, and whether it was met (RFC 9470; OpenID Connect Core §3.1.2.1).

/** At least one of the two is asked. */
export interface StepUp {
  /** The person may have authenticated so long ago, in seconds. */
  readonly maxAgeSeconds: number | undefined
  /** The ways to authenticate (`acr`) of which one is enough; none: any. */
  readonly acr: readonly string[]
}

/** What is known of the person's authentication. Times are by the store's clock. */
export interface Authentication {
  readonly authenticatedAt?: number | undefined
  readonly claims: { readonly acr?: string | undefined }
}

/** @returns what is missing, or undefined */
export function stepUpFault(
  { authenticatedAt, claims }: Authentication,
  { maxAgeSeconds, acr }: StepUp,
  now: number,
  toleranceSeconds: number,
): string | undefined {
  if (authenticatedAt !== undefined && authenticatedAt > now + toleranceSeconds * 1000)
    return 'its auth_time is in the future'
  if (maxAgeSeconds !== undefined) {
    if (authenticatedAt === undefined) return 'the ID token has no auth_time'
    if (now - authenticatedAt > maxAgeSeconds * 1000) return 'its auth_time is too long ago'
  }
  if (acr.length > 0 && !acr.includes(claims.acr ?? '')) return 'its acr is none of those asked for'
  return undefined
}

/** How a login that nobody may take for granted is asked for. */
export function stepUpParameters({ maxAgeSeconds, acr }: StepUp): Record<string, string> {
  return {
    // Never 0, which loops through providers that ask another provider. Without a time of our own it still makes the
    // provider say when the person authenticated (OpenID Connect Core §2, `auth_time`).
    max_age: String(maxAgeSeconds ?? FRESH_SECONDS),
    ...(acr.length > 0 && { acr_values: acr.join(' ') }),
  }
}

/** RFC 9470 §3. */
export function stepUpChallenge({ maxAgeSeconds, acr }: StepUp): string {
  return [
    'Bearer error="insufficient_user_authentication"',
    'error_description="A more recent or stronger authentication is needed"',
    ...(acr.length > 0 ? [`acr_values="${acr.join(' ')}"`] : []),
    ...(maxAgeSeconds === undefined ? [] : [`max_age="${maxAgeSeconds}"`]),
  ].join(', ')
}

const FRESH_SECONDS = 300
/** RFC 6749 §3.3 names these characters for scopes; an `acr` is parted from the next by a space in the same way. */
const ACR = /^[\x21\x23-\x5b\x5d-\x7e]{1,255}$/

/** They travel in URLs and in a cookie. */
const LONGEST_ACRS = 1000
const LONGEST_SECONDS = 999_999_999

/** @returns undefined for what cannot be asked of a provider */
export function readStepUp(maxAgeSeconds: unknown, acr: readonly unknown[]): StepUp | undefined {
  const aged = maxAgeSeconds !== undefined
  const seconds = Number(maxAgeSeconds)
  if (aged && !(Number.isInteger(maxAgeSeconds) && seconds > 0 && seconds <= LONGEST_SECONDS))
    return undefined
  if (acr.join(' ').length > LONGEST_ACRS) return undefined
  if (!acr.every((one): one is string => typeof one === 'string' && ACR.test(one))) return undefined
  if (!aged && acr.length === 0) return undefined
  return { maxAgeSeconds: aged ? seconds : undefined, acr }
}
