// A provider that sends no refresh token: the login works all the same, and somebody is told what to check.
import { startApp } from '../support/app/app.ts'
import type { AppSetup } from '../support/app/app-options.ts'
import { Browser } from '../support/browser/browser.ts'
import { createLog } from '../support/evidence.ts'
import { startProvider, type TestProvider } from '../support/provider/provider.ts'

let provider: TestProvider
beforeAll(async () => {
  provider = await startProvider()
})
afterAll(() => provider?.stop())

test.each<[string, NonNullable<AppSetup['options']>, RegExp]>([
  ['prompt=consent was not asked for', { authorizationParams: { prompt: 'login' } }, /prompt.*consent/],
  ['offline_access was not asked for', { authorizationParams: { scope: 'openid' } }, /offline_access/],
])('%s: logged in all the same, one warning, an event for each login', async (_name, options, hint) => {
  const log = createLog()
  const app = await startApp({ provider, options: { ...options, logger: log.logger } })
  try {
    for (const user of ['first', 'second']) {
      const page = await new Browser().logIn(app.url, { user, returnTo: '/private' })
      expect(page.json()).toMatchObject({ sub: user })
    }
    expect(log.lines).toEqual([expect.stringMatching(hint)])
    const told = app.events.filter(({ name }) => name === 'refresh-token-missing')
    expect(told).toEqual(
      ['first', 'second'].map((subject) => ({
        name: 'refresh-token-missing',
        event: { subject, hint: expect.stringMatching(hint) },
      })),
    )
    expect(app.events).toContainEqual({
      name: 'logged-in',
      event: { subject: 'first', hasRefreshToken: false },
    })
  } finally {
    await app.stop()
  }
})

test('with a refresh token nobody is warned', async () => {
  const log = createLog()
  const app = await startApp({ provider, options: { logger: log.logger } })
  try {
    await new Browser().logIn(app.url, { user: 'complete' })
    expect(log.lines).toEqual([])
    expect(app.events).toEqual([{ name: 'logged-in', event: { subject: 'complete', hasRefreshToken: true } }])
  } finally {
    await app.stop()
  }
})

test('what needs a renewal asks for a new login, and everything else works', async () => {
  const options = { authorizationParams: { scope: 'openid' }, logger: createLog().logger }
  const app = await startApp({ provider, options })
  const browser = new Browser()
  try {
    await browser.logIn(app.url, { user: 'short' })
    const before = provider.refreshCount()
    const fresh = await browser.request('POST', `${app.url}/fresh`)
    expect(fresh.status).toBe(401)
    expect(fresh.json()).toMatchObject({ code: 'renewal_impossible', login_url: '/login' })
    expect((await browser.request('GET', `${app.url}/private`)).json()).toMatchObject({ sub: 'short' })
    expect(provider.refreshCount()).toBe(before)
    expect((await browser.request('POST', `${app.url}/logout`)).status).toBe(303)
    expect(provider.revocations()).toEqual([])
  } finally {
    await app.stop()
  }
})
