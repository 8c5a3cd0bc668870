// H23: sessions that are renewed at the same moment, in the same places, and have nothing to do with each other.
import { type FaultFixture, startFaultFixture } from '../support/app/fault-fixture.ts'
import { Browser } from '../support/browser/browser.ts'
import { type SeenRequest, sha256 } from '../support/provider/seen-requests.ts'
import { ageSession } from '../support/session/age-session.ts'
import { logIn } from '../support/session/logged-in.ts'

let fixture: FaultFixture

beforeAll(async () => {
  // Long enough to have all the renewals held at once on a slow machine.
  fixture = await startFaultFixture({
    processes: 2,
    options: { renewal: { afterSeconds: 900, timeoutSeconds: 5 } },
  })
})

afterAll(() => fixture?.stop())

interface Holder {
  browser: Browser
  user: string
  /** of the refresh token it has */
  hash: string
}

async function fourSessions(): Promise<Holder[]> {
  const { provider, cluster } = fixture
  const holders: Holder[] = []
  for (const user of ['ann', 'ben', 'ann', 'cat'].map((name) => `${name}-${Date.now()}`)) {
    const before = provider.liveRefreshTokens(user)
    const browser = new Browser()
    await browser.logIn(cluster.url, { user })
    const [token = ''] = provider.liveRefreshTokens(user).filter((each) => !before.includes(each))
    holders.push({ browser, user, hash: sha256(token) })
  }
  return holders
}

test.each([
  ['in one process', () => fixture.processes.slice(0, 1)],
  ['across two processes', () => fixture.processes],
])(
  'H23: two sessions of one person and two of others, renewed at once %s, never share a result',
  async (_what, where) => {
    const { provider, admin, stored } = fixture
    const holders = await fourSessions()
    for (const { browser } of holders) await ageSession(admin, browser, 901)
    const since = provider.refreshCount()
    const holds = holders.map(({ hash }) =>
      provider.holdNext('token', {
        mode: 'after',
        when: ({ refreshTokenHash }: SeenRequest) => refreshTokenHash === hash,
      }),
    )
    const asked = holders.map(({ browser }) =>
      Promise.all(
        where().flatMap(({ url }) =>
          ['/private', '/token', '/me'].map((path) => browser.request('GET', url + path)),
        ),
      ),
    )
    await Promise.all(holds.map(({ processed }) => processed))
    // The last one asked is answered first.
    for (const held of holds.toReversed()) held.release()
    const tokens = new Set<string>()
    for (const [at, pages] of (await Promise.all(asked)).entries()) {
      const { browser, user } = holders[at] as Holder
      const seen = new Set<string>()
      for (const page of pages) {
        const {
          sub,
          user: me,
          sha256: token,
        } = page.json<{ sub?: string; user?: { sub: string }; sha256?: string }>()
        expect([page.status, sub ?? me?.sub]).toEqual([200, user])
        if (token) seen.add(token)
      }
      expect(seen.size).toBe(1)
      for (const token of seen) tokens.add(token)
      expect(await stored(browser)).toMatchObject({ generation: 2, claims: { sub: user } })
    }
    expect(tokens.size).toBe(holders.length)
    expect(provider.refreshCount() - since).toBe(holders.length)
  },
)

test('H23: of two sessions of one person, one that ends while both are renewed does not take the other with it', async () => {
  const { provider, admin, cluster, processes } = fixture
  const user = `dan-${Date.now()}`
  const { browser: staying, user: other } = await logIn(provider, cluster.url)
  const leaving = new Browser()
  await leaving.logIn(cluster.url, { user })
  const twin = new Browser()
  await twin.logIn(cluster.url, { user })
  const sessions = [staying, twin, leaving]
  for (const browser of sessions) await ageSession(admin, browser, 901)
  const holds = sessions.map(() => provider.holdNext('token', { mode: 'after' }))
  const stale = leaving.clone()
  const asked = [staying, twin, stale].map((browser) =>
    Promise.all(processes.map(({ url }) => browser.request('GET', `${url}/private`))),
  )
  await Promise.all(holds.map(({ processed }) => processed))
  expect((await leaving.request('POST', `${cluster.url}/logout`)).status).toBe(303)
  for (const held of holds) held.release()
  const statuses = (await Promise.all(asked)).map((pages) => pages.map(({ status }) => status))
  expect(statuses).toEqual([
    [200, 200],
    [200, 200],
    [401, 401],
  ])
  for (const [browser, sub] of [
    [staying, other],
    [twin, user],
  ] as const) {
    expect((await browser.request('GET', `${cluster.url}/fresh`)).json()).toMatchObject({
      sub,
      generation: 3,
    })
  }
})
