// The ioredis clients of a test, closed together.
import { Redis } from 'ioredis'

export function createClients() {
  const open = new Set<Redis>()
  return {
    open(url: string): Redis {
      const client = new Redis(url, { retryStrategy: () => 50 })
      client.on('error', () => {})
      open.add(client)
      return client
    },
    close() {
      for (const client of open) client.disconnect()
    },
  }
}
