// What every refused callback has in common, and how a test changes a callback on its way.
import type { Browser, Page } from '../support/browser/browser.ts'
import { setCookieLine } from '../support/evidence.ts'

export type Change = (params: URLSearchParams, url: URL) => void

export function callbackWith(callback: string, change: Change): string {
  const url = new URL(callback)
  change(url.searchParams, url)
  return url.href
}

export const valuesOf = (...urls: string[]) => urls.flatMap((url) => [...new URL(url).searchParams.values()])

export const loginCookies = async (browser: Browser, appUrl: string) =>
  (await browser.cookies(appUrl)).filter(({ key }) => key.startsWith('bff-login-')).map(String)

/** Refused: 4xx with a way to begin again, nothing reflected, a log line without what was sent, nobody logged in. */
export async function expectRefused(
  browser: Browser,
  page: Page,
  { sent, logged }: { sent: string[]; logged: string[] },
): Promise<void> {
  expect(page.status).toBe(400)
  expect(page.headers).toMatchObject({ 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' })
  expect(page.body).toContain('href="/login"')
  expect(setCookieLine(page, 'bff')).toBeUndefined()
  expect(logged.length).toBeGreaterThanOrEqual(1)
  for (const secret of sent.filter((each) => each.length >= 7)) {
    expect(page.body + JSON.stringify(page.headers) + logged.join()).not.toContain(secret)
  }
  expect(logged.join('')).not.toMatch(/[\r\n]/)
  const { origin } = new URL(page.url)
  expect((await browser.request('GET', `${origin}/public`)).json()).toMatchObject({ authenticated: false })
}
