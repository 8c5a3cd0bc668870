// Answers of providers that are not as the specification has them: taken where no guard is lost, and named where refused.
import type { AuthOptions } from '../../src/index.ts'
import { startApp, type TestApp } from '../support/app/app.ts'
import { Browser } from '../support/browser/browser.ts'
import { createLog } from '../support/evidence.ts'
import type { Json } from '../support/provider/fault-controls.ts'
import { type Forge, forgeNext, signed } from '../support/provider/forge-id-token.ts'
import { claimsOfToken, createSigningKey } from '../support/provider/signing-key.ts'
import { useParts, useServers } from '../support/servers.ts'

const client = { clientID: 'every-app', clientSecret: 'known to all of them' }
const log = createLog()
const { provider, redis, app } = useServers({ redis: true, options: { ...client, logger: log.logger } })
const { lenient, elliptic } = useParts(async (start) => {
  const open = (options: AuthOptions) => start(startApp({ provider, redisUrl: redis.url, options }))
  await provider.registerClient({
    clientId: client.clientID,
    clientSecret: client.clientSecret,
    baseURL: app.url,
  })
  const provided = { allowMissingNonce: true }
  return {
    lenient: await open({ ...client, logger: log.logger, provider: provided }),
    elliptic: await createSigningKey('ES256'),
  }
})
beforeEach(() => {
  log.lines.length = 0
  app.events.length = 0
})

type Change = (answer: Json) => Json | Promise<Json>

async function comeBack(arm: () => void, at: Pick<TestApp, 'url'> = app) {
  const browser = new Browser()
  const callback = await browser.startLogin(at.url, { user: 'alice' })
  arm()
  return { browser, page: await browser.navigate(callback) }
}

const byAnswer = (change: Change, at?: TestApp) => comeBack(() => provider.rewriteNext('token', change), at)
const byIdToken = (forge: Forge, at?: TestApp) => comeBack(() => void forgeNext(provider, forge), at)

/** What the log is told of the only refusal. */
function reason(events = app.events): string {
  const refused = events.filter(({ name }) => name === 'refused')
  expect(refused).toHaveLength(1)
  return String((refused[0] as { event: { detail: string } }).event.detail)
}

const withoutHash = async (idToken: unknown) =>
  provider.signIdToken({ ...claimsOfToken(String(idToken)), at_hash: undefined })

const WITHOUT: [what: string, Change][] = [
  [
    'no access_token',
    async ({ access_token: _, ...answer }) => ({ ...answer, id_token: await withoutHash(answer.id_token) }),
  ],
  ['access_token null', (answer) => ({ ...answer, access_token: null })],
  ['no access_token and no token_type', ({ access_token: _, token_type: __, ...answer }) => answer],
]

test.each(WITHOUT)('an ID token with %s is a login whose session has none to send', async (_what, change) => {
  const { browser, page } = await byAnswer(change)
  expect(page.json()).toMatchObject({ sub: 'alice', generation: 1 })
  const token = await browser.request('GET', `${app.url}/token`)
  expect([token.status, app.errors.pop()]).toMatchObject([403, { code: 'access_token_refused' }])
  provider.rewriteNext('token', change)
  expect((await browser.request('GET', `${app.url}/fresh`)).json()).toMatchObject({ generation: 2 })
  expect((await browser.request('GET', `${app.url}/token`)).status).toBe(403)
  expect((await browser.request('GET', `${app.url}/fresh`)).json()).toMatchObject({ generation: 3 })
  expect((await browser.request('GET', `${app.url}/token`)).status).toBe(200)
})

test('scopes that come back in another order are the same', async () => {
  const reordered: Change = (answer) => ({ ...answer, scope: 'offline_access email openid profile' })
  const { browser, page } = await byAnswer(reordered)
  expect(page.json()).toMatchObject({ sub: 'alice' })
  provider.rewriteNext('token', reordered)
  expect((await browser.request('GET', `${app.url}/fresh`)).json()).toMatchObject({ generation: 2 })
})

test.each<[what: string, Change, told: RegExp]>([
  ['no id_token', ({ id_token: _, ...answer }) => answer, /no id_token.*'openid'/],
  ['access_token ""', (answer) => ({ ...answer, access_token: '' }), /access_token is no string/],
  ['refresh_token 1', (answer) => ({ ...answer, refresh_token: 1 }), /refresh_token is no string/],
  [
    'no token_type',
    ({ token_type: _, ...answer }) => answer,
    /token_type is missing, and Bearer is expected/,
  ],
  ['token_type "mac"', (answer) => ({ ...answer, token_type: 'mac' }), /token_type is mac, and Bearer/],
  ['expires_in "soon"', (answer) => ({ ...answer, expires_in: 'soon' }), /expires_in is no number/],
  ['scope []', (answer) => ({ ...answer, scope: [] }), /scope is no string/],
  ['an encrypted ID token', (answer) => ({ ...answer, id_token: 'a.b.c.d.e' }), /encrypted/],
])('an answer with %s is refused, and the log names it', async (_what, change, told) => {
  expect((await byAnswer(change)).page.status).toBeGreaterThanOrEqual(400)
  expect(reason()).toMatch(told)
})

