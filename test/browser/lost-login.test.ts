// A tab whose login's cookie another tab has overwritten, in Chromium: its page goes on by itself.
import { startApp } from '../support/app/app.ts'
import { passProvider, startChromium } from '../support/browser/chromium.ts'
import { createLog } from '../support/evidence.ts'
import { startProvider } from '../support/provider/provider.ts'
import { useParts } from '../support/servers.ts'

const { app, chromium } = useParts(async (start) => {
  const provider = await start(startProvider({ asksForConsent: true }))
  const app = await start(startApp({ provider, options: { logger: createLog().logger } }))
  return { app, chromium: await start(startChromium()) }
})

test('is sent on without a click, and ends logged in', async () => {
  const context = await chromium.open()
  const [lost, kept] = [await context.newPage(), await context.newPage()]
  await lost.goto(`${app.url}/login`)
  // Five are kept: the oldest makes room.
  for (let count = 0; count < 5; count += 1) await kept.goto(`${app.url}/login?return_to=/public?${count}`)
  await passProvider(lost)
  // The app's page was there and sends it on; the provider asks for consent each time.
  await lost.waitForURL(({ hostname }) => hostname === '127.0.0.1')
  await passProvider(lost)
  await lost.waitForURL(`${app.url}/`)
  await lost.goto(`${app.url}/me`)
  expect(JSON.parse(await lost.locator('body').innerText())).toMatchObject({ authenticated: true })
  expect(chromium.complaints.splice(0)).toEqual([expect.stringContaining('400')])
  await context.close()
})
