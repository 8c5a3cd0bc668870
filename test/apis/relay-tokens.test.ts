// Whose token goes to the API, what they see who may not pass, and what an API's 401 means: more of the person's
// authentication, or one renewal, one more try, and then a refusal that does not look like our own "log in".
import { relay, requireClaim, requireFresh, requireStepUp } from '../../src/index.ts'
import { refusalsIn } from '../support/app/app-events.ts'
import { startRelayFixture } from '../support/app/relay-fixture.ts'
import { Browser } from '../support/browser/browser.ts'
import { useStarted } from '../support/servers.ts'

const fixture = useStarted(async () => {
  const started = await startRelayFixture()
  const { app } = started.app
  const target = started.api.url
  app.use('/open', relay({ target, token: 'user-or-none' }))
  app.use('/get', relay({ target, methods: ['get', 'HEAD'] }))
  app.use('/fresh', requireFresh(), relay({ target }))
  app.use('/step-up', requireStepUp({ acr: 'mfa' }), relay({ target }))
  app.use('/admins', requireClaim('role', 'admin'), relay({ target }))
  return started
})

beforeEach(() => {
  fixture.api.seen.length = 0
  fixture.lines.length = 0
  fixture.app.events.length = 0
  fixture.api.echo()
})

const tokensSeen = () => fixture.api.seen.map(({ headers }) => headers.authorization)

test('the person’s access token goes to the API, and nothing of it comes back', async () => {
  const page = await fixture.browser.request('GET', fixture.url('/x'))
  const [sent = ''] = tokensSeen()
  expect(page.status).toBe(200)
  expect(fixture.provider.secretsSeen()).toContain(sent.replace('Bearer ', ''))
  expect(JSON.stringify(page)).not.toContain(sent.replace('Bearer ', ''))
})

test('who is not logged in gets what requireAuth() answers, and the API is not asked', async () => {
  const script = await new Browser().request('POST', fixture.url('/x'), { json: {} })
  expect([script.status, script.json()]).toEqual([
    401,
    expect.objectContaining({ code: 'login_required', login_url: '/login' }),
  ])
  const page = await new Browser().navigate(fixture.url('/x?a=1'), { stopAt: () => true })
  expect([page.status, page.headers.location]).toEqual([302, '/login?return_to=%2Fapi%2Fx%3Fa%3D1'])
  expect(fixture.api.seen).toEqual([])
})

test('where that is asked for, who is not logged in passes without a token, and the others with theirs', async () => {
  expect((await new Browser().request('GET', `${fixture.app.url}/open/x`)).status).toBe(200)
  expect((await fixture.browser.request('GET', `${fixture.app.url}/open/x`)).status).toBe(200)
  expect(tokensSeen()).toEqual([undefined, expect.stringMatching(/^Bearer ./)])
})

test('an API that wants a login of who has none is answered with ours', async () => {
  fixture.api.answer((_req, res) => res.writeHead(401, { 'www-authenticate': 'Bearer' }).end())
  const page = await new Browser().request('GET', `${fixture.app.url}/open/x`)
  expect([page.status, page.json().code]).toEqual([401, 'login_required'])
  expect(page.headers).not.toHaveProperty('www-authenticate')
})

test('another site’s page cannot send anything through the relay', async () => {
  const headers = { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }
  const page = await fixture.browser.request('POST', fixture.url('/x'), { headers })
  expect([page.status, page.json().code]).toEqual([403, 'cross_site'])
  expect(fixture.api.seen).toEqual([])
})

test.each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'PROPFIND'])(
  'a method that is not on the list is refused: %s',
  async (method) => {
    const page = await fixture.browser.request(method, `${fixture.app.url}/get/x`)
    expect(page).toMatchObject({ status: 405, headers: { allow: 'GET, HEAD' } })
    expect(page.json()).toMatchObject({ code: 'method_not_allowed' })
    expect(fixture.api.seen).toEqual([])
  },
)

