// The refresh grant as the provider sees it, and the endpoint that it never hears of: userinfo.
import { startApp, type TestApp } from '../support/app/app.ts'
import { createLog } from '../support/evidence.ts'
import { startProvider, type TestProvider } from '../support/provider/provider.ts'
import { sha256 } from '../support/provider/seen-requests.ts'
import { claimsOfToken } from '../support/provider/signing-key.ts'
import { logIn } from '../support/session/logged-in.ts'

let provider: TestProvider
let app: TestApp

beforeAll(async () => {
  provider = await startProvider()
  app = await startApp({ provider, options: { logger: createLog().logger } })
})
afterEach(() => provider.normal())
afterAll(async () => {
  await app?.stop()
  await provider?.stop()
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
