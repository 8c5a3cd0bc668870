// The provider of a soak, a process of its own: strict rotation, faults by command, and the ledger of all tokens.
import type { Adapter, Configuration } from 'oidc-provider'
import type { ClientOptions } from '../test/support/provider/client.ts'
import type { Hold } from '../test/support/provider/faults.ts'
import { startProvider } from '../test/support/provider/provider.ts'
import type { SeenRequest } from '../test/support/provider/seen-requests.ts'
import { grantRefreshTokens } from '../test/support/session/many-sessions.ts'
import { createLedger } from './ledger.ts'
import { createRandom } from './random.ts'

export type ProviderFault =
  | '500'
  | '429'
  | 'reset'
  | 'slow'
  | 'garbage'
  | 'hang'
  | 'keys 500'
  | 'discovery 500'

export interface ProviderLifetimes {
  idToken: number
  accessToken: number
}

const ledger = createLedger()
const PRUNE_MS = 10_000
const KEEP_MS = 120_000
/** much less than the deadline of a renewal: what is slow arrives */
const SLOW_MS = 500
let random = createRandom(0, 'provider')
let current: { kind: ProviderFault; share: number } | undefined
let hanging: Hold | undefined
let caught: Hold | undefined

/** Every token is known to the ledger when it is issued; old ones are dropped, so that a long soak does not fill memory. */
function withLedger(configuration: Configuration): Configuration {
  const issued: { adapter: Adapter; id: string; at: number }[] = []
  const { adapter: create } = configuration
  if (typeof create !== 'function') throw new Error('the test provider has no adapter')
  setInterval(() => {
    const old = issued.findIndex(({ at }) => at > Date.now() - KEEP_MS)
    for (const { adapter, id } of issued.splice(0, old < 0 ? issued.length : old)) {
      void adapter.find(id).then((row) => {
        // A refresh token that is not spent is somebody's session.
        if (row && (row.kind !== 'RefreshToken' || row.consumed)) void adapter.destroy(id)
        else if (row) issued.push({ adapter, id, at: Date.now() })
      })
    }
  }, PRUNE_MS).unref()
  return {
    ...configuration,
    adapter: (model: string) => {
      const adapter = (create as (model: string) => Adapter)(model)
      if (model !== 'RefreshToken' && model !== 'AccessToken') return adapter
      return {
        ...adapter,
        async upsert(id, payload, expiresIn) {
          if (model === 'RefreshToken') ledger.issued(id, String(payload.accountId))
          issued.push({ adapter, id, at: Date.now() })
          await adapter.upsert(id, payload, expiresIn)
        },
      }
    },
    rotateRefreshToken(ctx) {
      ledger.rotated(String(ctx.oidc.entities.RefreshToken?.jti))
      return true
    },
  }
}

const provider = await startProvider({ configure: withLedger })
const refresh = { grantType: 'refresh_token' }

/** Whoever takes a request writes it down: what one fault takes, the others are not asked about. */
function take(seen: SeenRequest, mine: boolean): boolean {
  if (mine) ledger.presented(seen)
  return mine
}

function armAll() {
  const during = (kind: ProviderFault) => ({
    ...refresh,
    when: (seen: SeenRequest) => take(seen, current?.kind === kind && random.next() < current.share),
  })
  const whole = (kind: ProviderFault) => ({ when: () => current?.kind === kind })
  provider.answerAll('token', { status: 500, body: { error: 'server_error' } }, during('500'))
  provider.answerAll('token', { status: 429, headers: { 'retry-after': '1' } }, during('429'))
  provider.answerAll('token', { status: 200, body: '<html>maintenance</html>' }, during('garbage'))
  provider.cutAll('token', 'before', during('reset'))
  provider.delayAll('token', SLOW_MS, during('slow'))
  provider.answerAll('jwks', { status: 500 }, whole('keys 500'))
  provider.answerAll('discovery', { status: 500 }, whole('discovery 500'))
  // Last, for all that no fault took: a delay of nothing.
  provider.delayAll('token', 0, { ...refresh, when: (seen) => take(seen, true) })
}

function hang(share: number): Hold {
  const mine: { hold?: Hold } = {}
  mine.hold = provider.holdNext('token', {
    ...refresh,
    times: 1000,
    when: (seen) => take(seen, hanging === mine.hold && random.next() < share),
  })
  return mine.hold
}

const methods = {
  issuer: () => provider.issuer,
  seed: (value: number) => {
    random = createRandom(value, 'provider')
  },
  lifetimes: (lifetimes: ProviderLifetimes) => void Object.assign(provider.lifetimes, lifetimes),
  register: (client: ClientOptions) => provider.registerClient(client),
  grant(templateUser: string, users: string[]) {
    const tokens = grantRefreshTokens(provider.store, templateUser, users)
    for (const [user, token] of tokens) ledger.issued(token, user)
    return [...tokens]
  },
  /** a fault for that share of the renewals, or for all of the other requests, until `normal()` */
  fault(kind: ProviderFault, share: number) {
    current = { kind, share }
    if (kind === 'hang') hanging = hang(share)
  },
  normal() {
    current = undefined
    // What hangs is past its deadline: the provider never hears of it.
    hanging?.release('cut')
    hanging = undefined
  },
  /** stops the next renewal before or after the provider rotated, and says whose it is; undefined if none came */
  async catchNext(moment: 'before' | 'after', ms: number): Promise<string | undefined> {
    let via: string | undefined
    const hold = provider.holdNext('token', {
      ...refresh,
      mode: moment,
      when(seen) {
        via = seen.via
        return take(seen, caught === hold)
      },
    })
    caught = hold
    const late = new Promise<void>((resolve) => void setTimeout(resolve, ms))
    const there = moment === 'before' ? hold.arrived : hold.processed
    await Promise.race([there.catch(() => undefined), late])
    // Nobody came: it is for nobody any more.
    if (via === undefined) caught = undefined
    return via
  },
  /** the connection of what was caught is cut: its process is dead by now */
  letGo() {
    caught?.release('cut')
    caught = undefined
  },
  history: (user: string) => ledger.history(user),
  forget: (user: string) => ledger.forget(user),
  figures() {
    const byStatus: Record<string, number> = {}
    for (const { status } of provider.tokenRequests('refresh_token')) {
      byStatus[String(status ?? 'none')] = (byStatus[String(status ?? 'none')] ?? 0) + 1
    }
    return { ...ledger.figures(), byStatus, memoryMB: Math.round(process.memoryUsage().rss / 1e6) }
  },
}

export type ProviderMethods = typeof methods

process.on('disconnect', () => process.exit(1))
process.on(
  'message',
  async ({ id, method, args }: { id: number; method: keyof ProviderMethods; args: never[] }) => {
    try {
      const run = methods[method] as (...given: never[]) => unknown
      process.send?.({ id, result: await run(...args) })
    } catch (error) {
      process.send?.({ id, error: String(error) })
    }
  },
)
armAll()
process.send?.({ id: 0 })
