// Ports and servers on loopback.
import { once } from 'node:events'
import type { Server } from 'node:http'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { eventually } from './deadline.ts'

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** @param host '0.0.0.0': every address of this machine, such as 127.0.0.2 */
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
