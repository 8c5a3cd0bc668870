// The provider of an app's browser tests, in Chromium: somebody logs in by its page, and logs out.

import express from 'express'
import { auth } from '../../src/index.ts'
import { startTestProvider } from '../../src/testing/index.ts'
import { startOwnApp } from '../support/app/own-app.ts'
import { startChromium } from '../support/browser/chromium.ts'
import { createLog } from '../support/evidence.ts'
import { useParts } from '../support/servers.ts'

const { provider, chromium, app } = useParts(async (start) => {
  const [provider, chromium] = await Promise.all([
    start(startTestProvider({ people: [{ sub: 'alice "the" <first>', roles: ['admin'] }] })),
    start(startChromium()),
  ])
  const { ISSUER_BASE_URL: issuerBaseURL, CLIENT_ID: clientID, CLIENT_SECRET: clientSecret } = provider.env
  const options = { issuerBaseURL, clientID, clientSecret, logger: createLog().logger }
  const app = await start(
    startOwnApp({ options }, (given) => {
      const handler = auth(given)
      const site = express().use(handler)
      site.get('/', (req, res) => void res.json(req.oidc.user ?? null))
      return { app: site, auth: handler }
    }),
  )
  return { provider, chromium, app }
})

test('a person that was named, and then any other', async () => {
  const context = await chromium.open()
  const page = await context.newPage()
  const shown = async () => JSON.parse((await page.textContent('body')) ?? '')
  await page.goto(`${app.url}/login`)
  expect(await page.locator('option').getAttribute('value')).toBe('alice "the" <first>')
  await page.getByLabel('Who are you?').fill('alice "the" <first>')
  await page.getByRole('button').click()
  await page.waitForURL(`${app.url}/`)
  expect(await shown()).toMatchObject({ sub: 'alice "the" <first>', roles: ['admin'] })
  await page.goto(`${app.url}/logout`)
  await page.waitForURL(`${app.url}/`)
  expect(await shown()).toBeNull()
  await page.goto(`${app.url}/login`)
  await page.getByLabel('Who are you?').fill('bob')
  await page.getByRole('button').click()
  await page.waitForURL(`${app.url}/`)
  expect(await shown()).toMatchObject({ sub: 'bob' })
  await context.close()
})

test('it says where it is', () => {
  expect(provider.env.ISSUER_BASE_URL).toBe(provider.issuer)
})
