// A logout by a form on a page under helmet's defaults, in Chromium: `form-action 'self'` holds for every redirect that follows.
import express from 'express'
import helmet from 'helmet'
import type { Page } from 'playwright-core'
import { auth } from '../../src/index.ts'
import { startOwnApp } from '../support/app/own-app.ts'
import { Browser } from '../support/browser/browser.ts'
import { passProvider, startChromium } from '../support/browser/chromium.ts'
import { createLog } from '../support/evidence.ts'
import { startProvider } from '../support/provider/provider.ts'
import { useParts } from '../support/servers.ts'

const { provider, chromium, app } = useParts(async (start) => {
  const [provider, chromium] = await Promise.all([start(startProvider()), start(startChromium())])
  const setup = { provider, options: { logger: createLog().logger } }
  const app = await start(
    startOwnApp(setup, (options) => {
      const handler = auth(options)
      const site = express().use(helmet(), handler)
      site.get('/form', (_req, res) => {
        res.send('<!doctype html><form method="post" action="/logout"><button>Log out</button></form>')
      })
      site.get('/', (req, res) => void res.json({ sub: req.oidc.user?.sub ?? null }))
      return { app: site, auth: handler }
    }),
  )
  return { provider, chromium, app }
})

const shown = async (page: Page) => JSON.parse((await page.textContent('body')) ?? '')

test('it ends the session here, then at the provider, and comes home', async () => {
  const context = await chromium.open()
  const page = await context.newPage()
  await page.goto(`${app.url}/login`)
  await passProvider(page, { user: 'ada' })
  expect(await shown(page)).toEqual({ sub: 'ada' })
  await page.goto(`${app.url}/form`)
  await page.getByRole('button').click()
  await page.waitForURL(`${provider.issuer}/session/end?**`)
  expect(provider.secretsSeen()).toContain(new URL(page.url()).searchParams.get('id_token_hint'))
  await passProvider(page)
  expect([page.url(), await shown(page)]).toEqual([`${app.url}/`, { sub: null }])
  // The provider asks who it is.
  await page.goto(`${app.url}/login`)
  await page.locator('input[name=login]').waitFor()
  await context.close()
  expect(chromium.complaints).toEqual([])
})

describe('the page that leads on', () => {
  async function leave() {
    const browser = new Browser()
    await browser.logIn(app.url)
    const page = await browser.submit(`${app.url}/logout`, {}, { from: app.url, stopAt: () => true })
    const [onward = ''] = /\/logout\?to=[\w-]+/.exec(page.body) ?? []
    return { browser, page, onward: app.url + onward }
  }

  test('is one of ours, kept by nobody, with no token in it', async () => {
    const { page } = await leave()
    expect(page).toMatchObject({ status: 200, headers: { 'cache-control': 'no-store' } })
    expect(page.body).toContain('/logout?to=')
    expect(provider.secretsSeen().filter((secret) => page.body.includes(secret))).toEqual([])
    expect(page.body).not.toContain('id_token_hint')
  })

  test('leads nobody who comes from another site', async () => {
    const { browser, onward } = await leave()
    const page = await browser.navigate(onward, { from: 'https://evil.example/', stopAt: () => true })
    expect([page.status, page.headers.location]).toEqual([403, undefined])
  })

  test('leads nowhere by what was made elsewhere: that is a logout like any other', async () => {
    const { onward } = await leave()
    const browser = new Browser()
    await browser.logIn(app.url, { user: 'eve' })
    const [start = '', sealed = ''] = onward.split('=')
    const forged = `${start}=${sealed.slice(0, -4)}AAAA`
    const page = await browser.navigate(forged, { from: app.url, stopAt: () => true })
    expect([page.status, new URL(page.headers.location ?? '').origin]).toEqual([303, provider.issuer])
    expect((await browser.request('GET', `${app.url}/`)).json()).toEqual({ sub: null })
  })
})

test('a logout that ends on another site gets there too, and the provider hears nothing of it', async () => {
  const elsewhere = await startOwnApp({}, () => ({
    app: express().get('/bye', (_req, res) => void res.send('bye')),
  }))
  const setup = {
    provider,
    options: { logger: createLog().logger, idpLogout: false, allowedReturnOrigins: [elsewhere.url] },
  }
  const leaving = await startOwnApp(setup, (options) => {
    const handler = auth(options)
    const site = express().use(helmet(), handler)
    site.get('/', (_req, res) => {
      res.send('<!doctype html><form method="post" action="/leave"><button>Log out</button></form>')
    })
    site.post('/leave', (_req, res, next) => {
      res.oidc.logout({ returnTo: `${elsewhere.url}/bye#section` }).catch(next)
    })
    return { app: site, auth: handler }
  })
  const context = await chromium.open()
  try {
    const page = await context.newPage()
    await page.goto(`${leaving.url}/`)
    await page.getByRole('button').click()
    await page.waitForURL(`${elsewhere.url}/bye#section`)
    expect(await page.textContent('body')).toBe('bye')
    expect(chromium.complaints).toEqual([])
  } finally {
    await context.close()
    await leaving.stop()
    await elsewhere.stop()
  }
})

test('without such a policy the answer stays a redirect', async () => {
  const setup = { provider, options: { logger: createLog().logger } }
  const plain = await startOwnApp(setup, (options) => {
    const handler = auth(options)
    const policy = helmet.contentSecurityPolicy({ directives: { formAction: null } })
    return { app: express().use(policy, handler), auth: handler }
  })
  try {
    const browser = new Browser()
    await browser.logIn(plain.url)
    const page = await browser.submit(`${plain.url}/logout`, {}, { from: plain.url, stopAt: () => true })
    expect(page.status).toBe(303)
  } finally {
    await plain.stop()
  }
})
