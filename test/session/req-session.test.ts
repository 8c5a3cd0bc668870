// req.session is express-session's, as ever: over Redis and in memory, for anonymous and for logged-in visitors. An app that
// mounts express-session itself, above auth(), keeps its own: auth() uses that one's id.
import express, { type RequestHandler } from 'express'
import expressSession, { MemoryStore } from 'express-session'
import { auth, requireAuth, requireFresh } from '../../src/index.ts'
import type { Auth } from '../support/app/app-routes.ts'
import { startOwnApp } from '../support/app/own-app.ts'
import { Browser } from '../support/browser/browser.ts'
import { authKeys, createLog, idIn } from '../support/evidence.ts'
import { startProvider } from '../support/provider/provider.ts'
import { startRedis } from '../support/redis/redis-server.ts'
import { useParts } from '../support/servers.ts'

const { logger } = createLog()
const { provider, redis, store } = useParts(async (start) => {
  const [provider, redis] = await Promise.all([start(startProvider()), start(startRedis())])
  return { provider, redis, store: redis.connect() }
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
  const { app } = useParts(async (start) => ({
    app: await start(
      startOwnApp({ provider, ...(where === 'redis' && { redisUrl: redis.url }) }, (options) => {
        const handler = auth(options)
        return { app: express().use(handler, routes()), auth: handler }
      }),
    ),
  }))

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

describe('an express-session of the app’s own', () => {
  let sessions: Auth['sessions']
  const documents = new MemoryStore()
  const { app } = useParts(async (start) => {
    const own = { secret: 'the app’s own', resave: false, saveUninitialized: false, store: documents }
    const built = startOwnApp({ provider, redisUrl: redis.url, options: { logger } }, (given) => {
      const handler = auth(given)
      sessions = handler.sessions
      const app = express().use(expressSession(own), handler)
      app.get(['/', '/seen'], (req, res) => {
        res.json({ cart: req.session.cart ?? null, sub: req.oidc.user?.sub ?? null, id: req.session.id })
      })
      app.get('/set', (req, res) => {
        req.session.cart = req.query.cart
        res.json({})
      })
      app.get('/private', requireAuth(), (req, res) => void res.json(req.oidc.session))
      app.post('/fresh', requireFresh(), (req, res) => void res.json(req.oidc.session))
      return { app, auth: handler }
    })
    return { app: await start(built) }
  })
  beforeEach(() => redis.flush())

  const get = async (browser: Browser, path: string) =>
    (await browser.request('GET', `${app.url}${path}`)).json()
  const cookieNames = async (browser: Browser) => (await browser.cookies(app.url)).map(({ key }) => key)
  const idOf = async (browser: Browser) => idIn((await browser.cookies(app.url))[0]?.value ?? '')

  async function logInAs(browser: Browser, user: string) {
    await browser.clearCookies(provider.issuer)
    expect((await browser.logIn(app.url, { user })).json()).toMatchObject({ sub: user })
  }

  test('logs in, renews and logs out on the app’s session, with the app’s cookie alone', async () => {
    const browser = new Browser()
    await logInAs(browser, 'alice')
    expect(await cookieNames(browser)).toEqual(['connect.sid'])
    expect(await authKeys(store)).toEqual([`bff:{${await idOf(browser)}}:auth`])
    await get(browser, '/set?cart=apples')
    expect((await browser.request('POST', `${app.url}/fresh`)).json()).toMatchObject({ generation: 2 })
    expect(await get(browser, '/seen')).toMatchObject({ cart: 'apples', sub: 'alice' })
    const before = browser.clone()
    expect((await browser.request('POST', `${app.url}/logout`)).status).toBe(303)
    for (const each of [browser, before])
      expect(await get(each, '/seen')).toMatchObject({ cart: null, sub: null })
    expect(await authKeys(store)).toEqual([])
  })

  test('anonymous data is kept at login, under a new id, and the old one is dead', async () => {
    const browser = new Browser()
    await get(browser, '/set?cart=apples')
    const before = browser.clone()
    await logInAs(browser, 'alice')
    expect(await get(browser, '/seen')).toMatchObject({ cart: 'apples', sub: 'alice' })
    expect(await idOf(browser)).not.toBe(await idOf(before))
    expect(await get(before, '/seen')).toMatchObject({ cart: null, sub: null })
  })

  test('the same user keeps the data, and the session before leaves no auth record', async () => {
    const browser = new Browser()
    await logInAs(browser, 'alice')
    await get(browser, '/set?cart=apples')
    const before = browser.clone()
    await logInAs(browser, 'alice')
    expect(await get(browser, '/seen')).toMatchObject({ cart: 'apples', sub: 'alice' })
    expect(await get(before, '/seen')).toMatchObject({ cart: null, sub: null })
    expect(await authKeys(store)).toEqual([`bff:{${await idOf(browser)}}:auth`])
  })

  test('another user does not get the data', async () => {
    const browser = new Browser()
    await logInAs(browser, 'alice')
    await get(browser, '/set?cart=of+alice')
    await logInAs(browser, 'bob')
    expect(await get(browser, '/seen')).toMatchObject({ cart: null, sub: 'bob' })
  })

  test('another user does not get the data of a login that is over', async () => {
    const browser = new Browser()
    await logInAs(browser, 'alice')
    await get(browser, '/set?cart=of+alice')
    // As at the end of its lifetime; the app's own session goes by times of its own.
    await store.del(await authKeys(store))
    expect(await get(browser, '/seen')).toMatchObject({ sub: null })
    await logInAs(browser, 'bob')
    expect(await get(browser, '/seen')).toMatchObject({ cart: null, sub: 'bob' })
  })

  test('no token is in the app’s session', async () => {
    const browser = new Browser()
    await logInAs(browser, 'alice')
    await get(browser, '/set?cart=apples')
    const kept = await new Promise((resolve, reject) =>
      documents.all((error, sessions) => (error ? reject(error) : resolve(sessions))),
    )
    expect(JSON.stringify(kept)).toContain('apples')
    for (const secret of provider.secretsSeen()) expect(JSON.stringify(kept)).not.toContain(secret)
  })

  test('the app cannot be told that an anonymous session is logged in', async () => {
    const browser = new Browser()
    await get(browser, '/set?cart[expressBffSession]=true')
    const page = await browser.request('GET', `${app.url}/private`)
    expect(page).toMatchObject({ status: 401 })
  })

  test('an invalid_grant ends the login, and the page can be used on', async () => {
    const browser = new Browser()
    await logInAs(browser, 'blocked')
    provider.revokeGrants('blocked')
    expect((await browser.request('POST', `${app.url}/fresh`)).json()).toMatchObject({
      code: 'session_ended',
    })
    expect(await get(browser, '/seen')).toMatchObject({ sub: null, cart: null })
    await get(browser, '/set?cart=again')
    expect(await get(browser, '/seen')).toMatchObject({ sub: null, cart: 'again' })
  })

  test('a session that is ended from elsewhere takes the person’s data with it', async () => {
    const browser = new Browser()
    await logInAs(browser, 'leaving')
    await get(browser, '/set?cart=private')
    const [{ id = '' } = {}] = await sessions.list('leaving')
    expect(await get(browser, '/private')).toMatchObject({ id })
    expect(await sessions.revoke(id)).toBe(true)
    expect(await get(browser, '/seen')).toMatchObject({ cart: null, sub: null })
    expect(await authKeys(store)).toEqual([])
  })
})
