// Parameters of one login: by the app's own code, over the configured ones, and by a link as far as `login.params` goes.
// What anybody may write into a link opens nothing, and fills neither the log nor the browser.
import { generateKeyPairSync } from 'node:crypto'
import type { ErrorRequestHandler } from 'express'
import type { AuthOptions, CallbackLogin } from '../../src/index.ts'
import { startApp, type TestApp } from '../support/app/app.ts'
import { Browser, type Page } from '../support/browser/browser.ts'
import { createLog, setCookieLines } from '../support/evidence.ts'
import type { ClientOptions } from '../support/provider/client.ts'
import { nextIdToken } from '../support/provider/next-id-token.ts'
import { withPrompts } from '../support/provider/prompts.ts'
import { startProvider } from '../support/provider/provider.ts'
import { unsigned } from '../support/provider/seen-requests.ts'
import { useParts } from '../support/servers.ts'

const log = createLog()
const PARAMS = ['screen_hint', 'ui_locales', 'organization', 'invitation', 'login_hint', 'prompt']
let told: CallbackLogin[] = []
const errors: unknown[] = []

const { provider, app } = useParts(async (start) => {
  const provider = await start(
    startProvider({
      configure: (configuration) => ({
        ...withPrompts(configuration),
        features: { ...configuration.features, requestObjects: { enabled: true } },
      }),
    }),
  )
  const options = {
    logger: log.logger,
    authorizationParams: { ui_locales: 'en', audience: 'https://api.example.com' },
  }
  const afterCallback = (login: CallbackLogin) => {
    told.push(login)
    return undefined
  }
  const app = await start(
    startApp({ provider, options: { ...options, afterCallback, login: { params: PARAMS } } }),
  )
  const { app: routes } = app
  routes.get('/begin', (req, res, next) => res.oidc.login(argumentOf(req.query.with)).catch(next))
  routes.get('/leave', (req, res, next) => res.oidc.logout(argumentOf(req.query.with)).catch(next))
  routes.use(((error, _req, _res, next) => {
    errors.push(error)
    next(error)
  }) satisfies ErrorRequestHandler)
  return { provider, app }
})
beforeEach(() => {
  log.lines.length = 0
  errors.length = 0
  told = []
})
const fresh: TestApp[] = []
afterEach(async () => {
  provider.normal()
  await Promise.all(fresh.splice(0).map((one) => one.stop()))
})

/** An app of its own, since each has so many lines a minute. */
async function startFresh(
  params: readonly string[] = [],
  more: AuthOptions = {},
  client: ClientOptions = {},
): Promise<TestApp> {
  const started = await startApp({
    provider,
    client,
    options: { logger: log.logger, login: { params }, ...more },
  })
  fresh.push(started)
  return started
}

/** Whatever a handler may write; JSON brings `__proto__` as a name of its own. */
const argumentOf = (text: unknown) => (text === undefined ? undefined : JSON.parse(String(text)))
const beginURL = (argument: unknown, path = '/begin') =>
  `${app.url}${path}?with=${encodeURIComponent(JSON.stringify(argument) ?? 'null')}`
const stopAt = (url: URL) => url.origin === provider.issuer
const leave = (url: string, browser = new Browser()) => browser.navigate(url, { stopAt })
const sent = ({ headers }: Page) => new URL(headers.location ?? 'about:blank').searchParams
const asked = () => provider.authorizationRequests().length
const lastAsked = () => provider.authorizationRequests().at(-1)?.params

/** What a login asks for that asks for nothing of its own. */
async function ordinary(): Promise<Record<string, string>> {
  return known(sent(await leave(`${app.url}/login`)))
}

/** All but what is new every time. */
function known(parameters: URLSearchParams): Record<string, string> {
  const { state: _, nonce: __, code_challenge: ___, ...others } = Object.fromEntries(parameters)
  return others
}

