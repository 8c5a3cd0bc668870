// An API's 401: one renewal, one more try, and then a refusal that does not look like our own "log in".
import { type RelayFixture, startRelayFixture } from '../support/app/relay-fixture.ts'
import { Browser } from '../support/browser/browser.ts'

let fixture: RelayFixture

beforeAll(async () => {
  fixture = await startRelayFixture()
})
afterAll(() => fixture?.stop())
beforeEach(async () => {
  fixture.api.seen.length = 0
  fixture.lines.length = 0
  // With a token that no refusal brought.
  await fixture.browser.request('POST', `${fixture.app.url}/renew`)
})

const tokensSeen = () => fixture.api.seen.map(({ headers }) => headers.authorization)

/** The API refuses so many requests, and takes the next ones. */
function refuse(times: number, challenge?: string): void {
  let left = times
  fixture.api.answer((req, res) => {
    req.resume().once('end', () => {
      left -= 1
      if (left < 0) res.end('taken')
      else res.writeHead(401, challenge === undefined ? {} : { 'www-authenticate': challenge }).end('no')
    })
  })
}

/** Renewals at the provider while this is done. */
async function renewalsIn<T>(work: () => Promise<T>): Promise<[T, number]> {
  const before = fixture.provider.refreshCount()
  const result = await work()
  return [result, fixture.provider.refreshCount() - before]
}

const post = (size: number) => fixture.browser.request('POST', fixture.url('/x'), { body: 'x'.repeat(size) })

test.each([
  ['GET', undefined],
  ['DELETE', undefined],
  ['POST', 'a small body'],
  ['POST', 'x'.repeat(65_536)],
])('a 401 brings one renewal and one more try: %s', async (method, body) => {
  refuse(1, 'Bearer error="invalid_token"')
  const ask = () => fixture.browser.request(method, fixture.url('/x'), body === undefined ? {} : { body })
  const [page, renewals] = await renewalsIn(ask)
  expect([page.status, page.body, renewals]).toEqual([200, 'taken', 1])
  const [first, second, ...more] = tokensSeen()
  expect([more, first === second]).toEqual([[], false])
  expect(second).toMatch(/^Bearer ./)
})

test.each([undefined, 'Bearer', 'DPoP error="invalid_token"', 'Basic realm="x", bearer realm="y"'])(
  'a 401 does so with the challenge %j',
  async (challenge) => {
    refuse(1, challenge)
    const [page, renewals] = await renewalsIn(() => fixture.browser.request('GET', fixture.url('/x')))
    expect([page.status, renewals]).toEqual([200, 1])
  },
)

test('401 to several requests at once brings one renewal', async () => {
  let old: string | undefined
  fixture.api.answer((req, res) => {
    old ??= req.headers.authorization
    res.writeHead(req.headers.authorization === old ? 401 : 200).end()
  })
  const ask = () =>
    Promise.all(Array.from({ length: 5 }, () => fixture.browser.request('GET', fixture.url('/x'))))
  const [pages, renewals] = await renewalsIn(ask)
  expect([pages.map(({ status }) => status), renewals]).toEqual([[200, 200, 200, 200, 200], 1])
})

test('401 to a body that is gone brings the renewal, and asks for the request again', async () => {
  refuse(1)
  const [page, renewals] = await renewalsIn(() => post(65_537))
  expect([page.status, renewals]).toEqual([503, 1])
  expect(page.json()).toMatchObject({ code: 'send_again' })
  expect(page.headers).toMatchObject({ 'retry-after': '1' })
  expect(fixture.api.seen).toHaveLength(1)
  expect(await renewalsIn(async () => (await post(65_537)).status)).toEqual([200, 0])
})

test('401 to a fresh token too is a refusal that no login cures, said to operators', async () => {
  refuse(2, 'Bearer error="invalid_token", error_description="audience"')
  const [page, renewals] = await renewalsIn(() => fixture.browser.request('GET', fixture.url('/x')))
  expect([page.status, page.json().code, renewals]).toEqual([403, 'api_refused', 1])
  expect(page.headers).not.toHaveProperty('www-authenticate')
  expect(fixture.api.seen).toHaveLength(2)
  expect(fixture.lines).toEqual([expect.stringMatching(/api_refused.*401 invalid_token.*audience\?/)])
})

test('401 to every token costs the provider one renewal, and not one for each request', async () => {
  refuse(20)
  const ask = async () => (await fixture.browser.request('GET', fixture.url('/x'))).status
  expect(await renewalsIn(async () => [await ask(), await ask(), await ask()])).toEqual([[403, 403, 403], 1])
  fixture.api.echo()
  expect(await renewalsIn(ask)).toEqual([200, 0])
})

test('401 to every upload costs no more', async () => {
  refuse(20)
  const ask = async () => (await post(65_537)).status
  expect(await renewalsIn(async () => [await ask(), await ask(), await ask()])).toEqual([[503, 403, 403], 1])
})

test('a 401 that is about a password is no matter of the token', async () => {
  refuse(1, 'Basic realm="the API"')
  const [page, renewals] = await renewalsIn(() => fixture.browser.request('GET', fixture.url('/x')))
  expect([page.status, page.json().code, renewals]).toEqual([403, 'api_refused', 0])
})

test('a 401 cannot pretend to be ours', async () => {
  fixture.api.answer((_req, res) => {
    const problem = { status: 401, code: 'login_required', login_url: 'https://evil.example' }
    res.writeHead(401, { 'content-type': 'application/problem+json' }).end(JSON.stringify(problem))
  })
  const page = await fixture.browser.request('GET', fixture.url('/x'))
  expect([page.status, page.body.includes('evil')]).toEqual([403, false])
})

test('a 401 that never ends keeps nobody waiting', async () => {
  let isFirst = true
  fixture.api.answer((_req, res) => {
    if (isFirst) res.writeHead(401).write('and so on')
    else res.end('taken')
    isFirst = false
  })
  expect(await fixture.browser.request('GET', fixture.url('/x'))).toMatchObject({
    status: 200,
    body: 'taken',
  })
})

test('a 401 that breaks off does not break the second answer', async () => {
  let isFirst = true
  fixture.api.answer((_req, res) => {
    if (!isFirst) {
      res.end('taken')
      return
    }
    isFirst = false
    res.writeHead(401, { 'content-length': 100 }).write('half', () => res.destroy())
  })
  expect(await fixture.browser.request('GET', fixture.url('/x'))).toMatchObject({
    status: 200,
    body: 'taken',
  })
})

test('a 401 whose renewal the provider refuses for now is 503, and the session is kept', async () => {
  fixture.provider.answerNext('token', { status: 500, headers: {}, body: '' })
  refuse(1)
  const page = await fixture.browser.request('GET', fixture.url('/x'))
  expect([page.status, page.json().code]).toEqual([503, 'provider_unavailable'])
  expect(page.headers).not.toHaveProperty('set-cookie')
})

test('a 401 whose renewal the provider refuses for good asks for a login', async () => {
  const browser = new Browser()
  await browser.logIn(fixture.app.url, { user: 'ruth' })
  fixture.provider.blockAccount('ruth')
  refuse(1)
  const page = await browser.request('GET', fixture.url('/x'))
  expect([page.status, page.json()]).toEqual([
    401,
    expect.objectContaining({ code: 'session_ended', login_url: '/login' }),
  ])
})
