// One gigabyte up and one down: the relay holds none of it, however long the other side takes none.
import type { Readable, Writable } from 'node:stream'
import { startApiServer } from '../support/app/api-server.ts'
import { startRelayProcess } from '../support/app/relay-process.ts'
import { Browser } from '../support/browser/browser.ts'
import { openRequest } from '../support/browser/open-request.ts'
import { createSignal, eventually } from '../support/deadline.ts'
import { startProvider } from '../support/provider/provider.ts'
import { useParts } from '../support/servers.ts'

const MEGABYTE = 2 ** 20
const GIGABYTE = 2 ** 30
const PIECE = Buffer.alloc(2 ** 18, 'x')
/** So often the reader stops, and what does not fit in between has to wait at the sender's. */
const STOPS = 4
/** A few pieces on their way, and what a page of the app itself takes. */
const MOST_HELD = 16 * MEGABYTE

const { api, app } = useParts(async (start) => {
  const [provider, api] = await Promise.all([start(startProvider()), start(startApiServer())])
  return { provider, api, app: await start(startRelayProcess(provider, api.url)) }
})

interface Progress {
  sent: number
}

/** Writes a gigabyte as fast as it is taken. */
function pour(into: Writable, progress: Progress): void {
  const goOn = () => {
    while (progress.sent < GIGABYTE && !into.destroyed) {
      progress.sent += PIECE.length
      if (!into.write(PIECE)) return
    }
    into.off('drain', goOn).end()
  }
  into.on('drain', goOn)
  goOn()
}

/** Resolves once the sender has not come further for a while: it waits, or is done. */
async function stuck(progress: Progress): Promise<void> {
  let [last, since] = [-1, 0]
  await eventually(
    'the sender to wait',
    () => {
      if (progress.sent !== last) [last, since] = [progress.sent, performance.now()]
      return performance.now() - since > 200
    },
    60_000,
  )
}

/** Reads all of it, with stops; resolves with its size, and the most that the relay held at a stop. */
async function drain(from: Readable, progress: Progress): Promise<{ size: number; held: number }> {
  let [size, held, stopAt] = [0, 0, 0]
  for await (const piece of from) {
    size += piece.length
    if (size < stopAt) continue
    stopAt += GIGABYTE / STOPS
    await stuck(progress)
    held = Math.max(held, (await app.memory()).heldBytes)
  }
  return { size, held }
}

test('a gigabyte up, and one down', async () => {
  const browser = new Browser()
  await browser.logIn(app.url, { user: 'rita' })
  const cookie = (await browser.cookies(app.url)).map((each) => each.cookieString()).join('; ')
  const [up, down] = [{ sent: 0 }, { sent: 0 }]
  const uploaded = createSignal<ReturnType<typeof drain>>()
  api.answer((req, res) => {
    if (req.method === 'GET') pour(res, down)
    else uploaded.resolve(drain(req, up).finally(() => res.end()))
  })
  const before = await app.memory()

  const upload = openRequest('POST', `${app.url}/api/up`, { cookie, 'content-length': `${GIGABYTE}` })
  pour(upload.sent, up)
  const received = await uploaded.promise
  expect((await upload.response()).statusCode).toBe(200)
  const download = openRequest('GET', `${app.url}/api/down`, { cookie })
  download.sent.end()
  const downloaded = await drain(await download.response(), down)

  expect([received.size, downloaded.size]).toEqual([GIGABYTE, GIGABYTE])
  expect(received.held - before.heldBytes).toBeLessThan(MOST_HELD)
  expect(downloaded.held - before.heldBytes).toBeLessThan(MOST_HELD)
  // Garbage comes on top, as late as it is collected.
  const { peakBytes } = await app.memory()
  expect(peakBytes - before.peakBytes).toBeLessThan(GIGABYTE / 2)
}, 300_000)
