// Where the development provider keeps its sessions, grants and tokens: in memory, one store for each provider.
import type { Adapter, AdapterFactory, AdapterPayload } from 'oidc-provider'

interface Entry {
  model: string
  payload: AdapterPayload
  expiresAt: number
}

export function createStore(): AdapterFactory {
  const entries = new Map<string, Entry>()

  function live(key: string): Entry | undefined {
    const entry = entries.get(key)
    return entry && entry.expiresAt > Date.now() ? entry : undefined
  }

  function dropExpired(): void {
    const now = Date.now()
    for (const [key, entry] of entries) if (entry.expiresAt <= now) entries.delete(key)
  }

  function adapterFor(model: string): Adapter {
    const keyOf = (id: string) => `${model}:${id}`
    const find = (matches: (payload: AdapterPayload) => boolean) => {
      for (const [key, entry] of entries) {
        if (entry.model === model && matches(entry.payload) && live(key)) return entry.payload
      }
      return undefined
    }

    return {
      async upsert(id, payload, expiresIn) {
        dropExpired()
        const expiresAt = expiresIn === undefined ? Number.POSITIVE_INFINITY : Date.now() + expiresIn * 1000
        entries.set(keyOf(id), { model, payload, expiresAt })
      },
      async find(id) {
        return live(keyOf(id))?.payload
      },
      async findByUid(uid) {
        return find((payload) => payload.uid === uid)
      },
      async findByUserCode(userCode) {
        return find((payload) => payload.userCode === userCode)
      },
      async consume(id) {
        const entry = live(keyOf(id))
        if (entry) entry.payload.consumed = Math.floor(Date.now() / 1000)
      },
      async destroy(id) {
        entries.delete(keyOf(id))
      },
      async revokeByGrantId(grantId) {
        for (const [key, entry] of entries) {
          if (entry.model === model && entry.payload.grantId === grantId) entries.delete(key)
        }
      },
    }
  }

  return adapterFor
}
