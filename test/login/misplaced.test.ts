// What stands in the wrong place: a browser at another host than baseURL's, a body parser above auth(), an express-session below
// it, another app on its host. The log says which.

import type { Express } from 'express'
import express from 'express'
import session from 'express-session'
import { auth } from '../../src/index.ts'
import { startApp } from '../support/app/app.ts'
import { refusalsIn } from '../support/app/app-events.ts'
import type { Auth } from '../support/app/app-routes.ts'
import { startOwnApp } from '../support/app/own-app.ts'
import { Browser } from '../support/browser/browser.ts'
import { createLog } from '../support/evidence.ts'
import { startProvider } from '../support/provider/provider.ts'
import { useParts } from '../support/servers.ts'

const log = createLog()
const { provider, app } = useParts(async (start) => {
  const provider = await start(startProvider())
  return { provider, app: await start(startApp({ provider })) }
})
beforeEach(() => {
  app.events.length = 0
  log.lines.length = 0
})

/** A login that begins there, and whose callback comes without its cookie. */
async function beginAt(host: string) {
  const headers = { host }
  const begun = await new Browser().navigate(`${app.url}/login`, { headers, stopAt: () => true })
  const state = new URL(begun.headers.location ?? '').searchParams.get('state')
  return new Browser().navigate(`${app.url}/callback?state=${state}&code=invented`)
}

test('a login that began at another host than baseURL’s is told with both', async () => {
  const page = await beginAt('127.0.0.1:3000')
  expect(page).toMatchObject({ status: 400, body: expect.not.stringContaining('127.0.0.1:3000') })
  const [line] = refusalsIn(app.events)
  expect(line).toMatch(/^refused \(login_unknown\): the login began at 127\.0\.0\.1:3000, /)
  expect(line).toContain(`baseURL (BASE_URL) is ${app.url}: open the app there`)
})

test('a host that is none is not repeated', async () => {
  await beginAt('x"y<z>')
  expect(refusalsIn(app.events)).toEqual([expect.stringContaining('the login began at another host, ')])
})

test('a login that began at baseURL’s, and one that nobody began, are told what has to be so', async () => {
  await beginAt(new URL(app.url).host)
  await new Browser().navigate(`${app.url}/callback?state=nobodys&code=invented`)
  const before =
    /^refused \(login_unknown\): This browser has no such login on its way: .* every login: .*BASE_URL.*SECRET\)$/
  expect(refusalsIn(app.events)).toEqual([expect.stringMatching(before), expect.stringMatching(before)])
})

test.each([
  ['express.text()', express.text({ type: '*/*' })],
  ['express.raw()', express.raw({ type: '*/*' })],
  ['a reader of its own', drain],
])(
  'a provider’s form that %s has read above auth() is refused with the order that works',
  async (_what, parser) => {
    const setup = {
      provider,
      options: { logger: log.logger, authorizationParams: { response_mode: 'form_post' } },
    }
    const own = await startOwnApp(setup, (options) => {
      const handler = auth(options)
      return { app: express().use(parser, handler), auth: handler }
    })
    try {
      const posted = await new Browser().request('POST', `${own.url}/callback`, {
        form: { state: 'x', code: 'y' },
      })
      expect(posted).toMatchObject({ status: 400, body: expect.not.stringContaining('parser') })
      expect(log.lines).toEqual([
        expect.stringMatching(
          /\(callback_malformed\): its form was read before auth\(\).*: put auth\(\) above it$/,
        ),
      ])
    } finally {
      await own.stop()
    }
  },
)

test('express.json() above auth() leaves the form to it', async () => {
  const setup = {
    provider,
    options: { logger: log.logger, authorizationParams: { response_mode: 'form_post' } },
  }
  const own = await startOwnApp(setup, (options) => {
    const handler = auth(options)
    const above = express().use(express.json(), handler)
    above.get('/', (req, res) => void res.json({ sub: req.oidc.user?.sub }))
    return { app: above, auth: handler }
  })
  try {
    expect((await new Browser().logIn(own.url, { user: 'form' })).json()).toEqual({ sub: 'form' })
  } finally {
    await own.stop()
  }
})

