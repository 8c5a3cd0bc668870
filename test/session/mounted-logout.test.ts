// Below an express-session that the app mounted itself: a logout while a step-up is under way leaves nobody logged in, and nobody
// what the app knew of that person (H10, H32); a step-up that is refused changes nothing.
import express from 'express'
import session, { MemoryStore } from 'express-session'
import { auth, requireAuth, requireStepUp } from '../../src/index.ts'
import { TEST_SECRET } from '../support/app/app-options.ts'
import { startOwnApp } from '../support/app/own-app.ts'
import { Browser } from '../support/browser/browser.ts'
import { createLog } from '../support/evidence.ts'
import { startProvider } from '../support/provider/provider.ts'
import { useParts } from '../support/servers.ts'

const { provider, app } = useParts(async (start) => {
  const provider = await start(startProvider())
  const options = { logger: createLog().logger, revokeOnLogout: false }
  return {
    provider,
    app: await start(
      startOwnApp({ provider, options }, (given) => {
        const handler = auth(given)
        const site = express()
        const store = new MemoryStore()
        site.use(session({ secret: TEST_SECRET, resave: false, saveUninitialized: false, store }), handler)
        site.get('/private', requireAuth(), (req, res) => void res.json({ sub: req.oidc.user?.sub }))
        site.get('/step-up', requireStepUp({ maxAgeSeconds: 300 }), (_req, res) => void res.json({}))
        site.get('/', (_req, res) => void res.json({}))
        site.post('/cart', (req, res) => {
          req.session.cart = 'full'
          res.json({})
        })
        site.get('/cart', (req, res) => void res.json({ cart: req.session.cart ?? null }))
        return { app: site, auth: handler }
      }),
    ),
  }
})
afterEach(() => provider.normal())

const isIn = async (browser: Browser) => (await browser.request('GET', `${app.url}/private`)).status === 200
const cartOf = async (browser: Browser) =>
  (await browser.request('GET', `${app.url}/cart`)).json<{ cart: unknown }>().cart

/** With a cart, and with a step-up that has come back from the provider as far as this callback. */
async function steppingUp() {
  const browser = new Browser()
  await browser.logIn(app.url, { user: 'alice', path: '/private' })
  await browser.request('POST', `${app.url}/cart`)
  return { browser, callback: await browser.tab().startLogin(app.url, { path: '/step-up', user: 'alice' }) }
}

test('H32: after a logout while its callback waits for the provider nobody is logged in, nor has that person’s data', async () => {
  const { browser, callback } = await steppingUp()
  const held = provider.holdNext('token', { grantType: 'authorization_code', mode: 'after' })
  const landing = browser.tab().navigate(callback, { stopAt: () => true })
  await held.processed
  await browser.request('POST', `${app.url}/logout`)
  expect(await cartOf(browser)).toBeNull()
  held.release()
  expect((await landing).status).toBe(400)
  expect([await isIn(browser), await cartOf(browser)]).toEqual([false, null])
})

test('H10: after a logout before its callback the next person has nothing of that person’s data', async () => {
  const { browser, callback } = await steppingUp()
  await browser.request('POST', `${app.url}/logout`)
  await browser.tab().navigate(callback, { stopAt: () => true })
  await browser.clearCookies(provider.issuer)
  await browser.logIn(app.url, { user: 'bob', path: '/private' })
  expect([await isIn(browser), await cartOf(browser)]).toEqual([true, null])
})

test('a step-up whose code is refused keeps the session, and its data', async () => {
  const { browser, callback } = await steppingUp()
  const wrong = callback.replace(/\bcode=[^&]*/, 'code=wrong')
  expect((await browser.tab().navigate(wrong, { stopAt: () => true })).status).toBe(400)
  expect([await isIn(browser), await cartOf(browser)]).toEqual([true, 'full'])
})
