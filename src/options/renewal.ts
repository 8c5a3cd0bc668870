// The option `renewal`: when tokens are renewed, and how long that may take.
import type { Config } from './config.ts'
import { group, onlyKnown, seconds, wholeNumber } from './read-option.ts'

export function resolveRenewal(given: unknown, env: NodeJS.ProcessEnv): Config['renewal'] {
  const renewal = group(given, 'renewal')
  onlyKnown(
    renewal,
    ['afterSeconds', 'aheadSeconds', 'timeoutSeconds', 'providerReuseSeconds', 'maxConcurrent'],
    'renewal.',
  )
  const afterSeconds = seconds(
    renewal.afterSeconds ?? env.RENEW_AFTER_SECONDS,
    'renewal.afterSeconds (RENEW_AFTER_SECONDS)',
    { fallback: 900 },
  )
  return Object.freeze({
    afterSeconds,
    aheadSeconds: seconds(renewal.aheadSeconds, 'renewal.aheadSeconds', {
      fallback: afterSeconds / 5,
      min: 0,
      max: afterSeconds,
    }),
    timeoutSeconds: seconds(renewal.timeoutSeconds, 'renewal.timeoutSeconds', {
      fallback: 5,
      min: 0.1,
      max: 60,
    }),
    providerReuseSeconds: seconds(renewal.providerReuseSeconds, 'renewal.providerReuseSeconds', {
      fallback: 0,
      min: 0,
    }),
    maxConcurrent: wholeNumber(renewal.maxConcurrent, 'renewal.maxConcurrent', { fallback: 20, min: 1 }),
  })
}