describe.each(['development', 'production'])('in %s', (mode) => {
  const before = process.env.NODE_ENV
  beforeAll(() => {
    process.env.NODE_ENV = mode
  })
  afterAll(() => {
    process.env.NODE_ENV = before
  })

  /** What an app with that in it is told, while a person logs in and comes back. */
  async function tellAt(build: (handler: Auth) => Express, browser = new Browser()) {
    const options = { logger: { warn: log.logger.warn }, allowInMemoryStore: true }
    const own = await startOwnApp({ provider, options }, (given) => {
      const handler = auth(given)
      const site = build(handler)
      site.get('/', (req, res) => {
        const { cart = '' } = req.session
        req.session.cart = `${cart}.`
        res.json({ sub: req.oidc.user?.sub, cart })
      })
      return { app: site, auth: handler }
    })
    try {
      await browser.logIn(own.url, { user: 'placed' })
      const again = await browser.request('GET', `${own.url}/`)
      expect(again.json()).toEqual({ sub: 'placed', cart: '.' })
      return log.lines
    } finally {
      await own.stop()
    }
  }

  /** The app of somebody who mounts auth() so, with that path in baseURL. */
  async function askAt(basePath: string, build: (handler: Auth) => Express, path: string) {
    const options = { logger: { warn: log.logger.warn }, allowInMemoryStore: true }
    const own = await startOwnApp({ provider, basePath, options }, (given) => {
      const handler = auth(given)
      return { app: build(handler), auth: handler }
    })
    try {
      for (const _time of [1, 2]) await new Browser().navigate(own.url + path, { stopAt: () => true })
      return log.lines
    } finally {
      await own.stop()
    }
  }

  test('a callback below a path of baseURL’s that nobody takes off is told once with what works', async () => {
    const at = (path: string) => askAt('/shop', (handler) => express().use(handler), path)
    expect(await at('/shop/callback')).toEqual([])
    expect(await at('/shop/callback?state=x&code=y')).toEqual([
      expect.stringMatching(
        /a callback came to \/shop\/callback, .* auth\(\) answers at \/callback here: .*app\.use\('\/shop', auth\(\)\)/,
      ),
    ])
  })

  test('auth() below a path that baseURL has not is told once at the login', async () => {
    const below = (handler: Auth) => express().use('/shop', handler)
    expect(await askAt('', below, '/shop/login')).toEqual(
      orNothing(/auth\(\) is mounted below \/shop, .* the callback goes to \/callback, .*: add the path/),
    )
  })

  test.each([
    ['/shop', (handler: Auth) => express().use('/shop', handler), '/shop/login'],
    // A proxy takes the first part off.
    ['/shop/staff', (handler: Auth) => express().use('/staff', handler), '/staff/login'],
    ['/shop', (handler: Auth) => express().use(handler), '/login'],
  ])('auth() where baseURL (%s) has it is not', async (basePath, build, path) => {
    expect(await askAt(basePath, build, path)).toEqual([])
  })

  const theirs = () => session({ secret: 's'.repeat(32), resave: false, saveUninitialized: false })
  const orNothing = (line: RegExp) => (mode === 'development' ? [expect.stringMatching(line)] : [])

  test('an express-session below auth() is told once with the order that works, and takes nothing away', async () => {
    const line = /^express-bff-session: an express-session is mounted below auth\(\).*put it above auth\(\)/
    expect(await tellAt((handler) => express().use(handler, theirs()))).toEqual(orNothing(line))
  })

  test('one above it is not', async () => {
    expect(await tellAt((handler) => express().use(theirs(), handler))).toEqual([])
  })

  test('a cookie of another app on the host is told once, without its value', async () => {
    const browser = new Browser()
    const other = await startApp({ provider, options: { secret: 'o'.repeat(32), allowInMemoryStore: true } })
    try {
      await browser.logIn(other.url, { user: 'placed' })
      const told = await tellAt((handler) => express().use(handler), browser)
      expect(told).toEqual(
        orNothing(/^[^;]*a cookie 'bff' that was not made with this secret .*session\.name/),
      )
      expect(told.join()).not.toMatch(/s%3A|s:/)
    } finally {
      await other.stop()
    }
  })
})

function drain(req: express.Request, _res: express.Response, next: express.NextFunction): void {
  req.resume().once('end', () => next())
}
