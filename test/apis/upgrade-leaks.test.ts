// Requests behind an answer that is not there yet, in one connection: when the client goes away, or an answer is broken off
// before its turn, neither the connection nor the API's is kept for ever.
import type { ServerResponse } from 'node:http'
import { connect, type Socket } from 'node:net'
import { relay } from '../../src/index.ts'
import { startRelayFixture } from '../support/app/relay-fixture.ts'
import { eventually, within } from '../support/deadline.ts'
import { useStarted } from '../support/servers.ts'

let slow: ServerResponse | undefined

const fixture = useStarted(async () => {
  const started = await startRelayFixture()
  started.app.app.use('/open', relay({ target: started.api.url, token: 'user-or-none' }))
  started.app.app.get('/slow', (_req, res) => {
    slow = res
  })
  return started
})
const opened: Socket[] = []
afterEach(() => {
  for (const each of opened.splice(0)) each.destroy()
  slow = undefined
})

const UPGRADE = 'GET /me HTTP/1.1\r\nUpgrade: x\r\nConnection: Upgrade'

/** Sends all of it in one write; `behind` is the app's answer to the second request. */
async function send(...requests: string[]) {
  const { hostname, port, host } = new URL(fixture.app.url)
  const answers: ServerResponse[] = []
  const note = (_req: unknown, res: ServerResponse) => void answers.push(res)
  fixture.app.server.on('request', note)
  const accepted = new Promise<Socket>((resolve) => fixture.app.server.once('connection', resolve))
  const client = connect(Number(port), hostname)
  client.on('error', () => {}).resume()
  client.write(requests.map((each) => `${each}\r\nHost: ${host}\r\n\r\n`).join(''))
  const connection = await within(accepted, 'the connection')
  opened.push(client, connection)
  const behind = await eventually('the requests', () => slow && answers[1])
  fixture.app.server.off('request', note)
  return { client, connection, behind }
}

test.each([
  ['a stream', []],
  ['a stream and an upgrade', [UPGRADE]],
])('%s behind another answer: the API’s connection ends with the client', async (_what, more) => {
  let atApi: ServerResponse | undefined
  fixture.api.answer((_req, res) => {
    atApi = res.writeHead(200, { 'content-type': 'text/event-stream' })
    atApi.write('data: first\n\n')
  })
  const { client, connection, behind } = await send(
    'GET /slow HTTP/1.1',
    'GET /open/events HTTP/1.1',
    ...more,
  )
  await eventually('the answer of the API', () => behind.headersSent)
  client.destroy()
  await eventually('the end of the connection', () => connection.closed)
  await eventually('the end at the API', () => atApi?.closed)
})

test('an upgrade behind an answer that was broken off before its turn: the connection is ended', async () => {
  let atApi: ServerResponse | undefined
  fixture.api.answer((_req, res) => {
    atApi = res
    res.write('half of it')
  })
  const { connection, behind } = await send('GET /slow HTTP/1.1', 'GET /open/x HTTP/1.1', UPGRADE)
  await eventually('the answer of the API', () => behind.headersSent)
  atApi?.destroy()
  await eventually('the answer to be broken off', () => behind.destroyed)
  slow?.end('slow')
  await eventually('the end of the connection', () => connection.closed)
})
