// WebSockets through the app and the relay: after the handshake, two sockets that are one.
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { inspect } from 'node:util'
import { WebSocket } from 'undici'
import {
  acceptOf,
  ended,
  startWebSocketFixture,
  takeHandshake,
  type WebSocketFixture,
} from '../support/app/websocket-fixture.ts'
import { createSignal, eventually, within } from '../support/deadline.ts'

let fixture: WebSocketFixture

beforeAll(async () => {
  fixture = await startWebSocketFixture()
})
afterAll(() => fixture?.stop())
beforeEach(() => fixture.answerHandshakes())

test('a WebSocket client talks to the API, with the person’s token and without their cookie', async () => {
  const client = new WebSocket(`${fixture.app.url.replace('http', 'ws')}/api/socket?room=1`, {
    protocols: ['chat'],
    headers: { cookie: fixture.cookie, origin: fixture.app.url, 'x-user': 'admin', 'x-request-id': '7' },
  })
  const message = createSignal<unknown>()
  client.addEventListener('message', ({ data }) => message.resolve(data))
  await within(new Promise((resolve) => client.addEventListener('open', resolve)), 'the WebSocket to open')
  const { req, socket } = await fixture.atApi()
  expect([req.url, client.protocol]).toEqual(['/v1/socket?room=1', 'chat'])
  expect(fixture.provider.secretsSeen()).toContain(req.headers.authorization?.replace('Bearer ', ''))
  expect(req.headers).toMatchObject({ upgrade: 'websocket', connection: 'Upgrade', 'x-request-id': '7' })
  for (const name of ['cookie', 'origin', 'x-user']) expect(req.headers).not.toHaveProperty(name)
  expect(req.headers.host).toBe(new URL(fixture.api.url).host)

  socket.write(Buffer.from([0x81, 2, ...Buffer.from('hi')]))
  expect(await within(message.promise, 'the message')).toBe('hi')
  const reply = new Promise<Buffer>((resolve) => socket.once('data', resolve))
  client.send('ho')
  expect((await within(reply, 'the reply')).length).toBe(8)
  const ended = new Promise((resolve) => client.addEventListener('close', resolve))
  socket.end()
  await within(ended, 'the end of the WebSocket')
})

test('the answer to the handshake has what it needs and nothing else of the API', async () => {
  const { socket, text } = await fixture.open()
  const [head = ''] = text().split('\r\n\r\n')
  expect(head).toMatch(/^HTTP\/1\.1 101 /)
  expect(head).toContain(`ec-websocket-accept: ${acceptOf()}`)
  expect(head).not.toMatch(/set-cookie|an API/i)
  socket.destroy()
})

test('no token is to be seen in an open WebSocket', async () => {
  const atApp = new Promise<IncomingMessage>((resolve) => fixture.app.server.once('upgrade', resolve))
  const { socket, api } = await fixture.open()
  const shown = inspect(await atApp, { depth: 12, showHidden: true, maxStringLength: null })
  socket.destroy()
  const token = api.req.headers.authorization?.replace('Bearer ', '')
  expect(fixture.provider.secretsSeen()).toContain(token)
  expect(shown).toContain('/api/socket')
  expect(shown).not.toContain(token)
})

test('what was sent together with the handshake arrives, in both directions', async () => {
  fixture.answerHandshakes((at) => {
    takeHandshake(at)
    at.socket.write('from the API')
  })
  const { socket, text, api } = await fixture.open('from the browser')
  const received: Buffer[] = [api.head]
  api.socket.on('data', (piece) => received.push(piece))
  await eventually('the words of the browser', () => `${Buffer.concat(received)}` === 'from the browser')
  await eventually('the words of the API', () => text().endsWith('\r\n\r\nfrom the API'))
  socket.destroy()
})

describe('an end of either side ends the other', () => {
  test.each<[string, (socket: Socket) => void]>([
    ['ends', (socket) => socket.end('bye')],
    ['is destroyed', (socket) => socket.destroy()],
    ['is reset', (socket) => socket.resetAndDestroy()],
  ])('where the browser’s %s', async (_how, end) => {
    const { socket, api } = await fixture.open()
    api.socket.resume()
    end(socket)
    await ended(api.socket)
  })

  test.each<[string, (socket: Socket) => void]>([
    ['ends', (socket) => socket.end('bye')],
    ['is destroyed', (socket) => socket.destroy()],
    ['is reset', (socket) => socket.resetAndDestroy()],
  ])('where the API’s %s', async (_how, end) => {
    const { socket, api } = await fixture.open()
    end(api.socket)
    await ended(socket)
  })

  test('though the other one goes on talking', async () => {
    const talk = (socket: Socket) =>
      eventually('the talk to end', () => {
        socket.write('and another thing')
        return socket.destroyed
      })
    const [one, two] = [await fixture.open(), await fixture.open()]
    one.socket.end()
    await talk(one.api.socket)
    two.api.socket.end()
    await talk(two.socket)
  })

  test('and what was said before still arrives', async () => {
    const { socket, text, api } = await fixture.open()
    const words = 'w'.repeat(3_000_000)
    api.socket.end(words)
    await ended(socket)
    expect(text().endsWith(`\r\n\r\n${words}`)).toBe(true)
  })
})
