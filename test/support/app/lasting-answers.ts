// Answers that last: event streams and WebSockets that a browser has open through the relay of a test app.
import { get, type IncomingMessage, type ServerResponse } from 'node:http'
import { connect, type Socket } from 'node:net'
import { handleUpgrade, type RelayOptions, relay } from '../../../src/index.ts'
import type { UserAgent } from '../browser/user-agent.ts'
import { eventually, within } from '../deadline.ts'
import { type ApiServer, startApiServer } from './api-server.ts'
import type { TestApp } from './app.ts'
import { takeHandshake } from './websocket-fixture.ts'

export interface Lasting {
  isOpen(): boolean
  /** 'whole' is an end that looks like one */
  readonly end: Promise<'whole' | 'broken'>
  close(): void
  /** of a WebSocket */
  send?(bytes: Buffer): void
}

/** `/api` and, for those who are not logged in too, `/open` go to the API, which takes WebSockets and sends a first event. */
export function relayLasting(
  { app, server }: TestApp,
  api: ApiServer,
  more: Partial<RelayOptions> = {},
): void {
  app.use('/api', relay({ target: api.url, ...more }))
  app.use('/open', relay({ target: api.url, token: 'user-or-none' }))
  server.on('upgrade', handleUpgrade(app))
}

/** An API that sends one event and no end, and takes WebSockets; at `/deaf` it talks, and does not listen, at `/silent` neither. */
export async function startStreamingApi(): Promise<ApiServer & { lastAnswer(): ServerResponse | undefined }> {
  const api = await startApiServer()
  let last: ServerResponse | undefined
  api.answer((req, res) => {
    last = res
    if (req.url?.endsWith('/silent') === true) return void req.resume()
    res.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: first\n\n')
  })
  api.server.on('upgrade', (req, socket, head) => {
    socket.on('error', () => {})
    const isSilent = req.url?.endsWith('/silent') === true
    if (!isSilent) takeHandshake({ req, socket: socket as Socket, head })
    if (req.url?.endsWith('/deaf') !== true) socket.resume().once('end', () => socket.end())
    else {
      const talk = setInterval(() => socket.write('and'), 50)
      socket.once('close', () => clearInterval(talk))
    }
  })
  return { ...api, lastAnswer: () => last }
}

export async function cookieOf(browser: UserAgent, url: string): Promise<string> {
  return (await browser.cookies(url)).map((each) => each.cookieString()).join('; ')
}

export async function openEvents(app: TestApp, browser: UserAgent, path = '/api/events'): Promise<Lasting> {
  const request = get(`${app.url}${path}`, {
    agent: false,
    headers: { cookie: await cookieOf(browser, app.url) },
  })
  const answer = await within(
    new Promise<IncomingMessage>((resolve, reject) =>
      request.once('response', resolve).once('error', reject),
    ),
    'the answer with the events',
  )
  if (answer.statusCode !== 200) throw new Error(`no events: ${answer.statusCode}`)
  request.on('error', () => {})
  const end = new Promise<'whole' | 'broken'>((resolve) => {
    answer.on('error', () => {}).once('close', () => resolve(answer.complete ? 'whole' : 'broken'))
  })
  await within(new Promise((resolve) => answer.once('data', resolve)), 'the first event')
  answer.resume()
  return { isOpen: () => !answer.closed, end, close: () => request.destroy() }
}

export async function openSocket(app: TestApp, browser: UserAgent, path?: string): Promise<Lasting> {
  const { text, ...lasting } = await beginSocket(app, browser, path)
  await eventually('the answer to the handshake', () => text().includes('\r\n\r\n'))
  if (!text().startsWith('HTTP/1.1 101 ')) throw new Error(`no WebSocket: ${text().slice(0, 300)}`)
  return lasting
}

/** Does not wait for the answer to its handshake. */
export async function beginSocket(
  app: TestApp,
  browser: UserAgent,
  path = '/api/socket',
): Promise<Lasting & { text(): string }> {
  const { hostname, port, host } = new URL(app.url)
  const socket = connect(Number(port), hostname)
  const lines = [
    `GET ${path} HTTP/1.1`,
    `Host: ${host}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    'Sec-WebSocket-Version: 13',
    `Origin: ${app.url}`,
    `Cookie: ${await cookieOf(browser, app.url)}`,
  ]
  let text = ''
  const end = new Promise<'broken'>((resolve) => {
    socket
      .on('error', () => {})
      .on('data', (piece) => {
        text += piece
      })
      .once('close', () => resolve('broken'))
  })
  socket.write(`${lines.join('\r\n')}\r\n\r\n`)
  return {
    text: () => text,
    isOpen: () => !socket.closed,
    end,
    close: () => socket.destroy(),
    send: (bytes) => void socket.write(bytes),
  }
}
