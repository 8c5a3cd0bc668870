// Bytes that no browser sends in front of handleUpgrade(): whatever they are, the process lives and others are served.
import { connect, type Socket } from 'node:net'
import { startWebSocketFixture } from '../support/app/websocket-fixture.ts'
import { within } from '../support/deadline.ts'
import { useStarted } from '../support/servers.ts'

const fixture = useStarted(() => startWebSocketFixture())

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
  await within(new Promise((resolve) => socket.once('close', resolve)), 'the server to close the connection')
  return text
}

const statuses = (text: string) => [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => Number(status))

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
