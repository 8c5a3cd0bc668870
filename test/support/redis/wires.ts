// Wires between an app and Redis that a test can make silent: nothing is closed, and nothing arrives any more.
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { connect, createServer, type Socket } from 'node:net'

export interface RedisWires {
  readonly url: string
  /** what Redis sends to connections that sent this word (in lower case) is kept back; what is kept back goes on later */
  silence(word: string): void
  /** closes such connections */
  cut(word: string): void
  /** everything flows again */
  restore(): void
  stop(): Promise<void>
}

interface Wire {
  readonly app: Socket
  readonly redis: Socket
  said: string
}

/** Of what an app says first; enough to know what its connection is for. */
const REMEMBERED = 4000

export async function startRedisWires(port: number): Promise<RedisWires> {
  const wires = new Set<Wire>()
  const silent = new Set<Wire>()
  const server = createServer((app) => {
    const redis = connect(port, '127.0.0.1')
    const wire: Wire = { app, redis, said: '' }
    wires.add(wire)
    app.on('data', (data) => {
      if (wire.said.length < REMEMBERED) wire.said += data.toString('latin1').toLowerCase()
      redis.write(data)
    })
    redis.on('data', (data) => void app.write(data))
    for (const [socket, other] of [
      [app, redis],
      [redis, app],
    ] as const) {
      socket.on('error', () => {})
      socket.on('close', () => {
        wires.delete(wire)
        other.destroy()
      })
    }
  })
  const which = (word: string) => [...wires].filter(({ said }) => said.includes(word))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `redis://127.0.0.1:${(server.address() as AddressInfo).port}`

  return {
    url,
    silence(word) {
      for (const wire of which(word)) {
        silent.add(wire)
        wire.redis.pause()
      }
    },
    cut(word) {
      for (const { app } of which(word)) app.destroy()
    },
    restore() {
      for (const { redis } of silent) redis.resume()
      silent.clear()
    },
    async stop() {
      const closed = once(server, 'close')
      server.close()
      for (const { app } of wires) app.destroy()
      await closed
    },
  }
}
