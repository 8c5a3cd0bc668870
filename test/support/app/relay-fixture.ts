// A provider, an API, an app that relays `/api` to it, and somebody who is logged in there.
import { handleUpgrade, type RelayOptions, relay } from '../../../src/index.ts'
import { Browser } from '../browser/browser.ts'
import { createLog } from '../evidence.ts'
import { type ProviderOptions, startProvider, type TestProvider } from '../provider/provider.ts'
import { type ApiServer, startApiServer } from './api-server.ts'
import { startApp, type TestApp } from './app.ts'
import type { AppSetup } from './app-options.ts'

export interface RelayFixture {
  readonly provider: TestProvider
  readonly api: ApiServer
  readonly app: TestApp
  /** logged in as `rita` */
  readonly browser: Browser
  /** of that browser, for requests that are written by hand */
  readonly cookie: string
  /** what was logged */
  readonly lines: string[]
  /** below the relay */
  url(path: string): string
  stop(): Promise<void>
}

interface RelayFixtureSetup extends Omit<AppSetup, 'provider'> {
  provider?: ProviderOptions
  /** over `target: <the API>/v1` */
  relay?: Partial<RelayOptions>
}

export async function startRelayFixture(setup: RelayFixtureSetup = {}): Promise<RelayFixture> {
  const log = createLog()
  const [provider, api] = await Promise.all([startProvider(setup.provider), startApiServer()])
  const app = await startApp({ ...setup, provider, options: { logger: log.logger, ...setup.options } })
  app.app.use('/api', relay({ target: `${api.url}/v1`, ...setup.relay }))
  app.server.on('upgrade', handleUpgrade(app.app))
  const browser = new Browser()
  await browser.logIn(app.url, { user: 'rita' })
  const cookies = await browser.cookies(app.url)
  return {
    provider,
    api,
    app,
    browser,
    cookie: cookies.map((each) => each.cookieString()).join('; '),
    lines: log.lines,
    url: (path) => `${app.url}/api${path}`,
    async stop() {
      await Promise.all([app.stop(), api.stop()])
      await provider.stop()
    },
  }
}
