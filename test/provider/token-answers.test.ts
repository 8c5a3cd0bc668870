// What a token endpoint can answer to a code or to a refresh token, beside what is in the ID token; userinfo is never asked.
import { startApp } from '../support/app/app.ts'
import { Browser } from '../support/browser/browser.ts'
import { eventually } from '../support/deadline.ts'
import { authKeys, createLog, setCookieLine } from '../support/evidence.ts'
import type { Json } from '../support/provider/fault-controls.ts'
import type { Answer } from '../support/provider/faults.ts'
import { sha256 } from '../support/provider/seen-requests.ts'
import { claimsOfToken } from '../support/provider/signing-key.ts'
import { useServers, useStarted } from '../support/servers.ts'
import { ageSession } from '../support/session/age-session.ts'
import { logIn } from '../support/session/logged-in.ts'

const { provider, app, redis, store } = useServers({ redis: true })
/** where one waits for the end of an answer that does not come to one */
const impatient = useStarted(() => {
  const options = { httpTimeoutSeconds: 1, logger: createLog().logger }
  return startApp({ provider, redisUrl: redis.url, options })
})

const ok = (body: string, type = 'application/json'): Answer => ({
  status: 200,
  headers: { 'content-type': type },
  body,
})
const tokens = { access_token: 'a'.repeat(40), token_type: 'Bearer', expires_in: 3600 }
const redirect = (status: number): Answer => ({ status, headers: { location: '/token' } })

/** Comes back from the provider with a code, while the token endpoint is `armed`. */
async function comeBack(user: string, arm: () => void, { url } = app) {
  const browser = new Browser()
  const callback = await browser.startLogin(url, { user })
  const before = { keys: await authKeys(store), asked: provider.tokenRequests().length }
  arm()
  const page = await browser.navigate(callback)
  expect(provider.tokenRequests()).toHaveLength(before.asked + 1)
  return { browser, page, keys: before.keys }
}

async function expectNoSession(
  { browser, page, keys }: Awaited<ReturnType<typeof comeBack>>,
  status: number,
) {
  expect([page.status, setCookieLine(page, 'bff')]).toEqual([status, undefined])
  expect(await authKeys(store)).toEqual(keys)
  expect((await browser.request('GET', `${app.url}/public`)).json()).toMatchObject({ authenticated: false })
  for (const secret of provider.secretsSeen()) {
    expect(page.body + JSON.stringify([...app.events, ...impatient.events])).not.toContain(secret)
  }
}

test.each<[string, status: number, Answer]>([
  ['a page', 503, ok('<h1>Log in to the Wi-Fi', 'text/html')],
  ['a page that claims to be JSON', 503, ok('<h1>Log in to the Wi-Fi')],
  ['nothing', 503, ok('')],
  ['a redirect to itself by 302', 503, redirect(302)],
  ['a redirect to itself by 307', 503, redirect(307)],
  ['a redirect to itself by 308', 503, redirect(308)],
  ['a byte a second', 503, { status: 200, body: tokens, dripMs: 1000 }],
  ['[]', 400, ok('[]')],
  ['{}', 400, ok('{}')],
  ['null', 400, ok('null')],
  ['tokens without an ID token', 400, ok(JSON.stringify(tokens))],
])('a token endpoint that answers %s makes no session: %s', async (_what, status, answer) => {
  const at = answer.dripMs === undefined ? app : impatient
  const came = await comeBack('nobody', () => provider.answerNext('token', answer), at)
  await expectNoSession(came, status)
})

test.each<[string, change: (answer: Json) => Json]>([
  ['access_token: 123', (answer) => ({ ...answer, access_token: 123 })],
  ['access_token: ""', (answer) => ({ ...answer, access_token: '' })],
  ['no access_token and no id_token', ({ access_token: _, id_token: __, ...answer }) => answer],
  ['token_type: "mac"', (answer) => ({ ...answer, token_type: 'mac' })],
  ['token_type: 1', (answer) => ({ ...answer, token_type: 1 })],
  ['no token_type', ({ token_type: _, ...answer }) => answer],
  ['expires_in: "soon"', (answer) => ({ ...answer, expires_in: 'soon' })],
  ['expires_in: "1e999"', (answer) => ({ ...answer, expires_in: '1e999' })],
  ['expires_in: -1', (answer) => ({ ...answer, expires_in: -1 })],
  ['scope: []', (answer) => ({ ...answer, scope: ['openid'] })],
  ['id_token: 1', (answer) => ({ ...answer, id_token: 1 })],
])('an answer with %s makes no session, and its refresh token is revoked', async (what, change) => {
  const came = await comeBack(what, () => provider.rewriteNext('token', change))
  await expectNoSession(came, 400)
  await eventually('the revocation', () => provider.liveRefreshTokens(what).length === 0)
})

