// Without Redis: for trying things out, and in production only when it is asked for by name.
import { startApp } from '../support/app/app.ts'
import { startAppProcess } from '../support/app/app-process.ts'
import { Browser } from '../support/browser/browser.ts'
import { startProvider, type TestProvider } from '../support/provider/provider.ts'

let provider: TestProvider
beforeAll(async () => {
  provider = await startProvider()
})
afterAll(() => provider?.stop())

test('an app without redis refuses to start in production, and says what to do', async () => {
  const started = startAppProcess({ provider, env: { NODE_ENV: 'production', REDIS_URL: '' } })
  await expect(started.then((app) => app.stop())).rejects.toThrow(
    /redis \(REDIS_URL\) is required in production.*allowInMemoryStore/s,
  )
})

test('with allowInMemoryStore it starts, and people log in', async () => {
  const env = { NODE_ENV: 'production', REDIS_URL: '' }
  const app = await startAppProcess({ provider, env, options: { allowInMemoryStore: true } })
  try {
    const page = await new Browser().logIn(app.url, { user: 'asked' })
    expect(page.json()).toMatchObject({ sub: 'asked' })
  } finally {
    await app.stop()
  }
})

test('log in, renew, log out', async () => {
  const app = await startApp({ provider })
  const browser = new Browser()
  try {
    await browser.logIn(app.url, { user: 'memory' })
    expect((await browser.request('POST', `${app.url}/fresh`)).json()).toMatchObject({ generation: 2 })
    const before = browser.clone()
    await browser.request('POST', `${app.url}/logout`)
    for (const each of [browser, before]) {
      expect((await each.request('GET', `${app.url}/public`)).json()).toMatchObject({ authenticated: false })
    }
  } finally {
    await app.stop()
  }
})

test('two apps in one process know nothing of each other', async () => {
  const [one, other] = [await startApp({ provider }), await startApp({ provider })]
  const browser = new Browser()
  try {
    // Cookies do not know of ports, so the browser shows one app the cookie of the other.
    await browser.logIn(one.url, { user: 'one' })
    expect((await browser.request('GET', `${other.url}/public`)).json()).toMatchObject({
      authenticated: false,
    })
    expect((await browser.request('GET', `${one.url}/public`)).json()).toMatchObject({ sub: 'one' })
  } finally {
    await Promise.all([one.stop(), other.stop()])
  }
})
