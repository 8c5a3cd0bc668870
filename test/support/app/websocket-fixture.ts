// A relay whose API takes WebSockets, and browsers that open them, byte for byte.
import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { connect, type Socket } from 'node:net'
import type { HeaderValues } from '../browser/http-exchange.ts'
import { type RawAnswer, rawExchange } from '../browser/raw-exchange.ts'
import { createSignal, eventually, within } from '../deadline.ts'
import { type RelayFixture, startRelayFixture } from './relay-fixture.ts'

export interface AtApi {
  req: IncomingMessage
  socket: Socket
  head: Buffer
}

export interface OpenSocket {
  readonly socket: Socket
  /** all that came */
  text(): string
  readonly api: AtApi
}

export interface WebSocketFixture extends RelayFixture {
  /** what the API says to handshakes from now on; without a word of how, it takes them */
  answerHandshakes(answer?: (at: AtApi) => void): void
  /** the first handshake since the API was told how to answer, or since one was opened */
  atApi(): Promise<AtApi>
  handshakeLines(path?: string, headers?: HeaderValues): string[]
  /** a handshake that is expected to be refused; resolves once the connection is closed */
  refused(path?: string, headers?: HeaderValues): Promise<RawAnswer>
  /** writes a handshake, and does not wait for its answer */
  begin(extra?: string): Socket
  /** a socket after its handshake; it stays half open until it is ended */
  open(extra?: string): Promise<OpenSocket>
}

const KEY = 'dGhlIHNhbXBsZSBub25jZQ=='

export async function startWebSocketFixture(): Promise<WebSocketFixture> {
  const fixture = await startRelayFixture()
  const sockets = new Set<Socket>()
  let arrived = createSignal<AtApi>()
  let answer = takeHandshake

  fixture.api.server.on('upgrade', (req, duplex, head) => {
    const socket = duplex as Socket
    sockets.add(socket.on('error', () => {}))
    const at = { req, socket, head }
    fixture.api.seen.push({
      method: '',
      url: req.url ?? '',
      headers: req.headers,
      rawHeaders: req.rawHeaders,
    })
    answer(at)
    arrived.resolve(at)
  })

  const atApi = () => within(arrived.promise, 'the handshake at the API')

  function handshakeLines(path = '/api/socket', headers: HeaderValues = {}): string[] {
    const given = {
      cookie: fixture.cookie,
      origin: fixture.app.url,
      'sec-websocket-key': KEY,
      'sec-websocket-version': '13',
      ...headers,
    }
    const lines = Object.entries({ upgrade: 'websocket', connection: 'Upgrade', ...given })
    return [
      `GET ${path} HTTP/1.1`,
      ...lines.flatMap(([name, value]) => (value === undefined ? [] : `${name}: ${value}`)),
    ]
  }

  function begin(extra = ''): Socket {
    const { hostname, port } = new URL(fixture.app.url)
    const socket = connect({ port: Number(port), host: hostname, allowHalfOpen: true })
    sockets.add(socket.on('error', () => {}))
    socket.write(`${[...handshakeLines(), `Host: localhost:${port}`].join('\r\n')}\r\n\r\n${extra}`)
    return socket
  }

  return {
    ...fixture,
    answerHandshakes(next = takeHandshake) {
      answer = next
      arrived = createSignal()
    },
    atApi,
    handshakeLines,
    refused: (path, headers) => rawExchange(fixture.app.url, handshakeLines(path, headers)),
    begin,
    async open(extra) {
      const socket = begin(extra)
      const received: Buffer[] = []
      socket.on('data', (piece) => received.push(piece))
      const text = () => `${Buffer.concat(received)}`
      await eventually('the answer to the handshake', () => text().includes('\r\n\r\n'))
      const api = await atApi()
      arrived = createSignal()
      return { socket, text, api }
    },
    async stop() {
      for (const socket of sockets) socket.destroy()
      await fixture.stop()
    },
  }
}

/** With more headers than it needs. */
export function takeHandshake({ req, socket }: AtApi): void {
  const lines = [
    'HTTP/1.1 101 Switching Protocols',
    ...['Connection: Upgrade', 'Upgrade: websocket', 'Set-Cookie: bff=evil', 'X-Powered-By: an API'],
    `Sec-WebSocket-Accept: ${acceptOf(req.headers['sec-websocket-key'])}`,
    ...(req.headers['sec-websocket-protocol'] ? ['Sec-WebSocket-Protocol: chat'] : []),
  ]
  socket.write(`${lines.join('\r\n')}\r\n\r\n`)
}

/** RFC 6455 §4.2.2 */
export function acceptOf(key = KEY): string {
  return createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
}

/** Servers' sockets stay half open until they say something about it. */
export function ended(socket: Socket): Promise<boolean> {
  return eventually('the other side to end', () => socket.destroyed || socket.readableEnded)
}
