// State of the app's own through a login: from where it begins to afterCallback, through the browser, which cannot read it,
// and past the provider, which does not hear of it. No link sets it, and no other tab's login takes its place.
import type { Request } from 'express'
import type { AppState, AuthOptions, CallbackLogin } from '../../src/index.ts'
import { startApp } from '../support/app/app.ts'
import { Browser, type Page } from '../support/browser/browser.ts'
import { createLog, setCookieLines } from '../support/evidence.ts'
import { startProvider } from '../support/provider/provider.ts'
import { useParts } from '../support/servers.ts'
import { sessionIdOf } from '../support/session/age-session.ts'

type Ask = NonNullable<NonNullable<AuthOptions['login']>['appState']>

const log = createLog()
/** What the next `res.oidc.login()` is given. */
let given: unknown
let ask: Ask = () => undefined
let asked: { url: string; returnTo: string }[] = []
let told: (AppState | undefined)[] = []

const { provider, app, posted, silent } = useParts(async (start) => {
  const provider = await start(startProvider())
  const options: AuthOptions = {
    logger: log.logger,
    userClaims: ['invitation'],
    login: {
      params: ['ui_locales'],
      appState(req, login) {
        asked.push({ url: req.originalUrl, ...login })
        return ask(req, login)
      },
    },
    afterCallback(login: CallbackLogin, req: Request) {
      told.push(login.appState)
      const { invitation, cart } = login.appState ?? {}
      if (cart !== undefined) req.session.cart = cart
      return invitation === undefined ? undefined : { user: { invitation } }
    },
  }
  const open = async (more: AuthOptions = {}) => {
    const app = await start(startApp({ provider, options: { ...options, ...more } }))
    app.app.get('/begin', (_req, res, next) => {
      res.oidc.login(given as never).catch((error) => {
        app.errors.push(error)
        next(error)
      })
    })
    return app
  }
  return {
    provider,
    app: await open(),
    posted: await open({ authorizationParams: { response_mode: 'form_post' } }),
    silent: await open({ attemptSilentLogin: true }),
  }
})
beforeEach(() => {
  given = undefined
  ask = () => undefined
  asked = []
  told = []
  log.lines.length = 0
  app.events.length = 0
  app.errors.length = 0
})

const STATE = { invitation: 'k7Q-of-the-invitation', plans: [1, null, { é: '"<&>"' }], isNew: true }
const stopAt = (url: URL) => url.origin === provider.issuer
const leave = (path: string, browser = new Browser()) => browser.navigate(app.url + path, { stopAt })
const logIn = async (path: string, user: string, browser = new Browser(), at = app.url) =>
  browser.finish(await browser.navigate(at + path), { user })

