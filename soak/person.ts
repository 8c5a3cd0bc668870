// Somebody with a browser in a soak: loads again what was not answered, goes where a page sends them, and looks who they are.
import type { Browser, Page } from '../test/support/browser/browser.ts'
import { exchange } from '../test/support/browser/http-exchange.ts'
import { pause } from './streams.ts'

/** Where a person is to end, and as whom. */
export interface Aim {
  readonly home: string
  readonly user: string
  /** epoch milliseconds: then they give up */
  readonly until: number
}

export interface Arrival {
  /** what went otherwise than it may */
  readonly fault: string | undefined
  /** pages that had to be loaded or begun again */
  readonly again: number
}

const AGAIN_MS = 200

/** No server was there, or it asks for patience. */
export const isLater = (page: { status: number } | undefined) =>
  page === undefined || page.status === 502 || page.status === 503

/** Does it until it was answered; undefined where that does not come in time. */
export async function patiently<T extends { status: number }>(
  until: number,
  act: () => Promise<T>,
): Promise<T | undefined> {
  while (Date.now() < until) {
    const page = await act().catch(() => undefined)
    if (!isLater(page)) return page
    await pause(AGAIN_MS)
  }
  return undefined
}

/** Whose session that cookie is, `'nobody'`'s, or undefined where nobody says so in time. */
export async function whoseIs(cookie: string, { home, until }: Aim): Promise<string | undefined> {
  const answer = await patiently(until, () =>
    exchange({
      method: 'GET',
      url: `${home}/private`,
      headers: { cookie, accept: 'application/json' },
    }),
  )
  if (answer?.status === 401) return 'nobody'
  return answer?.status === 200 ? String(JSON.parse(answer.body).sub) : undefined
}

/** The session's cookie as the browser would send it. */
export async function cookieOf(browser: Browser, home: string): Promise<string | undefined> {
  return (await browser.cookies(home)).find(({ key }) => key === 'bff')?.cookieString()
}

/** Every session's cookie that these tabs were ever given. */
export function cookiesGiven(tabs: readonly Browser[]): string[] {
  const lines = tabs.flatMap(({ received }) => received).flatMap(({ headers }) => headers['set-cookie'] ?? [])
  return [...new Set(lines.flatMap((line) => /^bff=[^;]+/.exec(line)?.[0] ?? []))]
}

/** Opens the address and logs in where that is asked for, until a page of the app is there. */
export async function arrive(tab: Browser, address: string, aim: Aim): Promise<Arrival> {
  const { home, user, until } = aim
  const start = `${home}/private`
  let next = address
  for (let again = 0; Date.now() < until; again += 1) {
    const before = await cookieOf(tab, home)
    const page = await load(tab, next, user)
    if (isLater(page)) await pause(AGAIN_MS)
    else if (page?.url.startsWith(home)) {
      if (page.status === 200) return { fault: undefined, again }
      const wasIn = before !== undefined && before === (await cookieOf(tab, home))
      // With a session that lives before and after, no way leads to a refusal.
      if (page.status >= 500 || (wasIn && (await whoseIs(before, aim)) === user))
        return { fault: `${user} ends on ${page.status} at ${new URL(page.url).pathname}`, again }
    }
    next = page === undefined ? start : isLater(page) ? page.url : (refreshOf(page) ?? start)
  }
  return { fault: `${user} ends on no page: last was ${next.replace(/\?.*/, '')}`, again: 0 }
}

async function load(tab: Browser, url: string, user: string): Promise<Page | undefined> {
  try {
    return await tab.finish(await tab.navigate(url), { user })
  } catch {
    return undefined
  }
}

/** Where the page goes by itself. */
function refreshOf({ body, url }: Page): string | undefined {
  const [, address] = /<meta http-equiv="refresh" content="0;url=([^"]+)">/.exec(body) ?? []
  return address && new URL(address, url).href
}