const YEAR_SECONDS = 365 * 86_400
const RIGHT: [string, change: (answer: Json) => Json, seconds: number | undefined][] = [
  ['token_type: "bearer"', (answer) => ({ ...answer, token_type: 'bearer' }), 3600],
  ['token_type: "BEARER"', (answer) => ({ ...answer, token_type: 'BEARER' }), 3600],
  ['expires_in: "60"', (answer) => ({ ...answer, expires_in: '60' }), 60],
  ['expires_in: 1e18', (answer) => ({ ...answer, expires_in: 1e18 }), YEAR_SECONDS],
  ['no expires_in', ({ expires_in: _, ...answer }) => answer, undefined],
]

/** The access token serves until its end, and is renewed then; one that says of no end, is not. */
async function expectToLast(browser: Browser, seconds: number | undefined) {
  const generation = async () => (await browser.request('GET', `${app.url}/token`)).json().generation
  const before = Number(await generation())
  await ageSession(store, browser, 0, { accessToken: (seconds ?? YEAR_SECONDS) - 30 })
  expect(await generation()).toBe(before)
  await ageSession(store, browser, 0, { accessToken: 31 })
  expect(await generation()).toBe(seconds === undefined ? before : before + 1)
}

test.each(RIGHT)('a login by an answer with %s is accepted, and bounded', async (what, change, seconds) => {
  const { browser, page } = await comeBack(what, () => provider.rewriteNext('token', change))
  expect(page.json()).toMatchObject({ sub: what, generation: 1 })
  await expectToLast(browser, seconds)
})

test.each(RIGHT)('a renewal by an answer with %s counts, and is bounded', async (_what, change, seconds) => {
  const { browser, get } = await logIn(provider, app.url)
  provider.rewriteNext('token', change)
  expect((await get(`${app.url}/fresh`)).json()).toMatchObject({ generation: 2 })
  await expectToLast(browser, seconds)
})

test('refresh-token: a renewal takes the new ID token, and the next one presents the new refresh token', async () => {
  const { get, user } = await logIn(provider, app.url)
  const [first] = provider.liveRefreshTokens(user)
  let second = ''
  provider.rewriteNext('token', async ({ refresh_token, id_token, ...json }) => {
    second = String(refresh_token)
    const claims = { ...claimsOfToken(String(id_token)), name: 'By Its New Name' }
    return { ...json, refresh_token, id_token: await provider.signIdToken(claims) }
  })
  const renewed = { sub: user, generation: 2, name: 'By Its New Name' }
  expect((await get(`${app.url}/fresh`)).json()).toMatchObject(renewed)
  expect((await get(`${app.url}/private`)).json()).toMatchObject(renewed)
  expect((await get(`${app.url}/fresh`)).json()).toMatchObject({ sub: user, generation: 3 })
  const asked = provider.tokenRequests('refresh_token').slice(-2)
  expect(asked).toMatchObject([
    { authorization: 'basic', status: 200, refreshTokenHash: sha256(String(first)) },
    { authorization: 'basic', status: 200, refreshTokenHash: sha256(second) },
  ])
})

test('userinfo-invalid-sub: a userinfo endpoint that speaks of another is never asked', async () => {
  provider.answerAll('userinfo', { status: 200, body: { sub: 'mallory', name: 'Mallory' } })
  const { get, user } = await logIn(provider, app.url)
  for (const path of ['/fresh', '/private', '/token', '/me'])
    expect((await get(app.url + path)).status).toBe(200)
  const me = (await get(`${app.url}/me`)).json()
  expect(me).toMatchObject({ user: { sub: user, name: `${user} Example` }, session: { generation: 2 } })
  expect(provider.requests({ endpoint: 'userinfo' })).toEqual([])
  // It is there, and would have lied.
  const { userinfo_endpoint } = (await get(`${provider.issuer}/.well-known/openid-configuration`)).json()
  expect((await get(String(userinfo_endpoint))).json()).toMatchObject({ sub: 'mallory' })
})
