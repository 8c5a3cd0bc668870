// Below a service worker that passes navigations on, as common ones do, people log in and out in Chromium as without one.
import { openLoggedIn, ready, startPageApp, who } from '../support/app/page-app.ts'
import { passProvider, startChromium } from '../support/browser/chromium.ts'
import { startProvider } from '../support/provider/provider.ts'
import { useParts } from '../support/servers.ts'

const TAKE_OVER = `self.addEventListener('install', () => self.skipWaiting())
self.addEventListener('activate', (event) => event.waitUntil(clients.claim()))`

const WORKERS: Record<string, string> = {
  plain: `self.addEventListener('fetch', (event) => event.respondWith(fetch(event.request)))`,
  preloading: `self.addEventListener('activate', (event) => event.waitUntil(self.registration.navigationPreload.enable()))
const answer = async (event) => (await event.preloadResponse) ?? fetch(event.request)
self.addEventListener('fetch', (event) => event.respondWith(answer(event)))`,
}

const { provider, app, chromium } = useParts(async (start) => {
  const provider = await start(startProvider())
  const app = await start(startPageApp({ provider }))
  for (const [name, code] of Object.entries(WORKERS))
    app.app.get(`/${name}.js`, (_req, res) => {
      res.type('js').set('cache-control', 'no-store').send(`${TAKE_OVER}\n${code}`)
    })
  return { provider, app, chromium: await start(startChromium()) }
})

describe.each(Object.keys(WORKERS))('a %s one', (name) => {
  /** Somebody's page, which that service worker has taken over. */
  async function open() {
    const opened = await openLoggedIn(chromium, app, provider)
    await opened.page.evaluate(`(async () => {
      const { serviceWorker } = navigator
      const taken = new Promise((resolve) => serviceWorker.addEventListener('controllerchange', resolve))
      await serviceWorker.register('/${name}.js')
      if (!serviceWorker.controller) await taken
    })()`)
    await opened.page.reload()
    await ready(opened.page)
    expect(await who(opened.page)).toContain('@')
    return opened
  }

  test('lets somebody log out', async () => {
    const { context, page } = await open()
    await Promise.all([page.waitForNavigation(), page.evaluate("location.assign('/logout')")])
    await passProvider(page)
    await page.goto(`${app.url}/page`)
    await ready(page)
    expect(await who(page)).toBe('nobody')
    await context.close()
  })

  test('lets somebody log in', async () => {
    const { context, page } = await open()
    await context.clearCookies()
    await page.goto(`${app.url}/login?return_to=/page`)
    await passProvider(page)
    expect(page.url()).toBe(`${app.url}/page`)
    await ready(page)
    expect(await who(page)).toContain('@')
    await context.close()
  })
})
