// A connection that the API closes just when it is used again: no fault of the request's, where that may be sent twice.
import { exchange } from '../support/http-exchange.ts'
import { type RelayBench, startRelayBench } from '../support/relay-bench.ts'

let bench: RelayBench

beforeAll(async () => {
  bench = await startRelayBench()
})
afterAll(() => bench?.stop())
beforeEach(resetSecondUse)

/** The API answers once, then resets that connection when the next request comes on it. */
function resetSecondUse(): void {
  const used = new WeakSet<object>()
  bench.api.answer((req, res) => {
    if (used.has(req.socket)) req.socket.resetAndDestroy()
    else req.resume().once('end', () => res.end('taken'))
    used.add(req.socket)
  })
}

async function ask(method: string, body?: string) {
  const headers = { cookie: bench.cookie }
  return (await exchange({ method, url: bench.url('/x'), headers, body })).status
}

test.each<[method: string, body?: string]>([['GET'], ['DELETE'], ['PUT', 'a small body']])(
  'it is replaced for %s',
  async (...asked) => {
    await ask('GET')
    expect(await ask(...asked)).toBe(200)
  },
)

test.each(['POST', 'PATCH'])('it is a failure for %s (RFC 9110 §9.2.2)', async (method) => {
  await ask('GET')
  const before = bench.api.seen.length
  expect(await ask(method, 'body')).toBe(503)
  expect(bench.api.seen).toHaveLength(before + 1)
})
