// Ports and servers on loopback.
import { once } from 'node:events'
import type { Server } from 'node:http'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { eventually } from './deadline.ts'

/** Below the ports that systems give to whoever asks for any. */
const FIRST_PORT = 20_000
const PORTS_OF_WORKER = 1000
const WORKERS = 12

let asked = Math.floor(Math.random() * PORTS_OF_WORKER)

/**
 * A port that is free, and stays so until somebody listens there: neither a connection nor another worker of the run is given
 * it. Else another server may answer in place of the one that is tested, which could not take the port and is gone.
 */
export async function freePort(): Promise<number> {
  const worker = Number(process.env.JEST_WORKER_ID ?? 0) % WORKERS
  for (let tries = 0; tries < PORTS_OF_WORKER; tries += 1) {
    asked += 1
    const port = FIRST_PORT + worker * PORTS_OF_WORKER + (asked % PORTS_OF_WORKER)
    if (await isFree(port)) return port
  }
  throw new Error(`no port is free from ${FIRST_PORT} on, of those of worker ${worker}`)
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  try {
    // Wherever it will be listened, on IPv6 too.
    server.listen(port)
    await once(server, 'listening')
    return true
  } catch {
    return false
  } finally {
    await new Promise((resolve) => server.close(resolve))
  }
}

export async function listen(
  server: Server,
  host: 'localhost' | '127.0.0.1' | '0.0.0.0',
  port = 0,
): Promise<number> {
  server.listen(port, host)
  await once(server, 'listening')
  // A server that closes an idle connection just when a request is sent on it would be a fault nobody asked for.
  server.keepAliveTimeout = 0
  return (server.address() as AddressInfo).port
}

/** On the very port it had, which the system may give back a moment later. */
export async function listenAgain(
  server: Server,
  host: 'localhost' | '127.0.0.1',
  port: number,
): Promise<void> {
  await eventually(`port ${port} to be free again`, async () => (await listen(server, host, port)) === port)
}

/**
 * A socket that is being closed cannot be reset: Node would keep its handle, and spin for ever at its end. Nor can one
 * with TLS.
 */
export function resetConnection(socket: Socket): void {
  if (socket.writable && !(socket instanceof TLSSocket)) socket.resetAndDestroy()
  else socket.destroy()
}

/** Stops listening and drops every connection, idle or not. */
export async function closeServer(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  server.closeAllConnections()
  await closed
}
