// Shows the ledger every refresh token when the provider issues it, and when it is spent.
import type { Adapter, Configuration } from 'oidc-provider'
import type { Ledger } from './ledger.ts'

const PRUNE_MS = 10_000
const KEEP_MS = 120_000

/** Every token is known to the ledger when it is issued; old ones are dropped, so that a long soak does not fill memory. */
export function withLedger(ledger: Ledger, configuration: Configuration): Configuration {
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
          const owner = { user: String(payload.accountId), clientId: String(payload.clientId) }
          if (model === 'RefreshToken') ledger.issued(id, owner)
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
