// In Chromium: a page of an app with two providers, whose login() names one, and which is told that another is needed.
import express from 'express'
import type { BrowserContext } from 'playwright-core'
import { startTwoProviders } from '../support/app/two-providers.ts'
import { browserModule } from '../support/browser/browser-module.ts'
import { passProvider, startChromium } from '../support/browser/chromium.ts'
import { useParts } from '../support/servers.ts'

const PAGE = `<!doctype html><html lang="en"><meta charset="utf-8"><title>A page</title><link rel="icon" href="data:,">
<script type="module">import * as bff from '/bff.js'
Object.assign(window, { bff, ends: [] })
bff.onSessionEnd(({ detail }) => ends.push(detail))
document.body.dataset.ready = ''</script><body><h1>A page</h1>`

const { app, chromium } = useParts(async (start) => {
  const code = await browserModule()
  const pages = express.Router()
  pages.get('/page', (_req, res) => res.type('html').send(PAGE))
  pages.get('/bff.js', (_req, res) => res.type('js').send(code))
  return {
    app: await start(startTwoProviders({ below: (app) => app.use(pages) })),
    chromium: await start(startChromium()),
  }
})

let context: BrowserContext
beforeEach(async () => {
  context = await chromium.open()
})
afterEach(() => context.close())

async function openPage() {
  const page = await context.newPage()
  await page.goto(`${app.url}/page`)
  await page.locator('body[data-ready]').waitFor()
  return page
}

const back = '/page'
const providerOf = 'bff.me().then((person) => person?.session.provider)'

test('login() goes to the provider that it names, and a page for staff is reached by stepUp() without an end of the session', async () => {
  const page = await openPage()
  await Promise.all([
    page.waitForURL(`${app.customers.issuer}/**`),
    page.evaluate("bff.login({ provider: 'customers' })"),
  ])
  await passProvider(page, { user: 'ada' })
  await page.waitForURL(app.url + back)
  expect(await page.evaluate(providerOf)).toBe('customers')
  const refused = await page.evaluate(
    "bff.fetch('/staff').catch((error) => { window.refused = error; return { ...error, code: error.code, status: error.status } })",
  )
  expect(refused).toMatchObject({ status: 401, code: 'provider_required' })
  expect(page.url()).toBe(app.url + back)
  expect(await page.evaluate('ends')).toEqual([])
  await Promise.all([page.waitForURL(`${app.staff.issuer}/**`), page.evaluate('bff.stepUp(refused)')])
  await passProvider(page, { user: 'bob' })
  await page.waitForURL(app.url + back)
  expect(await page.evaluate(providerOf)).toBe('staff')
  expect(await page.evaluate("bff.fetch('/staff').then((answer) => answer.status)")).toBe(200)
})

test('whoever is logged in nowhere is sent to the provider that is needed', async () => {
  const page = await openPage()
  await Promise.all([
    page.waitForURL(`${app.customers.issuer}/**`),
    page.evaluate("void bff.fetch('/customers').catch(() => undefined)"),
  ])
  await passProvider(page, { user: 'ada' })
  await page.waitForURL(app.url + back)
  expect(await page.evaluate(providerOf)).toBe('customers')
})