describe('res.oidc.login({ appState })', () => {
  test('afterCallback has it again; neither provider, browser, log nor event does', async () => {
    given = { returnTo: '/private', appState: { ...STATE, left: undefined } }
    const browser = new Browser()
    const page = await leave('/begin', browser)
    const seen = JSON.stringify([page.headers, page.body, await browser.cookies(app.url)])
    expect((await logIn('/begin', 'ada', browser)).json()).toMatchObject({ sub: 'ada' })
    expect([told, asked]).toEqual([[STATE], []])
    const everything = seen + JSON.stringify([provider.requests(), app.events, log.lines])
    expect(everything).not.toMatch(/k7Q|of-the-invitation/)
    expect(everything).not.toContain(Buffer.from('of-the-invit').toString('base64url'))
  })

  test('it comes through a form of the provider, too', async () => {
    given = { appState: STATE, returnTo: '/' }
    expect((await logIn('/begin', 'ada', new Browser(), posted.url)).json()).toMatchObject({ sub: 'ada' })
    expect(told).toEqual([STATE])
  })

  test('as long as it may be, beside the longest page, it fits into a cookie', async () => {
    const appState = { long: `${'é'.repeat(494)}x` }
    expect(Buffer.byteLength(JSON.stringify(appState))).toBe(1000)
    given = { appState, returnTo: `/${'a'.repeat(2047)}`, authorizationParams: { hint: 'x'.repeat(1300) } }
    expect((await logIn('/begin', 'ada')).json()).toMatchObject({ sub: 'ada' })
    expect(told).toEqual([appState])
  })

  const circle: Record<string, unknown> = {}
  circle.self = circle

  test.each<[string, unknown]>([
    ['a text', 'K7Q'],
    ['null', null],
    ['a number', 7],
    ['a list', ['K7Q']],
    ['a Map', new Map([['K7Q', 1]])],
    ['a circle', circle],
    ['a BigInt', { K7Q: 1n }],
    ['a Date', { K7Q: new Date() }],
    ['a function', { K7Q: () => 1 }],
    ['a symbol', { K7Q: Symbol('K7Q') }],
    ['no number', { K7Q: Number.NaN }],
    ['undefined in a list', { K7Q: [undefined] }],
  ])('%s in it is a mistake, and nothing begins', async (_what, appState) => {
    given = { appState }
    await expectMistake(/^res\.oidc\.login\(\): appState must be an object that JSON can hold, such as/)
  })

  test('a byte too long is a mistake that says how long it is, and not what', async () => {
    given = { appState: { long: `K7Q${'x'.repeat(987)}` } }
    await expectMistake(
      /^res\.oidc\.login\(\): appState must be at most 1000 bytes of JSON, not 1001: a cookie holds it\. Keep what is long in req\.session/,
    )
  })
})

/** Of what begins at `path`. */
async function expectMistake(message: RegExp, path = '/begin'): Promise<void> {
  const page = await leave(path)
  expect([page.status, page.headers.location, setCookieLines(page)]).toEqual([500, undefined, []])
  const error = {
    name: 'ConfigurationError',
    code: 'invalid_option',
    message: expect.stringMatching(message),
  }
  expect(app.errors).toEqual([expect.objectContaining(error)])
  expect(String(app.errors)).not.toContain('K7Q')
}

describe('the option login.appState', () => {
  beforeEach(() => {
    ask = async ({ originalUrl }, { returnTo }) => ({ originalUrl, returnTo })
  })

  test.each([
    ['/login?return_to=/public', '/login?return_to=/public', '/public'],
    ['/login?return_to=https://evil.example/', '/login?return_to=https://evil.example/', '/'],
    ['/private', '/login?return_to=%2Fprivate', '/private'],
    [
      '/step-up?seconds=300',
      '/login?max_age=300&return_to=%2Fstep-up%3Fseconds%3D300',
      '/step-up?seconds=300',
    ],
    ['/begin', '/begin', '/begin'],
  ])(
    'is asked where %s begins a login, with the request and the page to end on',
    async (path, url, returnTo) => {
      await leave(path)
      expect(asked).toEqual([{ url, returnTo }])
    },
  )

  test('is asked at a silent login, which ends on its page with the answer', async () => {
    const browser = new Browser()
    await logIn('/login', 'known', browser)
    await browser.clearCookies(app.url)
    const page = await browser.navigate(`${silent.url}/public?x=1`)
    expect(page.json()).toMatchObject({ sub: 'known' })
    expect(asked.at(-1)).toEqual({ url: '/public?x=1', returnTo: '/public?x=1' })
    expect(told.at(-1)).toEqual({ originalUrl: '/public?x=1', returnTo: '/public?x=1' })
  })

  test('afterCallback has what it returned, and undefined where that is nothing', async () => {
    expect((await logIn('/login?return_to=/public', 'ada')).json()).toMatchObject({ sub: 'ada' })
    ask = () => undefined
    await logIn('/login', 'ada')
    expect(told).toEqual([{ originalUrl: '/login?return_to=/public', returnTo: '/public' }, undefined])
  })

  test('is asked for no callback, no page and no logout', async () => {
    const browser = new Browser()
    await logIn('/login', 'ada', browser)
    await browser.navigate(`${app.url}/private`)
    await browser.logOut(app.url)
    expect(asked).toHaveLength(1)
  })

  test('no link sets it', async () => {
    ask = () => undefined
    await logIn('/login?appState=K7Q&app_state=K7Q&state=K7Q&appState[a]=K7Q&ui_locales=de', 'ada')
    expect(told).toEqual([undefined])
  })

  test.each<[string, Ask, RegExp]>([
    [
      'a text',
      (() => 'K7Q') as never,
      /^auth\(\): what login\.appState returns must be an object that JSON can/,
    ],
    ['null', async () => null as never, /must be an object that JSON can hold/],
    ['too much', () => ({ K7Q: 'x'.repeat(991) }), /returns must be at most 1000 bytes of JSON, not 1001:/],
  ])('that returns %s is a mistake, and nothing begins', async (_what, answer, message) => {
    ask = answer
    await expectMistake(message, '/login')
  })

  test('that asks for the session is told so, and nobody is sent in circles', async () => {
    ask = (req) => req.oidc.getAccessToken() as Promise<never>
    const page = await leave('/login')
    expect([page.status, page.headers.location]).toEqual([500, undefined])
    expect(app.errors.map(String)).toEqual([
      "TypeError: login.appState() ran into 'login_required': it is asked before there is a session",
    ])
  })

  test('what it throws goes to Express, and nothing begins', async () => {
    ask = () => Promise.reject(new Error('no database'))
    const page = await leave('/login')
    expect([page.status, setCookieLines(page), app.errors.map(String)]).toEqual([
      500,
      [],
      ['Error: no database'],
    ])
  })
})

