// The option `renewal`: when tokens are renewed, and how long that may take.
import { fromEnvironment } from './environment.ts'
import { flag, group, namesOf, onlyKnown, seconds, wholeNumber } from './read-option.ts'

/**
 * @example auth({ renewal: { afterSeconds: 300, providerReuseSeconds: 30 } })
 */
export interface RenewalOptions {
  /** The timeframe: nothing is served on an ID token older than this. Environment: `RENEW_AFTER_SECONDS`. @defaultValue `900` */
  afterSeconds?: number | undefined
  /** That long before the timeframe ends a renewal may start beside a request. @defaultValue a fifth of `afterSeconds` */
  aheadSeconds?: number | undefined
  /** How long a request waits for a renewal; then the old tokens serve while they are valid. @defaultValue `5` */
  timeoutSeconds?: number | undefined
  /**
   * Deadline of the renewal's own request to the provider, which may have rotated the refresh token however late it answers:
   * a late answer is stored all the same. @defaultValue `30`, or `timeoutSeconds` where that is more
   */
  requestTimeoutSeconds?: number | undefined
  /**
   * The provider takes a spent refresh token again for so long: Auth0's *rotation overlap period*, Okta's *grace
   * period*, Cognito's *retry grace period*. With it, a renewal whose process was killed is made up for.
   * @defaultValue `0`, a provider that revokes the session for a second use
   */
  providerReuseSeconds?: number | undefined
  /** Renewals that this process has on their way to the provider at once. @defaultValue `20` */
  maxConcurrent?: number | undefined
  /**
   * Whose login brought no refresh token has to log in again when the session is due. `false`: their session goes on to its own
   * end, and nobody asks the provider about the account any more. @defaultValue `true`
   */
  required?: boolean | undefined
}

export type RenewalConfig = Readonly<Record<Exclude<keyof RenewalOptions, 'required'>, number>> & {
  readonly required: boolean
}

const NAMES = namesOf<RenewalOptions>({
  afterSeconds: true,
  aheadSeconds: true,
  timeoutSeconds: true,
  requestTimeoutSeconds: true,
  providerReuseSeconds: true,
  maxConcurrent: true,
  required: true,
})

const AFTER = 'renewal.afterSeconds (RENEW_AFTER_SECONDS)'

export function resolveRenewal(given: unknown, env: NodeJS.ProcessEnv): RenewalConfig {
  const renewal = group(given, 'renewal')
  onlyKnown(renewal, NAMES, 'renewal.')
  const afterSeconds = seconds(
    renewal.afterSeconds ?? fromEnvironment(env.RENEW_AFTER_SECONDS, AFTER),
    AFTER,
    { fallback: 900 },
  )
  const timeoutSeconds = seconds(renewal.timeoutSeconds, 'renewal.timeoutSeconds', {
    fallback: 5,
    min: 0.1,
    max: 60,
  })
  return Object.freeze({
    afterSeconds,
    aheadSeconds: seconds(renewal.aheadSeconds, 'renewal.aheadSeconds', {
      fallback: afterSeconds / 5,
      min: 0,
      max: afterSeconds,
    }),
    timeoutSeconds,
    requestTimeoutSeconds: seconds(renewal.requestTimeoutSeconds, 'renewal.requestTimeoutSeconds', {
      fallback: Math.max(30, timeoutSeconds),
      min: timeoutSeconds,
      max: 300,
    }),
    providerReuseSeconds: seconds(renewal.providerReuseSeconds, 'renewal.providerReuseSeconds', {
      fallback: 0,
      min: 0,
    }),
    maxConcurrent: wholeNumber(renewal.maxConcurrent, 'renewal.maxConcurrent', { fallback: 20, min: 1 }),
    required: flag(renewal.required, 'renewal.required', true),
  })
}
