// What people do with their browsers in a soak: tabs that are restored together, and a logout while a login is under way.
import { Browser, type Page } from '../test/support/browser/browser.ts'
import { type Arrival, arrive, cookieOf, cookiesGiven, patiently, whoseIs } from './person.ts'
import type { SoakProvider } from './provider-process.ts'
import { createDeck, type Random } from './random.ts'
import type { Stream } from './streams.ts'
import type { Tally } from './tally.ts'
import type { Lost } from './verdict.ts'

interface World {
  tally: Tally
  provider: SoakProvider
  /** the address in front of the fleet */
  home: string
  /** accounts for a session that is over */
  account(lost: Lost): Promise<void>
}

const TABS = 8
const RESTORED = `browser: ${TABS} tabs restored`
const LOGGED_OUT = 'browser: logout during a login'
export const BROWSER_KINDS = [RESTORED, LOGGED_OUT]

const PATIENCE_MS = 45_000
const CATCH_MS = 2000
/** Less than the deadline of the callback's own request to the provider. */
const LOGOUT_MS = 3500

export function browserStream(world: World): Stream {
  return {
    name: 'browsers',
    pauses: [100, 600],
    begin(random) {
      const draw = createDeck(random, BROWSER_KINDS)
      let people = 0
      return () => {
        const user = `person-${++people}`
        return draw() === RESTORED ? restoreTabs(world, user, random) : logOutMeanwhile(world, user, random)
      }
    },
  }
}

/** All tabs leave for the provider before one of them has logged in; the others come back after that. */
async function restoreTabs({ tally, home, account }: World, user: string, random: Random) {
  const aim = { home, user, until: Date.now() + PATIENCE_MS }
  const browser = new Browser()
  const left = await Promise.all(
    Array.from({ length: TABS }, async (_, at) => {
      const tab = browser.tab()
      const leave = () =>
        tab.navigate(`${home}/private?tab=${at}`, { from: null, stopAt: ({ origin }) => origin !== home })
      const page = await patiently(aim.until, leave)
      return { tab, address: page?.status === 302 ? page.headers.location : undefined }
    }),
  )
  const first = left.splice(Math.floor(random.next() * TABS), 1)[0]
  if (!first?.address || left.some(({ address }) => address === undefined)) {
    return tally.wrong('a restored tab did not come to the provider', user)
  }
  const one = await arrive(first.tab, first.address, aim)
  const cookie = await cookieOf(browser, home)
  const others = await Promise.all(left.map(({ tab, address = '' }) => arrive(tab, address, aim)))
  tally.made(RESTORED)
  const arrivals: Arrival[] = [one, ...others]
  for (const { fault } of arrivals) {
    if (fault !== undefined) tally.wrong('a restored tab did not end on a page', fault)
  }
  // Who came straight has the session of the first; after a second login it may be another.
  if (cookie === undefined || others.some(({ again }) => again > 0)) return
  const who = await whoseIs((await cookieOf(browser, home)) ?? cookie, aim)
  if (who !== undefined && who !== user)
    await account({ user, id: idIn(cookie), code: `restored, and ${who}` })
}

/** The callback waits for the token endpoint while another tab logs out: whatever came first, nobody is logged in. */
async function logOutMeanwhile({ tally, provider, home }: World, user: string, random: Random) {
  const aim = { home, user, until: Date.now() + PATIENCE_MS }
  const browser = new Browser()
  const [before, coming, leaving] = [browser.tab(), browser.tab(), browser.tab()]
  const isIn = random.next() < 0.3
  if (isIn) await arrive(before, `${home}/private`, aim)
  const callback = await coming.startLogin(home, { user }).catch(() => undefined)
  if (callback === undefined) return
  // At oidc-provider the end of one refresh token is the end of its grant, and of a code that was not used yet.
  const moment = isIn || random.next() < 0.5 ? 'after' : 'before'
  const caught = provider.catchNext('authorization_code', moment, CATCH_MS)
  let isOver = false
  const landing = coming
    .navigate(callback, { stopAt: () => true })
    .catch(() => undefined)
    .then(() => {
      isOver = true
    })
  if ((await caught) === undefined) return landing
  const page = await logOut(leaving, home)
  if (page?.status === 303 && !isOver) tally.made(LOGGED_OUT)
  await provider.letGo('authorization_code')
  await landing
  if (page?.status !== 303) return
  for (const cookie of cookiesGiven([before, coming, leaving])) {
    if ((await whoseIs(cookie, aim)) === user) {
      tally.wrong('a login outlived a logout', `${user}, ${isIn ? 'who was logged in' : 'nobody'} before`)
    }
  }
}

function logOut(tab: Browser, home: string): Promise<Page | undefined> {
  return patiently(Date.now() + LOGOUT_MS, () => tab.request('POST', `${home}/logout`))
}

/** `bff=s%3A`, the id, a dot, and its signature. */
function idIn(cookie: string): string {
  return decodeURIComponent(cookie).match(/s:([^.]+)\./)?.[1] ?? ''
}
