// H37: the provider signs with another key, once or twice within seconds, under a kid of its own or under the old one.
import { startApp, type TestApp } from '../support/app/app.ts'
import { Browser } from '../support/browser/browser.ts'
import { createSignal, eventually } from '../support/deadline.ts'
import { createLog } from '../support/evidence.ts'
import { type Forge, forgeNext, signed } from '../support/provider/forge-id-token.ts'
import { startProvider, type TestProvider } from '../support/provider/provider.ts'
import { createSigningKey, type SigningKey, sharedSigningKey } from '../support/provider/signing-key.ts'
import { startRedis } from '../support/redis/redis-server.ts'
import { useParts } from '../support/servers.ts'
import { ageSession, endBackOff } from '../support/session/age-session.ts'
import { type LoggedIn, logIn } from '../support/session/logged-in.ts'
import { holdThreads } from '../support/threads.ts'

const PAUSE_SECONDS = 10

const { store, old, next, last, places } = useParts(async (start) => {
  const redis = await start(startRedis())
  const [old, next, last] = await Promise.all([sharedSigningKey(), createSigningKey(), createSigningKey()])
  /** An app beside a provider of its own. It knows the old key, and has asked for keys this once. */
  const open = async () => {
    const provider = await start(startProvider())
    const options = {
      // Whoever asks for a renewal sees its end.
      renewal: { timeoutSeconds: 20 },
      logger: createLog().logger,
    }
    const app = await start(startApp({ provider, redisUrl: redis.url, options }))
    const session = await logIn(provider, app.url)
    return { provider, app, session, ...keysOf(provider), ...comingBack(provider, app, session) }
  }
  return { store: redis.connect(), old, next, last, places: { open } }
})
type Place = Awaited<ReturnType<typeof places.open>>
let place: Place

beforeEach(async () => {
  place = await places.open()
})

function keysOf(provider: TestProvider) {
  const before = provider.requests({ endpoint: 'jwks' }).length
  return {
    keyRequests: () => provider.requests({ endpoint: 'jwks' }).slice(before),
    publish(...keys: object[]) {
      provider.normal('jwks')
      provider.answerAll('jwks', { status: 200, body: { keys } })
    },
  }
}

function comingBack(provider: TestProvider, app: TestApp, session: LoggedIn) {
  return {
    async comeBack(forge: Forge) {
      const browser = new Browser()
      const callback = await browser.startLogin(app.url, { user: 'alice' })
      void forgeNext(provider, forge, { grantType: 'authorization_code' })
      return browser.navigate(callback)
    },
    renew(forge: Forge) {
      void forgeNext(provider, forge, { grantType: 'refresh_token' })
      return session.get(`${app.url}/fresh`)
    },
  }
}

const byKey = ({ jwk }: SigningKey, kid = jwk.kid) => signed(undefined, { key: jwk, header: { kid } })
const underOldKid = ({ publicJwk }: SigningKey) => ({ ...publicJwk, kid: old.jwk.kid })

const WAYS: [what: string, shown: (key: SigningKey) => object[], sign: (key: SigningKey) => Forge][] = [
  ['beside the old one', ({ publicJwk }) => [old.publicJwk, publicJwk], (key) => byKey(key)],
  ['in its place', ({ publicJwk }) => [publicJwk], (key) => byKey(key)],
  ['under the same kid', (key) => [underOldKid(key)], (key) => byKey(key, old.jwk.kid)],
]

test.each(WAYS)('H37: a login and a renewal by a new key %s pass at once', async (_what, shown, sign) => {
  const { publish, comeBack, renew, session, keyRequests } = place
  publish(...shown(next))
  expect((await comeBack(sign(next))).json()).toMatchObject({ sub: 'alice' })
  expect((await renew(sign(next))).json()).toMatchObject({ sub: session.user, generation: 2 })
  expect(keyRequests().length).toBe(1)
})

test.each(WAYS)('H37: a renewal is the first to meet a new key %s', async (_what, shown, sign) => {
  const { publish, renew, session, keyRequests } = place
  publish(...shown(next))
  expect((await renew(sign(next))).json()).toMatchObject({ sub: session.user, generation: 2 })
  expect(keyRequests().length).toBe(1)
})

test('H37: a second new key within seconds: logins and renewals wait for it, and ask once in ten seconds', async () => {
  // The ways wait beside each other, each at a provider of its own.
  const others = await Promise.all(WAYS.slice(1).map(() => places.open()))
  const seen = await Promise.all(
    [place, ...others].map((at, index) => meetSecondKey(at, WAYS[index] as (typeof WAYS)[number])),
  )
  expect(seen).toEqual(
    WAYS.map(([what]) => ({ what, first: 200, login: 200, other: 200, renewal: 200, requests: 2 })),
  )
})

async function meetSecondKey({ publish, comeBack, renew, keyRequests }: Place, way: (typeof WAYS)[number]) {
  const [what, shown, sign] = way
  publish(...shown(next))
  const began = Date.now()
  const first = await comeBack(sign(next))
  publish(...shown(last))
  const asked = performance.now()
  const [login, other, renewal] = await Promise.all([
    comeBack(sign(last)),
    comeBack(sign(last)),
    renew(sign(last)),
  ])
  expect(performance.now() - asked).toBeLessThan((PAUSE_SECONDS + 5) * 1000)
  // By when the first was sent at the earliest: a busy machine may have it arrive late.
  const again = Number(keyRequests()[1]?.at)
  expect(again - began).toBeGreaterThanOrEqual(PAUSE_SECONDS * 1000 - 5)
  return {
    what,
    first: first.status,
    login: login.status,
    other: other.status,
    renewal: renewal.status,
    requests: keyRequests().length,
  }
}

test('H37: a login whose token was being checked by the keys before, when the new ones came, looks at those', async () => {
  const { provider, app, session, publish, comeBack, keyRequests } = place
  const sign = byKey(next, old.jwk.kid)
  publish(underOldKid(next))
  const keys = provider.holdNext('jwks', { mode: 'after' })
  const first = comeBack(sign)
  await keys.arrived
  const signedToken = createSignal()
  const sent = createSignal()
  const second = comeBack(async (genuine) => {
    const token = await sign(genuine)
    signedToken.resolve()
    await sent.promise
    return token
  })
  await signedToken.promise
  const threads = holdThreads()
  sent.resolve()
  const tokens = provider.tokenRequests('authorization_code')
  await eventually('the second to have its tokens', () => tokens.every(({ endedAt }) => endedAt))
  // One more round: what has been sent is read.
  await session.get(`${app.url}/me`)
  keys.release({ status: 200, body: { keys: [underOldKid(next)] } })
  await eventually('the keys to be there', () => keyRequests().every(({ endedAt }) => endedAt))
  await session.get(`${app.url}/me`)
  const released = performance.now()
  await threads.release()
  expect((await Promise.all([first, second])).map(({ status }) => status)).toEqual([200, 200])
  expect(performance.now() - released).toBeLessThan((PAUSE_SECONDS / 2) * 1000)
  expect(keyRequests().length).toBe(1)
})

test('H37: ten logins that meet a new key at the same time share one request for it', async () => {
  const { provider, publish, comeBack, keyRequests } = place
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
  expect(keyRequests().length).toBe(1)
})

test('H37: ID tokens that name the old kid and are signed by the new key stay refused, and end as "log in again" once the old one no longer serves', async () => {
  const { app, session, publish, renew, comeBack, keyRequests } = place
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
  expect(keyRequests().length).toBe(1)
  expect((await comeBack(byKey(next))).json()).toMatchObject({ sub: 'alice' })
})