describe('res.oidc.login()', () => {
  const begin = (authorizationParams: unknown, browser = new Browser()) =>
    leave(beginURL({ authorizationParams }), browser)

  test('its parameters reach the provider, over the configured ones, and the login ends on its page', async () => {
    const authorizationParams = {
      screen_hint: 'signup',
      ui_locales: 'de fr',
      login_hint: 'ada@example.com',
      kc_action: 'UPDATE_PASSWORD',
      'ext-hint': 'a b&c=d#é',
    }
    const browser = new Browser()
    const first = await browser.navigate(beginURL({ returnTo: '/public?x=1', authorizationParams }))
    expect(lastAsked()).toMatchObject({ ...authorizationParams, audience: 'https://api.example.com' })
    const page = await browser.finish(first, { user: 'ada' })
    expect(page).toMatchObject({ status: 200, url: `${app.url}/public?x=1` })
    expect(page.json()).toMatchObject({ sub: 'ada' })
    // Of this login, and of no other.
    expect(known(sent(await leave(`${app.url}/login`, browser.clone())))).toEqual(await ordinary())
  })

  test('afterCallback is told of them, and of none where there are none', async () => {
    const authorizationParams = { screen_hint: 'signup', invitation: 'ticket' }
    const browser = new Browser()
    await browser.finish(await browser.navigate(beginURL({ returnTo: '/', authorizationParams })), {
      user: 'told',
    })
    await new Browser().logIn(app.url, { user: 'untold' })
    expect(told.map((login) => login.authorizationParams)).toEqual([authorizationParams, {}])
  })

  test('without an argument, with an empty one and with what is undefined it is an ordinary login', async () => {
    const plain = await ordinary()
    expect(known(sent(await leave(`${app.url}/begin`)))).toEqual(plain)
    for (const argument of [{}, { authorizationParams: {} }])
      expect(known(sent(await leave(beginURL(argument))))).toEqual(plain)
  })

  test('a scope of its own is asked for', async () => {
    expect(sent(await begin({ scope: 'openid email' })).get('scope')).toBe('openid email')
    const browser = new Browser()
    const first = await browser.navigate(
      beginURL({ returnTo: '/', authorizationParams: { scope: 'openid' } }),
    )
    expect((await browser.finish(first, { user: 'short' })).json()).toMatchObject({ sub: 'short' })
    const event = { subject: 'short', hint: expect.stringContaining("has no 'offline_access'") }
    expect(app.events.at(-1)).toEqual({ name: 'refresh-token-missing', event })
  })

  async function expectMistake(page: Page, message: RegExp): Promise<void> {
    expect([page.status, page.headers.location, setCookieLines(page)]).toEqual([500, undefined, []])
    expect(errors).toEqual([
      expect.objectContaining({
        name: 'ConfigurationError',
        code: 'invalid_option',
        message: expect.stringMatching(message),
      }),
    ])
  }

  test.each([
    'client_id',
    'redirect_uri',
    'state',
    'nonce',
    'code_challenge',
    'code_challenge_method',
    'code_verifier',
    'request',
    'request_uri',
    'client_secret',
    'client_assertion',
    'client_assertion_type',
    'Redirect_URI',
    'STATE',
  ])('%s is made anew for every login, and nothing begins', async (name) => {
    const message = new RegExp(
      `^res\\.oidc\\.login\\(\\): authorizationParams\\.${name} is made anew for every login; leave it out$`,
    )
    await expectMistake(await begin({ [name]: 'mine', ui_locales: 'de' }), message)
  })

  test.each<[string, unknown, RegExp]>([
    [
      'response_mode',
      'form_post',
      /authorizationParams\.response_mode is the same for all logins: set it in/,
    ],
    ['response_type', 'code', /authorizationParams\.response_type is the same for all logins/],
    ['resource', 'https://api.example.com', /authorizationParams\.resource is the same for all logins/],
    ['__proto__', 'x', /authorizationParams\.__proto__ is no name of a parameter/],
    ['', 'x', /is no name/],
    ['a b', 'x', /is no name/],
    ['organization[]', 'x', /is no name/],
    ['x'.repeat(10_000), 'x', /authorizationParams\.x{64} is no name/],
    ['screen_hint', '', /authorizationParams\.screen_hint must be a string that is not empty/],
    ['screen_hint', ' ', /must be a string that is not empty/],
    ['screen_hint', null, /must be a string/],
    ['screen_hint', 7, /must be a string/],
    ['screen_hint', ['signup'], /must be a string/],
    ['screen_hint', { a: 'b' }, /must be a string/],
    ['scope', 'email', /authorizationParams\.scope must include 'openid'/],
    ['prompt', 'none login', /authorizationParams\.prompt must be 'none' alone/],
  ])('authorizationParams with %j: %j is a mistake that is named', async (name, value, message) => {
    await expectMistake(
      await begin(JSON.parse(`{${JSON.stringify(name)}:${JSON.stringify(value)}}`)),
      message,
    )
  })

  test.each([['screen_hint=signup'], [[]], [null], [7]])(
    'authorizationParams that are %j are a mistake',
    async (given) => {
      await expectMistake(
        await begin(given),
        /authorizationParams must be an object, for example \{ ui_locales/,
      )
    },
  )

  test.each<[unknown, RegExp]>([
    [{ returnto: '/x' }, /^res\.oidc\.login\(\): returnto is not an option; did you mean returnTo\?$/],
    [{ authorizationParameters: {} }, /did you mean authorizationParams\?/],
    [
      { screen_hint: 'signup' },
      /screen_hint is not an option; the options are returnTo, authorizationParams, appState, provider$/,
    ],
    [JSON.parse('{"__proto__":{}}'), /__proto__ is not an option/],
    [
      '/x',
      /^res\.oidc\.login\(\): its argument must be an object of returnTo, authorizationParams, appState, provider$/,
    ],
    [['/x'], /must be an object/],
    [null, /must be an object/],
  ])('an argument that is %j is a mistake, with the nearest name', async (argument, message) => {
    await expectMistake(await leave(beginURL(argument)), message)
  })

  test.each<[unknown, RegExp]>([
    [{ returnTO: '/x' }, /^res\.oidc\.logout\(\): returnTO is not an option; did you mean returnTo\?$/],
    ['/x', /^res\.oidc\.logout\(\): its argument must be an object of returnTo/],
  ])('so it is with logout(), and %j ends no session', async (argument, message) => {
    const browser = new Browser()
    await browser.logIn(app.url, { user: 'staying' })
    await expectMistake(await leave(beginURL(argument, '/leave'), browser), message)
    expect((await browser.request('GET', `${app.url}/private`)).json()).toMatchObject({ sub: 'staying' })
  })

  test('parameters that are too long together are refused, and nothing begins', async () => {
    for (const login_hint of ['x'.repeat(1500), 'é'.repeat(750), '"'.repeat(750), 'x'.repeat(10_000)]) {
      const page = await begin({ login_hint })
      expect([page.status, setCookieLines(page)]).toEqual([413, []])
      expect(errors.splice(0)).toMatchObject([{ name: 'RefusedError', code: 'content_too_large' }])
    }
  })

  test('as long as they may be, beside the longest page, they fit into a cookie and the login ends well', async () => {
    const browser = new Browser()
    const argument = {
      returnTo: `/${'a'.repeat(2047)}`,
      authorizationParams: { screen_hint: 'x'.repeat(1480) },
    }
    const first = await browser.navigate(beginURL(argument))
    const sizes = (await browser.cookies(app.url)).map((cookie) => cookie.cookieString().length)
    expect(sizes).toHaveLength(1)
    expect(Math.max(...sizes)).toBeLessThan(4096)
    const page = await browser.finish(first, { user: 'long' })
    expect(page.json()).toMatchObject({ sub: 'long' })
    expect(told[0]?.authorizationParams).toEqual(argument.authorizationParams)
  })
})

describe('a link to /login', () => {
  const link = (query: string, { browser = new Browser(), at = app as Pick<TestApp, 'url'> } = {}) =>
    leave(`${at.url}/login?${query}`, browser)

  test('passes on what login.params names, and the login ends on its page', async () => {
    const browser = new Browser()
    const query = 'screen_hint=signup&ui_locales=de%20fr&login_hint=a%2Bb%40example.com&return_to=/public'
    const first = await browser.navigate(`${app.url}/login?${query}`)
    expect(lastAsked()).toMatchObject({
      screen_hint: 'signup',
      ui_locales: 'de fr',
      login_hint: 'a+b@example.com',
    })
    const page = await browser.finish(first, { user: 'linked' })
    expect(page).toMatchObject({ status: 200, url: `${app.url}/public` })
    expect([page.json().sub, log.lines]).toEqual(['linked', []])
    expect(told[0]?.authorizationParams).toMatchObject({
      screen_hint: 'signup',
      login_hint: 'a+b@example.com',
    })
  })

  test('passes on nothing by default, and the log says what was left out, without its value', async () => {
    const at = await startFresh()
    const page = await link('screen_hint=signup&login_hint=ada%40example.com&return_to=/x', { at })
    expect([...sent(page).keys()]).not.toContain('screen_hint')
    expect(sent(page).has('login_hint')).toBe(false)
    expect(log.lines).toEqual([
      "express-bff-session: left out at the login: 'screen_hint', 'login_hint'; what a link may ask for stands in the option login.params",
    ])
  })

  test.each([
    ['redirect_uri', 'redirect_uri=https://evil.example/'],
    ['state', 'state=fixed'],
    ['nonce', 'nonce=fixed'],
    ['client_id', 'client_id=other'],
    ['code_challenge', 'code_challenge=x&code_challenge_method=plain'],
    ['request', 'request=eyJhbGciOiJub25lIn0.e30.'],
    ['request_uri', 'request_uri=https://evil.example/'],
    ['response_mode', 'response_mode=fragment'],
    ['response_type', 'response_type=token'],
    ['scope', 'scope=openid'],
    ['audience', 'audience=https://evil.example'],
    ['resource', 'resource=https://evil.example'],
    ['claims', 'claims=%7B%7D'],
    ['__proto__', '__proto__=x'],
    ['__proto__[]', '__proto__[organization]=x'],
    ['constructor', 'constructor=x&toString=x&hasOwnProperty=x'],
    ['a list', 'organization[]=a&organization[0]=b&organization%5Bid%5D=c'],
    ['other case', 'Organization=x&SCREEN_HINT=x'],
    ['a space', 'organization%20=x&+organization=x'],
    ['a null byte in the name', 'organization%00=x'],
    ['the option', 'authorizationParams=%7B%22state%22%3A%22x%22%7D&authorizationParams[state]=x'],
    ['no name', '=x&&=&x'],
    ['a matrix', 'screen_hint;organization=x'],
  ])('cannot set %s', async (_what, query) => {
    const plain = await ordinary()
    expect(known(sent(await link(query)))).toEqual(plain)
    expect(sent(await link(query)).get('state')).toMatch(/^[\w-]{43}$/)
  })

  test('with an empty value has none (RFC 6749 §3.1), and nothing is said', async () => {
    expect(known(sent(await link('organization=&screen_hint')))).toEqual(await ordinary())
    expect(log.lines).toEqual([])
  })

  test.each([
    ['twice', 'organization=a&organization=b'],
    ['twice, once empty', 'organization=&organization=b'],
    ['twice, the same', 'screen_hint=a&screen_hint=a'],
    ['in 513 letters', `organization=${'x'.repeat(513)}`],
    ['in 10 kB', `organization=${'x'.repeat(10_000)}`],
    ['with a null byte', 'organization=acme%00'],
    ['with a line break', 'organization=acme%0d%0aSet-Cookie:%20bff=planted'],
    ['with DEL', 'login_hint=a%7f'],
    ['none and more', 'prompt=none%20login'],
    ['none beside max_age', 'prompt=none&max_age=300'],
    ['none beside acr_values', 'prompt=none&acr_values=mfa'],
  ])('that names what it may %s is refused, and nothing begins', async (_what, query) => {
    const before = asked()
    const page = await link(query)
    expect([page.status, page.headers.location, setCookieLines(page), asked()]).toEqual([
      400,
      undefined,
      [],
      before,
    ])
    expect(app.events.at(-1)).toMatchObject({ name: 'refused', event: { code: 'login_malformed' } })
  })

  test('that asks for more than a cookie should hold is refused', async () => {
    const long = 'x'.repeat(400)
    const page = await link(`organization=${long}&invitation=${long}&login_hint=${long}`)
    expect([page.status, setCookieLines(page)]).toEqual([413, []])
  })

  test('with a thousand names fills one line, and no name splits it or fills it', async () => {
    const names = Array.from({ length: 1000 }, (_, at) => `n${at}`)
    const at = await startFresh()
    await link(names.join('&'), { at })
    await link(`a%0d%0aexpress-bff-session:%20all%20is%20well&${'x'.repeat(5000)}=1&%1b[31m&%F0%9F%98%80`, {
      at,
    })
    expect(log.lines).toHaveLength(2)
    expect(log.lines[0]).toMatch(/'n0', 'n1', 'n2', 'n3', 'n4' and 995 more;/)
    expect(log.lines[1]).toMatch(/'a\?\?express-bff-session\?\?all\?is\?well', 'x{40}', '\?\[31m', '\?+';/)
    for (const line of log.lines)
      expect([line.length < 400, /[^\x20-\x7e]/.test(line)]).toEqual([true, false])
  })

  test('a hundred of them fill ten lines, and one more at the end of the minute', async () => {
    const at = await startFresh()
    for (let count = 0; count < 100; count += 1) await link(`utm_source=${count}`, { at })
    expect(log.lines).toEqual(
      Array(10).fill(expect.stringContaining("'utm_source'; what a link may ask for")),
    )
    await at.auth.close()
    expect(log.lines.slice(10)).toEqual([
      'express-bff-session: left out at the login: 90 more within a minute',
    ])
  })

  test('of a third party keeps its rules: the hint goes, whatever login.params names beside it does not', async () => {
    const iss = encodeURIComponent(provider.issuer)
    const query = `iss=${iss}&login_hint=invited&organization=evil&screen_hint=signup&prompt=create&return_to=/x`
    const at = await startFresh(PARAMS)
    const plain = known(sent(await link('', { at })))
    expect(known(sent(await link(query, { at })))).toEqual({ ...plain, login_hint: 'invited' })

    expect(log.lines).toEqual([
      expect.stringContaining("left out at the login: 'organization', 'screen_hint', 'prompt', 'return_to';"),
    ])
    const fields = Object.fromEntries(new URLSearchParams(query))
    const posted = await new Browser().submit(`${at.url}/login`, fields, {
      from: 'https://portal.example/',
      stopAt,
    })
    expect(known(sent(posted))).toEqual({ ...plain, login_hint: 'invited' })
    expect((await link('iss=https://evil.example&organization=a', { at })).status).toBe(400)
  })

  test('of another site, without iss, is an invitation: what login.params names goes on', async () => {
    const query = 'invitation=ticket&organization=org_1&organization_name=acme'
    const at = await startFresh(PARAMS)
    const page = await new Browser().navigate(`${at.url}/login?${query}`, {
      from: 'https://mail.example/',
      stopAt,
    })
    expect(sent(page).get('organization_name')).toBeNull()
    expect(Object.fromEntries(sent(page))).toMatchObject({ invitation: 'ticket', organization: 'org_1' })
    expect(log.lines).toEqual([expect.stringContaining("'organization_name';")])
  })

  test('to a guarded page takes nothing along: the guard asks for an ordinary login', async () => {
    const page = await leave(`${app.url}/private?screen_hint=signup&organization=acme`)
    expect(known(sent(page))).toEqual(await ordinary())
    expect(log.lines).toEqual([])
  })

  test('for a step-up may carry them too', async () => {
    const page = await link('max_age=300&acr_values=mfa&ui_locales=de&prompt=select_account')
    expect(Object.fromEntries(sent(page))).toMatchObject({
      max_age: '300',
      acr_values: 'mfa',
      ui_locales: 'de',
      prompt: 'login select_account consent',
    })
  })

  test('five at once that carry as much as they may leave a browser that can log in', async () => {
    const browser = new Browser()
    const query = `organization=${'x'.repeat(400)}&invitation=${'y'.repeat(400)}&return_to=/${'a'.repeat(2000)}`
    for (let count = 0; count < 12; count += 1) await link(query, { browser })
    const bytes = (await browser.cookies(app.url)).map((cookie) => cookie.cookieString()).join('; ').length
    expect(bytes).toBeLessThan(8000)
    expect((await browser.logIn(app.url, { user: 'alice' })).json()).toMatchObject({ sub: 'alice' })
  })
})

describe('pushed, signed, or both', () => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const metadata = { jwks: { keys: [{ ...publicKey.export({ format: 'jwk' }) }] } }
  const own = { screen_hint: 'signup', organization: 'org_1', ui_locales: 'de' }

  test.each([
    ['pushed', true, false],
    ['signed', false, true],
    ['signed and pushed', true, true],
  ])(
    '%s, the parameters are in it and nowhere else, and what is asked is kept',
    async (_how, pushed, signed) => {
      const at = await startFresh(
        PARAMS,
        {
          clientAuthMethod: 'client_secret_basic',
          pushedAuthorizationRequests: pushed,
          signedAuthorizationRequests: signed,
          ...(signed && { clientAssertionSigningKey: privateKey }),
        },
        { metadata },
      )
      const browser = new Browser()
      const page = await leave(`${at.url}/login?${new URLSearchParams(own)}`, browser)
      // OpenID Connect Core §6.1: outside the request object stands what OAuth 2.0 requires.
      const outside = pushed
        ? ['client_id', 'request_uri']
        : ['client_id', 'request', 'response_type', 'scope']
      expect([...sent(page).keys()].sort()).toEqual(outside)
      const given = pushed
        ? provider.requests({ endpoint: 'pushed_request' }).at(-1)?.params
        : Object.fromEntries(sent(page))
      expect(signed ? unsigned(given?.request ?? '').claims : given).toMatchObject({
        ...own,
        prompt: 'consent',
      })
      nextIdToken(provider, { org_id: 'org_1' })
      const back = await browser.finish(await browser.navigate(page.headers.location ?? ''), {
        user: 'sealed',
      })
      expect(back.json()).toMatchObject({ home: true, sub: 'sealed' })
    },
  )
})

