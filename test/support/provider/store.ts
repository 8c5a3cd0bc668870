// What one test provider remembers: oidc-provider's adapter over a Map of its own, open to the test.
import type { Adapter, AdapterPayload } from 'oidc-provider'

const GRANTABLE = new Set(['AccessToken', 'AuthorizationCode', 'RefreshToken'])

interface Row {
  model: string
  payload: AdapterPayload
  /** the same, as a store keeps it */
  text: string
  expiresAt: number
  consumedAt?: number
}

export interface ProviderStore {
  /** a spent refresh token is accepted again for so long, as at providers with a reuse interval */
  reuseSeconds: number
  adapter(model: string): Adapter
  /** the live records of a kind: `Grant`, `RefreshToken`, `Client`, … */
  all(model: string): AdapterPayload[]
  put(model: string, id: string, payload: AdapterPayload): void
  /** the record, though it may be spent */
  get(model: string, id: string): AdapterPayload | undefined
  revokeGrant(grantId: string): void
}

export function createProviderStore(): ProviderStore {
  const rows = new Map<string, Row>()

  function keep(model: string, id: string, payload: AdapterPayload, expiresAt: number) {
    const text = JSON.stringify(payload)
    rows.set(`${model}:${id}`, { model, payload: JSON.parse(text), text, expiresAt })
  }

  function live(key: string): Row | undefined {
    const row = rows.get(key)
    if (row && row.expiresAt > Date.now()) return row
    rows.delete(key)
    return undefined
  }

  function read(row: Row | undefined): AdapterPayload | undefined {
    if (!row) return undefined
    const payload: AdapterPayload = JSON.parse(row.text)
    const spentFor = Date.now() - (row.consumedAt ?? Date.now())
    const spent =
      row.consumedAt !== undefined && (row.model !== 'RefreshToken' || spentFor >= store.reuseSeconds * 1000)
    if (spent) payload.consumed = Math.floor((row.consumedAt ?? 0) / 1000)
    return payload
  }

  function findBy(model: string, field: 'uid' | 'userCode', value: string) {
    for (const [key, row] of rows) {
      if (row.model === model && row.payload[field] === value) return read(live(key))
    }
    return undefined
  }

  function removeByGrant(grantId: string) {
    for (const [key, row] of rows) {
      if (GRANTABLE.has(row.model) && row.payload.grantId === grantId) rows.delete(key)
    }
  }

  const store: ProviderStore = {
    reuseSeconds: 0,
    all(model) {
      return [...rows].flatMap(([key, row]) => {
        const payload = row.model === model ? read(live(key)) : undefined
        return payload ? [payload] : []
      })
    },
    get: (model, id) => read(live(`${model}:${id}`)),
    put: (model, id, payload) => {
      keep(model, id, payload, Number.POSITIVE_INFINITY)
    },
    revokeGrant(grantId) {
      rows.delete(`Grant:${grantId}`)
      removeByGrant(grantId)
    },
    adapter: (model) => ({
      async upsert(id, payload, expiresIn) {
        const expiresAt = expiresIn === undefined ? Number.POSITIVE_INFINITY : Date.now() + expiresIn * 1000
        keep(model, id, payload, expiresAt)
      },
      find: async (id) => store.get(model, id),
      findByUid: async (uid) => findBy(model, 'uid', uid),
      findByUserCode: async (userCode) => findBy(model, 'userCode', userCode),
      async consume(id) {
        const row = live(`${model}:${id}`)
        if (row) row.consumedAt ??= Date.now()
      },
      async destroy(id) {
        rows.delete(`${model}:${id}`)
      },
      revokeByGrantId: async (grantId) => removeByGrant(grantId),
    }),
  }
  return store
}
