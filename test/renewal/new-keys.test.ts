// H37: the provider signs with another key, once or twice within seconds, under a kid of its own or under the old one.
import { startApp, type TestApp } from '../support/app/app.ts'
import { Browser } from '../support/browser/browser.ts'
import { eventually } from '../support/deadline.ts'
import { createLog } from '../support/evidence.ts'
import { type Forge, forgeNext, signed } from '../support/provider/forge-id-token.ts'
import { startProvider } from '../support/provider/provider.ts'
import { createSigningKey, type SigningKey, sharedSigningKey } from '../support/provider/signing-key.ts'
import { startRedis } from '../support/redis/redis-server.ts'
import { useParts } from '../support/servers.ts'
import { ageSession, endBackOff } from '../support/session/age-session.ts'
import { type LoggedIn, logIn } from '../support/session/logged-in.ts'

const PAUSE_SECONDS = 10

const { provider, store, old, next, last, apps } = useParts(async (start) => {
  const [provider, redis] = await Promise.all([start(startProvider()), start(startRedis())])
  const open = () => {
    const options = {
      // Whoever asks for a renewal sees its end.
      renewal: { timeoutSeconds: 20 },
      logger: createLog().logger,
    }
    return start(startApp({ provider, redisUrl: redis.url, options }))
  }
  const [old, next, last] = await Promise.all([sharedSigningKey(), createSigningKey(), createSigningKey()])
  return { provider, store: redis.connect(), old, next, last, apps: { open } }
})
let app: TestApp
/** It knows the old key, and has asked for keys this once. */
let session: LoggedIn
let before: number

beforeEach(async () => {
  app = await apps.open()
  session = await logIn(provider, app.url)
  before = keyRequests().length
})
afterEach(() => provider.normal())

const keyRequests = () => provider.requests({ endpoint: 'jwks' })

function publish(...keys: object[]): void {
  provider.normal('jwks')
  provider.answerAll('jwks', { status: 200, body: { keys } })
}

const byKey = ({ jwk }: SigningKey, kid = jwk.kid) => signed(undefined, { key: jwk, header: { kid } })
const underOldKid = ({ publicJwk }: SigningKey) => ({ ...publicJwk, kid: old.jwk.kid })

async function comeBack(forge: Forge) {
  const browser = new Browser()
  const callback = await browser.startLogin(app.url, { user: 'alice' })
  void forgeNext(provider, forge, { grantType: 'authorization_code' })
  return browser.navigate(callback)
}

function renew(forge: Forge) {
  void forgeNext(provider, forge, { grantType: 'refresh_token' })
  return session.get(`${app.url}/fresh`)
}

const WAYS: [what: string, show: (key: SigningKey) => void, sign: (key: SigningKey) => Forge][] = [
  ['beside the old one', (key) => publish(old.publicJwk, key.publicJwk), (key) => byKey(key)],
  ['in its place', (key) => publish(key.publicJwk), (key) => byKey(key)],
  ['under the same kid', (key) => publish(underOldKid(key)), (key) => byKey(key, old.jwk.kid)],
]

test.each(WAYS)('H37: a login and a renewal by a new key %s pass at once', async (_what, show, sign) => {
  show(next)
  expect((await comeBack(sign(next))).json()).toMatchObject({ sub: 'alice' })
  expect((await renew(sign(next))).json()).toMatchObject({ sub: session.user, generation: 2 })
  expect(keyRequests().length - before).toBe(1)
})

test.each(WAYS)('H37: a renewal is the first to meet a new key %s', async (_what, show, sign) => {
  show(next)
  expect((await renew(sign(next))).json()).toMatchObject({ sub: session.user, generation: 2 })
  expect(keyRequests().length - before).toBe(1)
})

test.each([...WAYS])(
  'H37: a second new key within seconds, %s: logins and renewals wait for it, and ask once in ten seconds',
  async (_what, show, sign) => {
    show(next)
    expect((await comeBack(sign(next))).json()).toMatchObject({ sub: 'alice' })
    show(last)
    const asked = performance.now()
    const [login, other, renewal] = await Promise.all([
      comeBack(sign(last)),
      comeBack(sign(last)),
      renew(sign(last)),
    ])
    expect([login?.status, other?.status]).toEqual([200, 200])
    expect(renewal?.json()).toMatchObject({ sub: session.user, generation: 2 })
    expect(performance.now() - asked).toBeLessThan((PAUSE_SECONDS + 5) * 1000)
    const [first, second, ...more] = keyRequests()
      .slice(before)
      .map(({ at }) => at)
    expect(more).toEqual([])
    expect(Number(second) - Number(first)).toBeGreaterThanOrEqual(PAUSE_SECONDS * 1000 - 50)
  },
)

test('H37: ten logins that meet a new key at the same time share one request for it', async () => {
  publish(next.publicJwk)
  const hold = provider.holdNext('jwks', { mode: 'after' })
  const exchanged = () => provider.tokenRequests('authorization_code').filter(({ endedAt }) => endedAt).length
  const exchangedBefore = exchanged()
  const pages = Array.from({ length: 10 }, () => comeBack(byKey(next)))
  await hold.arrived
  await eventually('all to have their tokens', () => exchanged() === exchangedBefore + 10)
  hold.release({ status: 200, body: { keys: [next.publicJwk] } })
  const released = performance.now()
  expect((await Promise.all(pages)).map(({ status }) => status)).toEqual(Array(10).fill(200))
  expect(performance.now() - released).toBeLessThan((PAUSE_SECONDS / 2) * 1000)
  expect(keyRequests().length - before).toBe(1)
})

test('H37: ID tokens that name the old kid and are signed by the new key stay refused, and end as "log in again" once the old one no longer serves', async () => {
  publish(old.publicJwk, next.publicJwk)
  await ageSession(store, session.browser, 3601, { idToken: 3601 })
  const asked = performance.now()
  const codes = []
  for (let count = 0; count < 5; count += 1) {
    codes.push((await renew(byKey(next, old.jwk.kid))).json().code)
    if (count < 4) await endBackOff(store, session.browser)
  }
  expect(codes).toEqual([...Array(4).fill('provider_unavailable'), 'session_ended'])
  expect(app.events.at(-1)).toMatchObject({ event: { reason: 'id_token_rejected' } })
  // None of them waited for keys that do not help, and the provider is not asked again and again.
  const seconds = (performance.now() - asked) / 1000
  expect(seconds).toBeLessThan(PAUSE_SECONDS)
  expect(keyRequests().length - before).toBe(1)
  expect((await comeBack(byKey(next))).json()).toMatchObject({ sub: 'alice' })
})
