// Somebody who is logged in, and how many renewals the provider has seen since.
import { randomBytes } from 'node:crypto'
import { Browser } from '../browser/browser.ts'
import type { TestProvider } from '../provider/provider.ts'

export interface LoggedIn {
  readonly browser: Browser
  readonly user: string
  /** refresh grants that the provider was asked for since the login */
  renewals(): number
  /** a script's GET with the session's cookie */
  get(url: string): ReturnType<Browser['request']>
}

/** A new browser with a new user, so that no test sees the session of another. */
export async function logIn(provider: TestProvider, appUrl: string): Promise<LoggedIn> {
  const user = `user-${randomBytes(4).toString('hex')}`
  const browser = new Browser()
  const page = await browser.logIn(appUrl, { user })
  const { sub, generation } = page.json()
  if (sub !== user || generation !== 1) throw new Error(`${user} is not logged in: ${page.body}`)
  const before = provider.refreshCount()
  return {
    browser,
    user,
    renewals: () => provider.refreshCount() - before,
    get: (url) => browser.request('GET', url),
  }
}
