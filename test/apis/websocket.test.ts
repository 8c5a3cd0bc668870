// WebSockets through the app and the relay: a handshake that is a request like all others, and after it two sockets that are one.
import type { IncomingMessage } from 'node:http'
import { connect, type Socket } from 'node:net'
import { inspect } from 'node:util'
import express from 'express'
import { WebSocket } from 'undici'
import { relay } from '../../src/index.ts'
import {
  type AtApi,
  acceptOf,
  ended,
  startWebSocketFixture,
  takeHandshake,
} from '../support/app/websocket-fixture.ts'
import { rawExchange } from '../support/browser/raw-exchange.ts'
import { createSignal, eventually, within } from '../support/deadline.ts'
import { useStarted } from '../support/servers.ts'

const fixture = useStarted(async () => {
  const started = await startWebSocketFixture()
  const { app } = started.app
  const target = started.api.url
  app.use('/open', relay({ target, token: 'user-or-none' }))
  app.use('/hasty', relay({ target, timeoutSeconds: 0.2 }))
  app.get('/page', (_req, res) => void res.send('a page'))
  app.post('/form', express.json(), (_req, res) => void res.send('a form'))
  return started
})

beforeEach(() => {
  fixture.answerHandshakes()
  fixture.api.seen.length = 0
  fixture.lines.length = 0
})

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

describe('a handshake', () => {
  test('a handshake is refused for who is not logged in', async () => {
    const { status, head, body } = await fixture.refused('/api/socket', { cookie: undefined })
    expect([status, JSON.parse(body).code]).toEqual([401, 'login_required'])
    expect(head).toMatch(/^connection: close$/im)
    expect(fixture.api.seen).toEqual([])
  })

  test('a handshake is refused for a page of another site', async () => {
    const { status, body } = await fixture.refused('/api/socket', { origin: 'https://evil.example' })
    expect([status, JSON.parse(body).code]).toEqual([403, 'cross_site'])
    expect(fixture.api.seen).toEqual([])
  })

  test('a handshake is refused where nobody takes it: 404', async () => {
    expect((await fixture.refused('/nowhere')).status).toBe(404)
    expect((await fixture.refused('/page')).status).toBe(200)
    expect((await fixture.refused('/form')).status).toBe(404)
  })

  test('a handshake is refused where its path leads elsewhere', async () => {
    expect((await fixture.refused('/api/..%2fadmin')).status).toBe(400)
    expect(fixture.api.seen).toEqual([])
  })

  test('a handshake is refused where it is no GET, or has a body', async () => {
    const [, ...lines] = fixture.handshakeLines()
    expect((await rawExchange(fixture.app.url, ['POST /api/socket HTTP/1.1', ...lines])).status).toBe(400)
    expect((await rawExchange(fixture.app.url, ['GET /api/x HTTP/1.1', ...lines], 'body')).status).toBe(400)
    expect(fixture.api.seen).toEqual([])
  })

  test('a handshake is refused where the API refuses it, by the rules of every answer', async () => {
    fixture.answerHandshakes(({ socket }) => {
      socket.end('HTTP/1.1 403 F\r\nSet-Cookie: bff=evil\r\nX-Request-Id: 1\r\nContent-Length: 2\r\n\r\nno')
    })
    const { status, head, body } = await fixture.refused()
    expect([status, body]).toEqual([403, 'no'])
    expect(head).toMatch(/^x-request-id: 1$/im)
    expect(head).not.toMatch(/^set-cookie/im)
  })

  test('a handshake is refused where the API refuses it and does not come to an end: with the browser it does', async () => {
    fixture.answerHandshakes(({ socket }) => {
      socket.write('HTTP/1.1 403 F\r\nContent-Length: 100\r\n\r\nand')
    })
    const { socket, api } = await fixture.open()
    socket.destroy()
    api.socket.resume()
    await ended(api.socket)
  })

  test.each([
    ['hangs up', '/api/socket', ({ socket }: AtApi) => void socket.destroy()],
    ['hangs', '/hasty/socket', () => {}],
  ])('a handshake is refused where the API %s', async (_how, path, how) => {
    fixture.answerHandshakes(how)
    const { status, body } = await fixture.refused(path)
    expect([status, JSON.parse(body).code]).toEqual([503, 'api_unavailable'])
  })

  test('a handshake is refused where the API wants more of the person’s authentication', async () => {
    const challenge = 'Bearer error="insufficient_user_authentication", max_age="60"'
    fixture.answerHandshakes(({ socket }) => {
      socket.end(`HTTP/1.1 401 U\r\nWWW-Authenticate: ${challenge}\r\nContent-Length: 0\r\n\r\n`)
    })
    const { status, body } = await fixture.refused()
    expect([status, JSON.parse(body).code]).toEqual([401, 'step_up_required'])
  })

  test('a token that the API refuses is renewed, and the handshake sent again', async () => {
    const before = fixture.provider.refreshCount()
    fixture.answerHandshakes((at) => {
      if (fixture.api.seen.length > 1) takeHandshake(at)
      else at.socket.end('HTTP/1.1 401 U\r\nContent-Length: 0\r\n\r\n')
    })
    const { socket } = await fixture.open()
    expect(fixture.provider.refreshCount() - before).toBe(1)
    const [first, second, ...more] = fixture.api.seen.map(({ headers }) => headers.authorization)
    expect([first === second, more]).toEqual([false, []])
    socket.destroy()
  })

  test('who is not logged in passes where that is asked for, without a token', async () => {
    fixture.answerHandshakes(({ socket }) => {
      socket.end('HTTP/1.1 400 B\r\nContent-Length: 0\r\n\r\n')
    })
    expect((await fixture.refused('/open/socket', { cookie: undefined })).status).toBe(400)
    expect(fixture.api.seen.map(({ headers }) => headers.authorization)).toEqual([undefined])
  })

  test('an upgrade to anything else is an ordinary request (RFC 9110 §7.8)', async () => {
    fixture.api.echo()
    const { status, head } = await fixture.refused('/api/x', { upgrade: 'h2c', 'http2-settings': 'AAMAAABk' })
    expect([status, /^upgrade/im.test(head)]).toEqual([200, false])
    expect(fixture.api.seen[0]?.headers).not.toHaveProperty('upgrade')
  })

  test.each([
    ['h2c', 'content-length: 500'],
    ['anything', 'transfer-encoding: chunked'],
    ['websocket, h2c', 'content-length: 500'],
  ])(
    'an upgrade to %s with a body (%s) reaches no API: the body would be taken for its next request',
    async (upgrade, framing) => {
      fixture.api.echo()
      const [, ...lines] = fixture.handshakeLines('', { upgrade })
      const request = ['POST /api/x HTTP/1.1', ...lines, framing]
      expect((await rawExchange(fixture.app.url, request)).status).toBe(400)
      expect(fixture.api.seen).toEqual([])
    },
  )

  test('a browser that goes away in the middle of a handshake leaves nothing behind', async () => {
    fixture.answerHandshakes(() => {})
    const socket = fixture.begin()
    const { socket: apiSocket } = await fixture.atApi()
    apiSocket.resume()
    socket.resetAndDestroy()
    await ended(apiSocket)
    expect((await fixture.browser.request('GET', `${fixture.app.url}/ping`)).status).toBe(200)
  })

  test('without handleUpgrade() a handshake is refused, and the log says what lacks', async () => {
    const { server } = fixture.app
    const listeners = server.listeners('upgrade')
    server.removeAllListeners('upgrade')
    const { status } = await fixture.refused()
    for (const listener of listeners) server.on('upgrade', listener as () => void)
    expect([status, fixture.lines]).toEqual([
      400,
      [expect.stringContaining("server.on('upgrade', handleUpgrade(app))")],
    ])
  })
})

