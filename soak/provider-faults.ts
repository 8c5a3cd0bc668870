// The faults of a soak's provider: some are on for a while, others stop one request.
import type { Hold, Moment } from '../test/support/provider/faults.ts'
import type { TestProvider } from '../test/support/provider/provider.ts'
import type { SeenRequest } from '../test/support/provider/seen-requests.ts'
import type { Ledger } from './ledger.ts'
import type { Random } from './random.ts'

export type ProviderFault =
  | '500'
  | '429'
  | 'reset'
  | 'slow'
  /** rotates at once, and says so after everybody who waited is gone */
  | 'late'
  | 'garbage'
  | 'hang'
  | 'keys 500'
  | 'discovery 500'

export type GrantType = 'refresh_token' | 'authorization_code'

/** Much less than the deadline of a renewal: what is slow arrives. */
const SLOW_MS = 500
/** Longer than `renewal.timeoutSeconds` and than a lease that nobody extends, shorter than a request may stay open. */
export const LATE_MS = 9000

export function createProviderFaults(provider: TestProvider, ledger: Ledger, draw: () => Random) {
  const refresh = { grantType: 'refresh_token' }
  const caught = new Map<GrantType, Hold>()
  let current: { kind: ProviderFault; share: number } | undefined
  let hanging: Hold | undefined

  /** Whoever takes a renewal writes it down: what one fault takes, the others are not asked about. */
  function take(seen: SeenRequest, mine: boolean): boolean {
    if (mine && seen.grantType === 'refresh_token') ledger.presented(seen)
    return mine
  }

  const during = (kind: ProviderFault) => ({
    ...refresh,
    when: (seen: SeenRequest) => take(seen, current?.kind === kind && draw().next() < current.share),
  })
  const whole = (kind: ProviderFault) => ({ when: () => current?.kind === kind })
  provider.answerAll('token', { status: 500, body: { error: 'server_error' } }, during('500'))
  provider.answerAll('token', { status: 429, headers: { 'retry-after': '1' } }, during('429'))
  provider.answerAll('token', { status: 200, body: '<html>maintenance</html>' }, during('garbage'))
  provider.cutAll('token', 'before', during('reset'))
  provider.delayAll('token', SLOW_MS, during('slow'))
  provider.delayAll('token', LATE_MS, { ...during('late'), mode: 'after' })
  provider.answerAll('jwks', { status: 500 }, whole('keys 500'))
  provider.answerAll('discovery', { status: 500 }, whole('discovery 500'))
  // Last, for all that no fault took: a delay of nothing.
  provider.delayAll('token', 0, { ...refresh, when: (seen) => take(seen, true) })

  function hang(share: number): Hold {
    const mine: { hold?: Hold } = {}
    mine.hold = provider.holdNext('token', {
      ...refresh,
      times: 1000,
      when: (seen) => take(seen, hanging === mine.hold && draw().next() < share),
    })
    return mine.hold
  }

  return {
    /** a fault for that share of the renewals, or for all of the other requests, until `normal()` */
    fault(kind: ProviderFault, share: number) {
      current = { kind, share }
      if (kind === 'hang') hanging = hang(share)
    },

    normal() {
      current = undefined
      // Nobody waits for what hangs any more: the provider never hears of it.
      hanging?.release('cut')
      hanging = undefined
    },

    /**
     * Stops the next request of that grant before or after the provider handled it, and says which process sent it;
     * undefined if none came.
     */
    async catchNext(grantType: GrantType, moment: Moment, ms: number): Promise<string | undefined> {
      let via: string | undefined
      const hold = provider.holdNext('token', {
        grantType,
        mode: moment,
        when(seen) {
          // Another deployment's do not say.
          if (caught.get(grantType) !== hold || via !== undefined || seen.via === undefined) return false
          via = seen.via
          return take(seen, true)
        },
      })
      caught.set(grantType, hold)
      const late = new Promise<void>((resolve) => void setTimeout(resolve, ms))
      const there = moment === 'before' ? hold.arrived : hold.processed
      await Promise.race([there.catch(() => undefined), late])
      // Nobody came: it is for nobody any more.
      if (via === undefined) caught.delete(grantType)
      return via
    },

    /** What was caught goes on, or its connection is cut: its process may be dead by now. */
    letGo(grantType: GrantType, instead?: 'cut') {
      caught.get(grantType)?.release(instead)
      caught.delete(grantType)
    },
  }
}