describe('a prompt', () => {
  test.each([
    ['select_account', 'select_account consent'],
    ['create', 'create consent'],
    ['login', 'login consent'],
    ['consent', 'consent'],
    ['  select_account  ', 'select_account consent'],
  ])('%j is asked beside the configured consent, and there is a refresh token', async (prompt, expected) => {
    const user = `prompted-${prompt.trim()}`
    const browser = new Browser()
    await browser.logIn(app.url, { user })
    const first = await browser.navigate(beginURL({ returnTo: '/', authorizationParams: { prompt } }))
    expect(lastAsked()).toMatchObject({ prompt: expected })
    // Whom the provider knows is asked all the same.
    expect(first.body).toMatch(/<form/)
    expect((await browser.finish(first, { user })).json()).toMatchObject({ home: true, sub: user })
    expect((await browser.request('POST', `${app.url}/fresh`)).json()).toMatchObject({ generation: 2 })
    const page = await leave(`${app.url}/login?prompt=${encodeURIComponent(prompt)}`)
    expect(sent(page).get('prompt')).toBe(expected)
  })

  test.each([
    ['login consent', 'create', 'create consent'],
    ['select_account', 'create', 'create'],
    ['login', 'select_account', 'select_account login'],
    ['none', 'select_account', 'select_account'],
  ])('%j in the configuration, %j of a login: %j', async (prompt, own, expected) => {
    const other = await startFresh(['prompt'], { authorizationParams: { prompt } })
    const page = await leave(`${other.url}/login?prompt=${own}`)

    expect(sent(page).get('prompt')).toBe(expected)
  })

  describe.each([
    ['a link', `/login?prompt=none&return_to=/public`],
    [
      'the app',
      `/begin?with=${encodeURIComponent('{"returnTo":"/public","authorizationParams":{"prompt":"none"}}')}`,
    ],
  ])('none, by %s, asks nobody anything:', (_by, path) => {
    test('whom the provider knows is logged in', async () => {
      const browser = new Browser()
      await browser.logIn(app.url, { user: 'known' })
      await browser.clearCookies(app.url)
      const page = await browser.navigate(app.url + path)
      expect(lastAsked()).toMatchObject({ prompt: 'none' })
      expect(page).toMatchObject({ status: 200, url: `${app.url}/public` })
      expect(page.json()).toMatchObject({ authenticated: true, sub: 'known' })
    })

    test('whom it does not know is on the page, as they were, and nothing is said', async () => {
      const page = await new Browser().navigate(app.url + path)
      expect(page).toMatchObject({ status: 200, url: `${app.url}/public` })
      expect([page.json().authenticated, log.lines]).toEqual([false, []])
    })

    test('who is logged in here stays so', async () => {
      const browser = new Browser()
      await browser.logIn(app.url, { user: 'here' })
      const page = await browser.navigate(app.url + path)
      expect(page.json()).toMatchObject({ sub: 'here', generation: 1 })
    })
  })
})