// Whatever they are, the process lives and others are served.
describe('bytes that no browser sends', () => {
  const HEAD = ['Host: localhost', 'Connection: Upgrade'].join('\r\n')
  const upgrade = (path: string, more = 'Upgrade: x', method = 'GET') =>
    `${method} ${path} HTTP/1.1\r\n${HEAD}\r\n${more}\r\n\r\n`
  const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`

  /** Sends all of it in one write, and answers what came until the server closed the connection. */
  async function send(bytes: string, then?: (socket: Socket) => void): Promise<string> {
    const socket = connect(Number(new URL(fixture.app.url).port), 'localhost')
    let text = ''
    socket
      .on('error', () => {})
      .on('data', (chunk) => {
        text += chunk
      })
    socket.write(bytes)
    then?.(socket)
    await within(
      new Promise((resolve) => socket.once('close', resolve)),
      'the server to close the connection',
    )
    return text
  }

  const statuses = (text: string) =>
    [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => Number(status))

  async function expectAlive(): Promise<void> {
    expect((await fixture.browser.request('GET', `${fixture.app.url}/ping`)).status).toBe(200)
  }

  afterEach(expectAlive)

  test('a request and an upgrade in one write are answered one after the other', async () => {
    const text = await send(get('/me') + upgrade('/q'))
    expect(statuses(text)).toEqual([200, 404])
  })

  test('three requests and an upgrade in one write are answered in their order', async () => {
    const text = await send(get('/me') + get('/private') + get('/ping') + upgrade('/q'))
    expect(statuses(text)).toEqual([200, 401, 200, 404])
  })

  test('an upgrade behind a request that asks for the end of the connection is left', async () => {
    const last = 'GET /me HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'
    expect(statuses(await send(last + upgrade('/q')))).toHaveLength(1)
  })

  test.each([
    ['with a body that is there', 'Upgrade: x\r\nContent-Length: 4', 'body'],
    ['with a body that is on its way', 'Upgrade: websocket\r\nContent-Length: 400', 'bo'],
    ['with a chunked body that is there', 'Upgrade: x\r\nTransfer-Encoding: chunked', '2\r\nbo\r\n0\r\n\r\n'],
    ['with a chunked body that does not end', 'Upgrade: x\r\nTransfer-Encoding: chunked', '2\r\nbo\r\n'],
  ])('an upgrade %s is answered, and the connection closed', async (_what, more, body) => {
    for (const path of ['/q', '/api/x', '/me', '/private']) {
      const text = await send(upgrade(path, more, 'POST') + body, (socket) => socket.end())
      expect(statuses(text)).toHaveLength(1)
      expect(statuses(text)[0]).toBeGreaterThanOrEqual(400)
    }
  })

  test('a client that goes away behind a request and an upgrade leaves nothing behind', async () => {
    await send(get('/me') + upgrade('/q'), (socket) => void setImmediate(() => socket.resetAndDestroy()))
  })
})

// The last of this file: nobody is answered after it.
test('one that is open goes on while the server drains, until either end leaves or the process does', async () => {
  const { socket, text, api } = await fixture.open()
  let isClosed = false
  fixture.app.server.close(() => {
    isClosed = true
  })
  await fixture.app.auth.close()
  api.socket.write('still there')
  await eventually('what the API says', () => text().includes('still there'))
  expect(isClosed).toBe(false)
  socket.destroy()
  await eventually('the end of the server', () => isClosed)
})