test.each(['GET', 'HEAD'])('one that is on it passes: %s', async (method) => {
  expect((await fixture.browser.request(method, `${fixture.app.url}/get/x`)).status).toBe(200)
})

test('TRACE never passes, PATCH does', async () => {
  expect((await fixture.browser.request('TRACE', fixture.url('/x'))).status).toBe(405)
  expect((await fixture.browser.request('PATCH', fixture.url('/x'))).status).toBe(200)
  expect(fixture.api.seen.map(({ method }) => method)).toEqual(['PATCH'])
})

test('guards above a relay decide before it', async () => {
  const get = (path: string) => fixture.browser.request('GET', fixture.app.url + path)
  const before = fixture.provider.refreshCount()
  expect((await get('/fresh/x')).status).toBe(200)
  expect(fixture.provider.refreshCount() - before).toBe(1)
  expect((await get('/step-up/x')).json()).toMatchObject({ code: 'step_up_required' })
  expect((await get('/admins/x')).json()).toMatchObject({ code: 'claim_required' })
  expect(fixture.api.seen).toHaveLength(1)
})

// RFC 9470: its challenge becomes this project's own.
describe('an API that wants more of the person’s authentication', () => {
  const ERROR = 'error="insufficient_user_authentication"'

  /** What the browser gets where the API answers with these challenges. */
  async function answerTo(challenge: string | string[], ask = fixture.browser, path = '/api/x') {
    const renewals = fixture.provider.refreshCount()
    fixture.api.answer((req, res) => {
      req.resume().once('end', () => res.writeHead(401, { 'www-authenticate': challenge }).end())
    })
    const page = await ask.request('POST', fixture.app.url + path, { body: 'a body' })
    return { page, renewals: fixture.provider.refreshCount() - renewals }
  }

  test.each<[challenge: string | string[], loginQuery: string]>([
    [`Bearer ${ERROR}, acr_values="mfa"`, 'max_age=300&acr_values=mfa'],
    [`Bearer ${ERROR}, acr_values="mfa urn:phr", max_age="60"`, 'max_age=60&acr_values=mfa+urn%3Aphr'],
    [`Bearer ${ERROR}, max_age=60`, 'max_age=60'],
    [`Bearer ${ERROR}`, 'max_age=300'],
    [`bearer ERROR=insufficient_user_authentication,MAX_AGE=60`, 'max_age=60'],
    [`Bearer realm="a, Bearer error=\\"x\\"" , ${ERROR},max_age="60"`, 'max_age=60'],
    [`BEARER error = "insufficient_user_authentication" , max_age = 60`, 'max_age=60'],
    [`Basic realm="x", Bearer ${ERROR}, max_age="60"`, 'max_age=60'],
    [`Bearer ${ERROR}, max_age="60", Basic realm="x", max_age="7"`, 'max_age=60'],
    [`Negotiate YWJjZA==, Bearer ${ERROR}, max_age="60"`, 'max_age=60'],
    [`Negotiate, Bearer ${ERROR}, max_age="60"`, 'max_age=60'],
    [[`Basic realm="x"`, `Bearer ${ERROR}, max_age="60"`], 'max_age=60'],
    [`DPoP algs="ES256", ${ERROR}, max_age="60"`, 'max_age=60'],
    [`Bearer error="invalid_token", Bearer ${ERROR}, max_age="60"`, 'max_age=60'],
    [`Bearer ${ERROR}, acr_values="m\\fa", max_age="60"`, 'max_age=60&acr_values=mfa'],
    [`Bearer ${ERROR}, acr_values=urn:phr`, 'max_age=300&acr_values=urn%3Aphr'],
    [`, ,Bearer , ${ERROR}, max_age="60", `, 'max_age=60'],
    [`Bearer ${ERROR}, max_age="60", max_age="9"`, 'max_age=60'],
  ])('%j asks the person to confirm, and renews nothing', async (challenge, loginQuery) => {
    const { page, renewals } = await answerTo(challenge)
    expect([page.status, renewals, fixture.api.seen.length]).toEqual([401, 0, 1])
    expect(page.json()).toMatchObject({ code: 'step_up_required', login_url: `/login?${loginQuery}` })
    expect(page.headers['www-authenticate']).toMatch(/^Bearer error="insufficient_user_authentication", /)
    expect(page.headers['www-authenticate']).not.toContain('realm')
  })

  test.each([
    `Bearer ${ERROR}, max_age="0"`,
    `Bearer ${ERROR}, max_age="-1"`,
    `Bearer ${ERROR}, max_age="1.5"`,
    `Bearer ${ERROR}, max_age="1e3"`,
    `Bearer ${ERROR}, max_age="${'9'.repeat(30)}"`,
    `Bearer ${ERROR}, max_age=""`,
    `Bearer ${ERROR}, acr_values="m\\"fa"`,
    `Bearer ${ERROR}, acr_values="${'x'.repeat(300)}"`,
    `Bearer ${ERROR}, acr_values="caf\xe9"`,
  ])('%j asks for what cannot be asked of a provider: a refusal, and no renewal', async (challenge) => {
    const { page, renewals } = await answerTo(challenge)
    expect([page.status, page.json().code, renewals]).toEqual([403, 'api_refused', 0])
  })

  test.each([
    `Basic ${ERROR}, max_age="60"`,
    `Bearer error="invalid_token", error_description="not insufficient_user_authentication"`,
    `Bearer realm="Bearer error=\\"insufficient_user_authentication\\""`,
    `Bearer error="Insufficient_User_Authentication"`,
    'Bearer error="insufficient_user_authentication',
    `${ERROR}`,
    '"',
    `${',='.repeat(3000)}`,
    `Bearer ${'a="\\\\'.repeat(2000)}`,
  ])('a challenge that does not say so is none: %j', async (challenge) => {
    const { page } = await answerTo(challenge)
    expect([page.status, page.json().code]).toEqual([403, 'api_refused'])
  })

  test('a page is sent to confirm, and comes back', async () => {
    fixture.api.answer((_req, res) => {
      res.writeHead(401, { 'www-authenticate': `Bearer ${ERROR}, max_age="60"` }).end()
    })
    const page = await fixture.browser.navigate(fixture.url('/x'), { stopAt: () => true })
    expect([page.status, page.headers.location]).toEqual([302, '/login?max_age=60&return_to=%2Fapi%2Fx'])
  })

  test('who is not logged in is asked for both at once', async () => {
    const { page } = await answerTo(`Bearer ${ERROR}, acr_values="mfa"`, new Browser(), '/open/x')
    expect(page.json()).toMatchObject({ status: 401, login_url: '/login?max_age=300&acr_values=mfa' })
  })
})

describe('an API that does not take the token', () => {
  // With one that no refusal brought.
  beforeEach(() => fixture.browser.request('POST', `${fixture.app.url}/renew`))

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

  const post = (size: number) =>
    fixture.browser.request('POST', fixture.url('/x'), { body: 'x'.repeat(size) })

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
    expect(refusalsIn(fixture.app.events)).toEqual([
      expect.stringMatching(/api_refused.*401 invalid_token.*audience\?/),
    ])
  })

  test('401 to every token costs the provider one renewal, and not one for each request', async () => {
    refuse(20)
    const ask = async () => (await fixture.browser.request('GET', fixture.url('/x'))).status
    expect(await renewalsIn(async () => [await ask(), await ask(), await ask()])).toEqual([
      [403, 403, 403],
      1,
    ])
    fixture.api.echo()
    expect(await renewalsIn(ask)).toEqual([200, 0])
  })

  test('401 to every upload costs no more', async () => {
    refuse(20)
    const ask = async () => (await post(65_537)).status
    expect(await renewalsIn(async () => [await ask(), await ask(), await ask()])).toEqual([
      [503, 403, 403],
      1,
    ])
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
})
