// The cookie of a retired secret, and what an answer says of the session besides: it moves with every answer that nobody else is
// given, and what is newer than the move stands.
import express from 'express'
import { auth } from '../../src/index.ts'
import { TEST_SECRET } from '../support/app/app-options.ts'
import { startOwnApp } from '../support/app/own-app.ts'
import { Browser } from '../support/browser/browser.ts'
import { createLog, setCookieLine, setCookieLines } from '../support/evidence.ts'
import { useParts, useServers } from '../support/servers.ts'
import { ageSession } from '../support/session/age-session.ts'
import { logIn } from '../support/session/logged-in.ts'

const NEWER_SECRET = 'a newer secret, of which the old app knows nothing'

/** What says that nobody is answered from it without being asked again. */
const ASKS_AGAIN: Record<string, Record<string, string>> = {
  'no-cache': { 'cache-control': 'no-cache' },
  'max-age-0': { 'cache-control': 'public, max-age=0' },
  'must-revalidate': { 'cache-control': 'max-age=0, must-revalidate' },
  pragma: { pragma: 'no-cache' },
  nothing: {},
}

const { provider, redis, store, app } = useServers({ redis: true })
const { rotated } = useParts(async (start) => {
  const options = { logger: createLog().logger, secret: [NEWER_SECRET, TEST_SECRET] }
  return {
    rotated: await start(
      startOwnApp({ provider, redisUrl: redis.url, options }, (given) => {
        const handler = auth(given)
        const site = express().use(handler)
        for (const [name, headers] of Object.entries(ASKS_AGAIN))
          site.get(`/${name}`, (_req, res) => void res.set(headers).send('page'))
        site.get('/write', (req, res) => {
          req.session.cart = 'new'
          res.send('written')
        })
        site.get('/regenerate', (req, res) => {
          req.session.regenerate(() => {
            req.session.cart = 'regenerated'
            res.send('regenerated')
          })
        })
        site.get('/cart', (req, res) => void res.json({ cart: req.session.cart ?? null }))
        return { app: site, auth: handler }
      }),
    ),
  }
})

test.each(Object.keys(ASKS_AGAIN))('an answer that says %s to caches moves it', async (name) => {
  const { browser } = await logIn(provider, app.url)
  const page = await browser.request('GET', `${rotated.url}/${name}`)
  expect(setCookieLine(page, 'bff')).toMatch(/^bff=s/)
  expect((await browser.request('GET', `${rotated.url}/me`)).json()).toMatchObject({ authenticated: true })
})

describe('of a session that the provider ends in that request', () => {
  async function ended() {
    const { browser, user } = await logIn(provider, app.url)
    await ageSession(store, browser, 3601, { idToken: 3601 })
    provider.revokeGrants(user)
    return browser
  }

  test('it is taken, and not moved', async () => {
    const page = await (await ended()).request('GET', `${rotated.url}/nothing`)
    expect(setCookieLines(page)).toEqual([expect.stringMatching(/^bff=;/)])
  })

  test('what the app writes in that answer is kept', async () => {
    const browser = await ended()
    const page = await browser.request('GET', `${rotated.url}/write`)
    expect(setCookieLines(page)).toHaveLength(1)
    expect((await browser.request('GET', `${rotated.url}/cart`)).json()).toEqual({ cart: 'new' })
  })
})

test('of an anonymous visitor: the session that the app begins anew stands', async () => {
  const browser = new Browser()
  await browser.request('POST', `${app.url}/cart`, { json: { cart: 'old' } })
  const page = await browser.request('GET', `${rotated.url}/regenerate`)
  expect(setCookieLines(page)).toHaveLength(1)
  expect((await browser.request('GET', `${rotated.url}/cart`)).json()).toEqual({ cart: 'regenerated' })
})
