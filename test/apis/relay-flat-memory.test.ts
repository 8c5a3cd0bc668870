// One gigabyte up and one down: the process of the relay stays small.
import { Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type ApiServer, startApiServer } from '../support/app/api-server.ts'
import { type RelayProcess, startRelayProcess } from '../support/app/relay-process.ts'
import { Browser } from '../support/browser/browser.ts'
import { openRequest } from '../support/browser/open-request.ts'
import { startProvider, type TestProvider } from '../support/provider/provider.ts'

const GIGABYTE = 2 ** 30
const PIECE = Buffer.alloc(2 ** 18, 'x')
const MOST_MEGABYTES = 150

let provider: TestProvider
let api: ApiServer
let app: RelayProcess
let cookie: string

beforeAll(async () => {
  ;[provider, api] = await Promise.all([startProvider(), startApiServer()])
  app = await startRelayProcess(provider, api.url)
  const browser = new Browser()
  await browser.logIn(app.url, { user: 'rita' })
  cookie = (await browser.cookies(app.url)).map((each) => each.cookieString()).join('; ')
})
afterAll(async () => {
  await Promise.all([app?.stop(), api?.stop()])
  await provider?.stop()
})

function* gigabyte() {
  for (let sent = 0; sent < GIGABYTE; sent += PIECE.length) yield PIECE
}

async function sizeOf(stream: Readable): Promise<number> {
  let size = 0
  const count = new Writable({
    write(piece: Buffer, _encoding, done) {
      size += piece.length
      done()
    },
  })
  await pipeline(stream, count)
  return size
}

test('a gigabyte up, and one down', async () => {
  const received = { size: 0 }
  api.answer(async (req, res) => {
    if (req.method === 'GET') return pipeline(Readable.from(gigabyte()), res)
    received.size = await sizeOf(req)
    return res.end()
  })
  const up = openRequest('POST', `${app.url}/api/up`, { cookie, 'content-length': `${GIGABYTE}` })
  await pipeline(Readable.from(gigabyte()), up.sent)
  expect((await up.response()).statusCode).toBe(200)
  const down = openRequest('GET', `${app.url}/api/down`, { cookie })
  down.sent.end()
  const downloaded = await sizeOf(await down.response())
  expect([received.size, downloaded]).toEqual([GIGABYTE, GIGABYTE])
  expect(await app.peakMegabytes()).toBeLessThan(MOST_MEGABYTES)
}, 120_000)
