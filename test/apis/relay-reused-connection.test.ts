// A connection that the API closes just when it is used again: no fault of the request's, where that may be sent twice.
import { type RelayFixture, startRelayFixture } from '../support/app/relay-fixture.ts'
import { exchange } from '../support/browser/http-exchange.ts'

let fixture: RelayFixture

beforeAll(async () => {
  fixture = await startRelayFixture()
})
afterAll(() => fixture?.stop())
beforeEach(resetSecondUse)

/** The API answers once, then resets that connection when the next request comes on it. */
function resetSecondUse(): void {
  const used = new WeakSet<object>()
  fixture.api.answer((req, res) => {
    if (used.has(req.socket)) req.socket.resetAndDestroy()
    else req.resume().once('end', () => res.end('taken'))
    used.add(req.socket)
  })
}

async function ask(method: string, body?: string) {
  const headers = { cookie: fixture.cookie }
  return (await exchange({ method, url: fixture.url('/x'), headers, body })).status
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
  const before = fixture.api.seen.length
  expect(await ask(method, 'body')).toBe(503)
  expect(fixture.api.seen).toHaveLength(before + 1)
})
