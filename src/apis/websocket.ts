// WebSockets: the handshake goes through the Express app as any request does, and then two sockets are one.
import { type IncomingMessage, type RequestListener, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { shared } from '../lib/shared.ts'

/** What a server's event `upgrade` brings. */
export interface Upgrade {
  readonly socket: Duplex
  /** what the browser has sent after the handshake already */
  readonly head: Buffer
}

const upgrades = shared('upgrades', () => new WeakMap<IncomingMessage, Upgrade>())

/** How long a silent connection is trusted before it is asked whether it is still there. */
const KEEP_ALIVE_MILLISECONDS = 30_000

/**
 * WebSocket handshakes go through the app, so that `auth()`, the guards and `relay()` see them. What the app refuses, or has no
 * route for, is answered and the connection closed.
 *
 * @example
 * const server = app.listen(3000)
 * server.on('upgrade', handleUpgrade(app))
 */
export function handleUpgrade(
  app: RequestListener,
): (req: IncomingMessage, socket: Duplex, head: Buffer) => void {
  return (req, socket, head) => {
    // A browser that goes away is nobody's mistake; without a listener it would end the process.
    socket.on('error', () => {})
    afterEarlierAnswers(socket, () => {
      const res = new ServerResponse(req)
      res.shouldKeepAlive = false
      // Node.js 26 gives a stream that is no socket where the handshake's body is still on its way.
      res.assignSocket(socket as Socket)
      res.once('finish', () => endSoon(socket))
      upgrades.set(req, { socket, head })
      app(req, res)
    })
  }
}

/**
 * A client may send the handshake right behind other requests, and answers keep their order (RFC 9112 §9.3.2). Node.js
 * keeps the answer that has the connection on it, and throws where another one is given it.
 */
function afterEarlierAnswers(
  socket: Duplex & { _httpMessage?: ServerResponse | null },
  go: () => void,
): void {
  const earlier = socket._httpMessage
  if (!earlier) {
    if (socket.writable) go()
    return
  }
  // One that was broken off before its turn finishes never (Node.js 24).
  if (earlier.destroyed) {
    socket.destroy()
    return
  }
  // Node.js looks at the connection no more: without this nobody would see that the client left. Before the handshake's
  // answer it has nothing to say (RFC 6455 §4.1).
  const leave = () => socket.destroy()
  socket.once('end', leave).resume()
  earlier.once('finish', () => {
    socket.off('end', leave).pause()
    afterEarlierAnswers(socket, go)
  })
}

/** What was written still arrives. */
function endSoon(socket: Duplex): void {
  if (socket.writable) socket.end()
  if (socket.writableFinished) socket.destroy()
  else socket.once('finish', () => socket.destroy())
}

/** The handshake's own connection, where the app was given it. */
export function upgradeOf(req: IncomingMessage): Upgrade | undefined {
  return upgrades.get(req)
}

/** For an answer that is none to a handshake: what the browser says is of no interest, that it goes away is. */
export function watchForEnd({ socket }: Upgrade): void {
  socket.once('end', () => endSoon(socket)).resume()
}

/** Either end ends the other; what was sent before still arrives. */
export function joinSockets(browser: Upgrade, api: Upgrade): void {
  const ends = [
    [browser, api.socket],
    [api, browser.socket],
  ] as const
  for (const [{ socket, head }, other] of ends) {
    if (socket instanceof Socket) {
      socket.setTimeout(0)
      socket.setNoDelay(true)
      socket.setKeepAlive(true, KEEP_ALIVE_MILLISECONDS)
    }
    socket.on('error', () => {})
    socket.once('end', () => endSoon(other))
    socket.once('close', () => endSoon(other))
    if (head.length > 0) other.write(head)
    socket.pipe(other)
  }
}
