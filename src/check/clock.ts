// Tokens are checked by the store's clock: the provider's has to agree with it, within what the options allow.
import { type Finding, failed, ok, unknown, warning } from '../findings.ts'

/** The header's date leaves out fractions, and the answer took its time. */
const UNCERTAIN_SECONDS = 2

/** How much they are ahead of this machine's, in milliseconds; undefined where they did not say. */
export interface Clocks {
  readonly provider: number | undefined
  readonly store: number | undefined
}

export function clockFinding({ provider, store }: Clocks, toleranceSeconds: number): Finding {
  const told = [
    ...(provider === undefined ? [] : [`the provider's is ${ahead(provider)}`]),
    ...(store === undefined ? [] : [`Redis's is ${ahead(store)}`]),
  ]
  if (told.length === 0) return unknown('clock', 'nobody told the time')
  const all = [0, provider, store].filter((one) => one !== undefined)
  const seconds = (Math.max(...all) - Math.min(...all)) / 1000
  const found = `by the clock of this machine ${told.join(' and ')}`
  const cure = 'set the clocks (NTP)'
  const between = Math.abs((provider ?? 0) - (store ?? 0)) / 1000
  if (provider !== undefined && between > toleranceSeconds + UNCERTAIN_SECONDS)
    return failed(
      'clock',
      `${found}, more than clockToleranceSeconds (${toleranceSeconds}): ID tokens are refused`,
      cure,
    )
  return seconds > UNCERTAIN_SECONDS + 3 ? warning('clock', found, cure) : ok('clock', found)
}

function ahead(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 100) / 10
  if (Math.abs(seconds) <= UNCERTAIN_SECONDS) return 'right'
  return `${Math.abs(seconds)} s ${seconds > 0 ? 'ahead' : 'behind'}`
}