test.each<[what: string, Forge, told: RegExp]>([
  [
    'iss',
    signed(() => ({ iss: 'https://other.example' })),
    /iss is https:\/\/other\.example, and http:\/\/127.* is expected \(issuerBaseURL\)/,
  ],
  ['aud', signed(() => ({ aud: 'other' })), /aud is other, and every-app is expected \(clientID\)/],
  ['azp', signed(({ aud }) => ({ aud: [aud, 'more'] })), /azp is missing; every-app is expected/],
  [
    'exp',
    signed(() => ({ exp: Date.now() / 1000 - 600 })),
    /exp was 600 s ago \(clockToleranceSeconds is 30\)/,
  ],
  ['sub', signed(() => ({ sub: undefined })), /its sub is missing/],
  ['nonce', signed(() => ({ nonce: 'other' })), /nonce is not the one/],
  ['no nonce', signed(() => ({ nonce: undefined })), /nonce is missing: .* provider\.allowMissingNonce/],
  ['nonce null', signed(() => ({ nonce: null })), /nonce is missing/],
  [
    'HS256',
    signed(undefined, { alg: 'HS256', key: 'a secret' }),
    /signed with HS256, and idTokenSigningAlg is RS256: have/,
  ],
  ['none', signed(undefined, { alg: 'none' }), /signed with none, and idTokenSigningAlg is RS256: have/],
])(
  'an ID token with another %s is refused, and the log says what was found and expected',
  async (_what, forge, told) => {
    expect((await byIdToken(forge)).page.status).toBe(400)
    expect(reason()).toMatch(told)
  },
)

test('an ID token by another algorithm is named with the option, at login and at renewal', async () => {
  const forge = signed(undefined, { alg: 'ES256', key: elliptic.jwk })
  const told =
    'its ID token is signed with ES256, and idTokenSigningAlg is RS256: set it to ES256, or sign with RS256 there'
  expect((await byIdToken(forge)).page.status).toBe(400)
  expect(reason()).toBe(told)
  const { browser } = await comeBack(() => {})
  void forgeNext(provider, forge)
  expect((await browser.request('GET', `${app.url}/fresh`)).status).toBe(503)
  expect(app.events.at(-1)).toMatchObject({ name: 'renewed', event: { idToken: 'rejected', detail: told } })
})

describe('provider.allowMissingNonce', () => {
  // The redirect URI is the other app's.
  beforeEach(() =>
    provider.registerClient({
      clientId: client.clientID,
      clientSecret: client.clientSecret,
      baseURL: lenient.url,
    }),
  )
  afterEach(() =>
    provider.registerClient({
      clientId: client.clientID,
      clientSecret: client.clientSecret,
      baseURL: app.url,
    }),
  )

  test('lets in whose ID token has no nonce', async () => {
    const { page } = await byIdToken(
      signed(() => ({ nonce: undefined })),
      lenient,
    )
    expect(page.json()).toMatchObject({ sub: 'alice' })
  })

  test.each<[string, Forge]>([
    ['another nonce', signed(() => ({ nonce: 'other' }))],
    ['an empty nonce', signed(() => ({ nonce: '' }))],
    ['no nonce and a signature that is none', signed(() => ({ nonce: undefined }), { alg: 'none' })],
  ])('lets nobody in whose ID token has %s', async (_what, forge) => {
    expect((await byIdToken(forge, lenient)).page.status).toBe(400)
  })

  test('lets in whose nonce is right', async () => {
    expect((await byIdToken(signed(), lenient)).page.json()).toMatchObject({ sub: 'alice' })
  })
})

test('403 with nothing in it is told as the provider’s refusal, and is 503 for the person', async () => {
  const { page } = await comeBack(() => provider.answerNext('token', { status: 403, body: '' }))
  expect([page.status, page.body]).toEqual([503, expect.not.stringContaining('403')])
  expect(log.lines).toEqual([
    expect.stringContaining('the provider refused: it answered 403, and gave no reason'),
  ])
})

test('an error is read whatever the type of the page that it stands on', async () => {
  const { page } = await comeBack(() =>
    provider.answerNext('token', {
      status: 400,
      headers: { 'content-type': 'text/html' },
      body: '{"error":"invalid_client"}',
    }),
  )
  expect([page.status, reason()]).toEqual([
    400,
    expect.stringMatching(/^the provider answered 400 invalid_client: /),
  ])
})

test('invalid_scope at the callback says which scopes were asked, and how to leave offline_access out', async () => {
  const browser = new Browser()
  const callback = new URL(await browser.startLogin(app.url, { user: 'alice' }))
  callback.searchParams.delete('code')
  callback.searchParams.set('error', 'invalid_scope')
  const page = await browser.navigate(callback.href)
  expect([page.status, page.body]).toEqual([400, expect.not.stringContaining('SCOPE')])
  expect(log.lines).toEqual([
    expect.stringMatching(
      /login_denied\): the provider answered invalid_scope to 'openid profile email offline_access': .*'offline_access', leave it out of authorizationParams\.scope \(SCOPE\)/,
    ),
  ])
})
