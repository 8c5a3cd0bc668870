// An app whose provider knows the person already and asks nothing: a login is three redirects, for long tables.
import { Browser } from '../browser/browser.ts'
import { startApp, type TestApp } from './app.ts'
import type { AppSetup } from './app-options.ts'

export interface KnownApp extends TestApp {
  /** a browser that is logged in at the provider, as that user, and not at the app; gets no refresh token */
  visitor(): Browser
}

export async function startKnownApp(setup: AppSetup, user: string): Promise<KnownApp> {
  const authorizationParams = { ...setup.options?.authorizationParams, prompt: 'none' }
  const app = await startApp({ ...setup, options: { ...setup.options, authorizationParams } })
  const known = new Browser()
  const asked = await known.navigate(`${app.url}/login`, { stopAt: () => true })
  const url = new URL(asked.headers.location ?? '')
  url.searchParams.set('prompt', 'consent')
  const page = await known.finish(await known.navigate(url.href), { user })
  if (page.status !== 200) throw new Error(`${user} could not log in: ${page.status} ${page.body}`)
  await known.clearCookies(app.url)
  known.location = undefined
  return { ...app, visitor: () => known.clone() }
}
