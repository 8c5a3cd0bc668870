// The provider of a soak, a process of its own: strict rotation, faults by command, and the ledger of all tokens.
import type { ClientOptions } from '../test/support/provider/client.ts'
import { startProvider } from '../test/support/provider/provider.ts'
import { grantRefreshTokens } from '../test/support/session/many-sessions.ts'
import { createLedger } from './ledger.ts'
import { withLedger } from './ledger-adapter.ts'
import { createProviderFaults, LATE_MS } from './provider-faults.ts'
import { createRandom } from './random.ts'

export interface ProviderLifetimes {
  idToken: number
  accessToken: number
}

const ledger = createLedger()
let random = createRandom(0, 'provider')
const provider = await startProvider({ configure: (configuration) => withLedger(ledger, configuration) })

const methods = {
  ...createProviderFaults(provider, ledger, () => random),
  issuer: () => provider.issuer,
  seed: (value: number) => {
    random = createRandom(value, 'provider')
  },
  lifetimes: (lifetimes: ProviderLifetimes) => void Object.assign(provider.lifetimes, lifetimes),
  register: (client: ClientOptions) => provider.registerClient(client),
  grant(templateUser: string, users: string[]) {
    const tokens = grantRefreshTokens(provider.store, templateUser, users)
    for (const [user, token] of tokens) {
      ledger.issued(token, { user, clientId: String(provider.store.get('RefreshToken', token)?.clientId) })
    }
    return [...tokens]
  },
  history: ledger.history,
  forget: ledger.forget,
  figures() {
    const byStatus: Record<string, number> = {}
    let late = 0
    for (const { status, at, endedAt = at } of provider.tokenRequests('refresh_token')) {
      byStatus[String(status ?? 'none')] = (byStatus[String(status ?? 'none')] ?? 0) + 1
      if (status === 200 && endedAt - at >= LATE_MS) late += 1
    }
    return { ...ledger.figures(), byStatus, late, memoryMB: Math.round(process.memoryUsage().rss / 1e6) }
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
process.send?.({ id: 0 })
