// `Expect: 100-continue`: a browser's body waits until the API wants it (RFC 9110 §10.1.1).
import { Agent } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { type RelayFixture, startRelayFixture } from '../support/app/relay-fixture.ts'
import { nextPiece, openRequest } from '../support/browser/open-request.ts'
import { createSignal, within } from '../support/deadline.ts'

let fixture: RelayFixture
/** Node.js itself says "100 Continue" there, before the app sees the request. */
let plain: RelayFixture
const agent = new Agent({ keepAlive: true })

beforeAll(async () => {
  ;[fixture, plain] = await Promise.all([startRelayFixture(), startRelayFixture()])
  fixture.app.server.on('checkContinue', fixture.app.app)
})
afterAll(async () => {
  agent.destroy()
  await Promise.all([fixture?.stop(), plain?.stop()])
})
beforeEach(() => {
  fixture.api.seen.length = 0
})

/** Larger than what is read before it is sent. */
const SIZE = 100_000

function upload(at = fixture, cookie = at.cookie) {
  const expect = { expect: '100-continue', 'content-length': String(SIZE) }
  const { sent, response } = openRequest('POST', at.url('/x'), { cookie, ...expect }, agent)
  const told = { times: 0 }
  const allowed = createSignal()
  sent.on('continue', () => {
    told.times += 1
    allowed.resolve()
  })
  return { sent, response, told, allowed: () => within(allowed.promise, 'to be told to continue') }
}

test('the word comes when the API gives it, and then the body goes through', async () => {
  const arrived = createSignal<() => void>()
  fixture.api.answer((req, res) => {
    arrived.resolve(() => {
      res.writeContinue()
      void buffer(req).then((body) => res.end(`${body.length}`))
    })
  })
  const { sent, response, told, allowed } = upload()
  const allow = await within(arrived.promise, 'the request at the API')
  expect([fixture.api.seen[0]?.headers.expect, told.times]).toEqual(['100-continue', 0])
  allow()
  await allowed()
  sent.end(Buffer.alloc(SIZE))
  const answer = await response()
  expect([answer.headers.connection, `${await buffer(answer)}`]).toEqual(['keep-alive', `${SIZE}`])
  expect(told.times).toBe(1)
})

test('an API that does not want the body says so before it was sent, and the connection ends', async () => {
  fixture.api.answer((_req, res) => res.writeHead(413).end('too large'))
  const { response, told } = upload()
  const answer = await response()
  expect([answer.statusCode, answer.headers.connection, told.times]).toEqual([413, 'close', 0])
  expect(`${await buffer(answer)}`).toBe('too large')
})

test('who may not pass hears it before the body was sent', async () => {
  const { response, told } = upload(fixture, '')
  const answer = await response()
  expect([answer.statusCode, answer.headers.connection, told.times]).toEqual([401, 'close', 0])
  expect(fixture.api.seen).toEqual([])
})

test('a token that the API refuses costs no second upload: nothing of the body was read', async () => {
  let refusals = 1
  fixture.api.answer((req, res) => {
    refusals -= 1
    if (refusals >= 0) return res.writeHead(401).end()
    res.writeContinue()
    return buffer(req).then((body) => res.end(`${body.length}`))
  })
  const before = fixture.provider.refreshCount()
  const { sent, response, told, allowed } = upload()
  await allowed()
  sent.end(Buffer.alloc(SIZE))
  expect(`${await buffer(await response())}`).toBe(`${SIZE}`)
  expect([told.times, fixture.api.seen.length, fixture.provider.refreshCount() - before]).toEqual([1, 2, 1])
})

test('an API that never gives the word gets the body after a second', async () => {
  fixture.api.answer(async (req, res) => res.end(`${(await buffer(req)).length}`))
  const { sent, response, allowed } = upload()
  await allowed()
  sent.end(Buffer.alloc(SIZE))
  expect(`${await buffer(await response())}`).toBe(`${SIZE}`)
})

test('a browser that goes away before the word ends the request to the API', async () => {
  const [arrived, closed] = [createSignal(), createSignal()]
  fixture.api.answer((_req, res) => {
    arrived.resolve()
    res.once('close', () => closed.resolve())
  })
  const { sent } = upload()
  await within(arrived.promise, 'the request at the API')
  sent.destroy()
  await within(closed.promise, 'the end of the request at the API')
})

test('where Node.js has given the word already, it is given once', async () => {
  plain.api.answer(async (req, res) => {
    res.writeContinue()
    res.end(`${(await buffer(req)).length}`)
  })
  const { sent, response, told, allowed } = upload(plain)
  await allowed()
  sent.end(Buffer.alloc(SIZE))
  const answer = await response()
  expect(await nextPiece(answer)).toBe(`${SIZE}`)
  expect([told.times, plain.api.seen[0]?.headers.expect]).toEqual([1, '100-continue'])
})