describe('two tabs of one person', () => {
  let count = 0
  beforeEach(() => {
    count += 1
  })
  const land = (browser: Browser, url: string): Promise<Page> => browser.navigate(url, { stopAt: () => true })
  const me = async (browser: Browser) => (await browser.request('GET', `${app.url}/me`)).json().user

  /** Callbacks of a login that carries nothing, and of one that does; both began before either came back. */
  async function begin(browser: Browser) {
    const user = `person-${count}`
    const plain = await browser.tab().startLogin(app.url, { user })
    given = { appState: { invitation: 'k7Q', cart: 'of the invitation' } }
    return { plain, carrying: await browser.tab().startLogin(app.url, { path: '/begin', user }), user }
  }

  async function expectCarried(browser: Browser, user: string): Promise<void> {
    expect(await me(browser)).toMatchObject({ sub: user, invitation: 'k7Q' })
    expect((await browser.request('GET', `${app.url}/cart`)).json()).toEqual({ cart: 'of the invitation' })
    const ids = (await app.auth.sessions.list(user)).map(({ id }) => id)
    expect(ids).toEqual([await sessionIdOf(browser)])
  }

  test('the login that carries state is not left for the other tab’s', async () => {
    const browser = new Browser()
    const { plain, carrying, user } = await begin(browser)
    await land(browser.tab(), plain)
    await land(browser.tab(), carrying)
    await expectCarried(browser, user)
  })

  test('nor where the other’s is stored while its own code is exchanged', async () => {
    const browser = new Browser()
    const { plain, carrying, user } = await begin(browser)
    const held = provider.holdNext('token', { grantType: 'authorization_code' })
    const waiting = land(browser.tab(), carrying)
    await held.arrived
    await land(browser.tab(), plain)
    held.release()
    expect((await waiting).status).toBe(303)
    await expectCarried(browser, user)
  })

  test('a login that carries nothing is left for one that does', async () => {
    const browser = new Browser()
    const { plain, carrying, user } = await begin(browser)
    await land(browser.tab(), carrying)
    await land(browser.tab(), plain)
    await expectCarried(browser, user)
  })
})
