// req.session is express-session's, as ever: over Redis and in memory, for anonymous and for logged-in visitors.
import express, { type RequestHandler } from 'express'
import { auth } from '../../src/index.ts'
import { type OwnApp, startOwnApp } from '../support/app/own-app.ts'
import { Browser } from '../support/browser/browser.ts'
import { idIn } from '../support/evidence.ts'
import { startProvider, type TestProvider } from '../support/provider/provider.ts'
import { type RedisServer, startRedis } from '../support/redis/redis-server.ts'

let provider: TestProvider
let redis: RedisServer
beforeAll(async () => {
  ;[provider, redis] = await Promise.all([startProvider(), startRedis()])
})
afterAll(async () => {
  await Promise.all([provider?.stop(), redis?.stop()])
})

function routes(): RequestHandler {
  const router = express.Router()
  const seen: RequestHandler = (req, res) =>
    void res.json({ cart: req.session.cart ?? null, id: req.session.id, sub: req.oidc.user?.sub ?? null })
  const then = (res: express.Response) => (error: unknown) =>
    void res.json({ error: error ? String(error) : null })
  router.get('/seen', seen)
  router.get('/set', (req, res) => {
    req.session.cart = req.query.cart
    res.json({ sub: req.oidc.user?.sub ?? null })
  })
  router.get('/unset', (req, res) => {
    delete req.session.cart
    res.json({})
  })
  router.get('/destroy', (req, res) => void req.session.destroy(then(res)))
  router.get('/regenerate', (req, _res, next) => req.session.regenerate(next), seen)
  router.get('/save', (req, _res, next) => {
    req.session.cart = 'saved'
    req.session.save(next)
  })
  router.get('/save', (req, _res, next) => void req.session.reload(next), seen)
  router.get('/cookies', (req, res) => {
    res.json({ id: req.session.id, session: Object.keys(req.session), header: req.headers.cookie })
  })
  router.get('/ended', async (req, res) => {
    const before = req.session.cart ?? null
    const error = await req.oidc.renew().catch(({ code }) => code)
    const after = req.session.cart ?? null
    req.session.cart = 'kept'
    res.json({ before, error, after })
  })
  router.get('/sub', (req, res) => void res.json({ sub: req.oidc.user?.sub ?? null }))
  router.get('/', seen)
  return router
}

describe.each(['redis', 'memory'])('in %s', (where) => {
  let app: OwnApp
  beforeAll(async () => {
    const store = where === 'redis' ? { redisUrl: redis.url } : {}
    app = await startOwnApp({ provider, ...store }, (options) => {
      const handler = auth(options)
      return { app: express().use(handler, routes()), auth: handler }
    })
  })
  afterAll(() => app?.stop())

  const get = async (browser: Browser, path: string) => {
    const page = await browser.request('GET', `${app.url}${path}`)
    expect(page.status).toBe(200)
    return page.json()
  }
  const cookieId = async (browser: Browser) =>
    idIn((await browser.cookies(app.url)).find(({ key }) => key === 'bff')?.value ?? '')

  async function visitor(user?: string): Promise<Browser> {
    const browser = new Browser()
    if (user) await browser.logIn(app.url, { user })
    return browser
  }

  test('a session that ends in the middle of a request leaves an empty one, kept through the next login', async () => {
    const browser = await visitor('blocked')
    await get(browser, '/set?cart=apples')
    provider.blockAccount('blocked')
    const page = await get(browser, '/ended')
    provider.unblockAccount('blocked')
    expect(page).toEqual({ before: 'apples', error: 'session_ended', after: null })
    expect(await cookieId(browser)).toMatch(/^a-/)
    expect(await get(browser, '/seen')).toMatchObject({ cart: 'kept', sub: null })
    await browser.logIn(app.url, { user: 'blocked' })
    expect(await get(browser, '/seen')).toMatchObject({ cart: 'kept', sub: 'blocked' })
  })

  describe.each([
    ['anonymous', undefined],
    ['logged-in', 'alice'],
  ])('an %s visitor', (_name, user) => {
    test('sets, reads and unsets', async () => {
      const browser = await visitor(user)
      await get(browser, '/set?cart=apples')
      expect(await get(browser, '/seen')).toMatchObject({ cart: 'apples', sub: user ?? null })
      await get(browser, '/unset')
      expect(await get(browser, '/seen')).toMatchObject({ cart: null, sub: user ?? null })
    })

    test('has one id, that of the cookie', async () => {
      const browser = await visitor(user)
      await get(browser, '/set?cart=apples')
      expect((await get(browser, '/seen')).id).toBe(await cookieId(browser))
      expect(await cookieId(browser)).toMatch(user ? /^s-/ : /^a-/)
    })

    test('saves in the middle of a request, and reloads', async () => {
      const browser = await visitor(user)
      expect(await get(browser, '/save')).toMatchObject({ cart: 'saved' })
      expect(await get(browser, '/seen')).toMatchObject({ cart: 'saved', sub: user ?? null })
    })

    test('destroy() ends the session, and the login with it', async () => {
      const browser = await visitor(user)
      await get(browser, '/set?cart=apples')
      const before = browser.clone()
      expect(await get(browser, '/destroy')).toEqual({ error: null })
      for (const each of [browser, before]) {
        expect(await get(each, '/seen')).toMatchObject({ cart: null, sub: null })
      }
    })

    test('regenerate() gives a new id without data, and the old one is dead', async () => {
      const browser = await visitor(user)
      await get(browser, '/set?cart=apples')
      const before = browser.clone()
      const old = await cookieId(browser)
      expect(await get(browser, '/regenerate')).toMatchObject({
        cart: null,
        id: expect.not.stringMatching(old),
      })
      expect(await get(before, '/seen')).toMatchObject({ cart: null, sub: null })
      expect(await get(browser, '/sub')).toEqual({ sub: null })
    })
  })

  test('two browsers never share data', async () => {
    const [one, other] = [await visitor('one'), await visitor('other')]
    await Promise.all([get(one, '/set?cart=1'), get(other, '/set?cart=2')])
    expect(await get(one, '/seen')).toMatchObject({ cart: '1', sub: 'one' })
    expect(await get(other, '/seen')).toMatchObject({ cart: '2', sub: 'other' })
  })

  test('the tokens and the claims are not in req.session, and the Cookie header is as it was sent', async () => {
    const browser = await visitor('alice')
    await browser.setCookie('theme=dark; Path=/', app.url)
    const seen = await get(browser, '/cookies')
    expect(seen.session).toEqual(['cookie'])
    const value = (await browser.cookies(app.url)).find(({ key }) => key === 'bff')?.value
    expect(String(seen.header).split('; ').sort()).toEqual([`bff=${value}`, 'theme=dark'].sort())
  })

  test('after the logout nothing is left', async () => {
    const browser = await visitor('alice')
    await get(browser, '/set?cart=apples')
    const before = browser.clone()
    await browser.request('POST', `${app.url}/logout`)
    expect(await get(before, '/seen')).toMatchObject({ cart: null, sub: null })
    expect(await get(browser, '/seen')).toMatchObject({ cart: null, sub: null })
  })
})
