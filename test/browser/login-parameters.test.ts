// In Chromium: what the page's login() asks of the provider, and that it asks silently only now and then.
import type { BrowserContext } from 'playwright-core'
import { openPage, ready, startPageApp, who } from '../support/app/page-app.ts'
import { passProvider, startChromium } from '../support/browser/chromium.ts'
import { startProvider } from '../support/provider/provider.ts'
import { useParts } from '../support/servers.ts'

const { provider, app, chromium } = useParts(async (start) => {
  const [provider, chromium] = await Promise.all([start(startProvider()), start(startChromium())])
  const login = { params: ['screen_hint', 'ui_locales', 'prompt'] }
  return { provider, chromium, app: await start(startPageApp({ provider, options: { login } })) }
})

let context: BrowserContext
beforeEach(async () => {
  context = await chromium.open()
})
afterEach(() => context.close())

const asked = () => provider.authorizationRequests().length

test('it asks what the server lets a page ask, nothing else, and comes back to the page', async () => {
  const page = await openPage(context, app, '/page?tab=2')
  const parameters =
    "{ screen_hint: 'sign&up=é#', ui_locales: 'de fr', state: 'mine', return_to: '/private', nothing: undefined }"
  await Promise.all([
    page.waitForURL(`${provider.issuer}/**`),
    page.evaluate(`bff.login({ authorizationParams: ${parameters} })`),
  ])
  const { params } = provider.authorizationRequests().at(-1) ?? {}
  expect(params).toMatchObject({ screen_hint: 'sign&up=é#', ui_locales: 'de fr' })
  expect(params?.state).not.toBe('mine')
  expect(Object.keys(params ?? {})).not.toEqual(expect.arrayContaining(['return_to', 'nothing']))
  await passProvider(page, { user: 'ada' })
  await ready(page)
  expect([page.url(), await who(page)]).toEqual([`${app.url}/page?tab=2`, 'ada@example.com'])
})

test('prompt=none asks nobody anything; a page that asks so whenever it is opened asks once', async () => {
  const page = await openPage(context, app)
  const before = asked()
  const silently = "bff.login({ authorizationParams: { prompt: 'none' } })"
  await Promise.all([page.waitForNavigation(), page.evaluate(silently)])
  await ready(page)
  expect([page.url(), await who(page), asked()]).toEqual([`${app.url}/page`, 'nobody', before + 1])
  await page.evaluate(`${silently}; ${silently}`)
  expect(await page.evaluate('bff.me().then((person) => String(person))')).toBe('undefined')
  expect(asked()).toBe(before + 1)
  // What needs a login leads to one all the same.
  const needed = "void bff.fetch('/private').catch(() => undefined)"
  await Promise.all([page.waitForURL(`${provider.issuer}/**`), page.evaluate(needed)])
  expect(asked()).toBe(before + 2)
})
