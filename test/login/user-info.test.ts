// The option userInfo at a login: what the userinfo endpoint adds, and that what is wrong with its answer lets nobody in.
import { type CallbackLogin, ConfigurationError } from '../../src/index.ts'
import { startApp, type TestApp } from '../support/app/app.ts'
import { Browser } from '../support/browser/browser.ts'
import { eventually } from '../support/deadline.ts'
import { createLog } from '../support/evidence.ts'
import type { Answer } from '../support/provider/faults.ts'
import { nextIdToken } from '../support/provider/next-id-token.ts'
import { startProvider, type TestProvider } from '../support/provider/provider.ts'
import { createSigningKey, type Forgery } from '../support/provider/signing-key.ts'
import { useParts } from '../support/servers.ts'

const log = createLog()
let asked: CallbackLogin | undefined

const stranger = createSigningKey()
const elliptic = createSigningKey('ES256')

const { provider, apps } = useParts(async (start) => {
  const provider = await start(
    startProvider({
      // As the specification has it (OpenID Connect Core §5.4): nothing but sub in the ID token.
      configure: (given) => ({
        ...given,
        conformIdTokenClaims: true,
        features: { ...given.features, jwtUserinfo: { enabled: true } },
        enabledJWA: { ...given.enabledJWA, userinfoSigningAlgValues: ['RS256'] },
      }),
    }),
  )
  const open = async (options: object, client = {}) => {
    const app = await start(
      startApp({ provider, client, options: { logger: log.logger, httpTimeoutSeconds: 3, ...options } }),
    )
    app.app.get('/user', (req, res) => void res.json(req.oidc.user ?? null))
    return app
  }
  const afterCallback = (login: CallbackLogin) => {
    asked = login
    return { user: { email: 'by-the-app@example.com' } }
  }
  return {
    provider,
    apps: {
      off: await open({}),
      on: await open({ userInfo: true }),
      listed: await open({ userInfo: ['name', 'groups'] }),
      hooked: await open({ userInfo: { claims: ['name', 'email'] }, afterCallback }),
      signed: await open({ userInfo: true }, { metadata: { userinfo_signed_response_alg: 'RS256' } }),
    },
  }
})
beforeEach(() => {
  log.lines.length = 0
  for (const app of Object.values(apps)) app.events.length = 0
})
afterEach(() => provider.normal())

async function logIn(app: TestApp, user: string) {
  const browser = new Browser()
  const page = await browser.logIn(app.url, { user })
  return { browser, page, person: (await browser.request('GET', `${app.url}/user`)).json() }
}

const userInfoRequests = () => provider.requests({ endpoint: 'userinfo' })

test('without it, nothing is asked, and a login that brings sub alone says so once, with the cure', async () => {
  const before = userInfoRequests().length
  expect((await logIn(apps.off, 'thin')).person).toEqual({ sub: 'thin' })
  await logIn(apps.off, 'thin-too')
  expect(userInfoRequests()).toHaveLength(before)
  const lines = log.lines.filter((line) => line.includes('userInfo: true'))
  expect(lines).toEqual([expect.stringMatching(/nothing about the person but sub.*'profile' was asked for/)])
  expect(apps.off.events.filter(({ name }) => name === 'claims-missing')).toHaveLength(2)
})

test('userInfo: true adds what it says, once a login, with the login’s access token', async () => {
  const before = userInfoRequests().length
  const { person } = await logIn(apps.on, 'whole')
  expect(person).toEqual({
    sub: 'whole',
    name: 'whole Example',
    preferred_username: 'whole',
    email: 'whole@example.com',
    email_verified: true,
  })
  expect(userInfoRequests().slice(before)).toEqual([
    expect.objectContaining({ method: 'GET', authorization: 'bearer', status: 200, params: {} }),
  ])
  expect(log.lines).toEqual([])
})

test('a list takes those claims only', async () => {
  provider.rewriteNext('userinfo', (json) => ({ ...json, groups: ['staff'] }))
  const { person } = await logIn(apps.listed, 'listed')
  expect(person).toEqual({ sub: 'listed', name: 'listed Example', groups: ['staff'] })
})

test('the ID token goes first, afterCallback last, and the hook sees what userinfo said', async () => {
  nextIdToken(provider, { name: 'By the ID token' })
  const { person } = await logIn(apps.hooked, 'ranked')
  expect(person).toEqual({ sub: 'ranked', name: 'By the ID token', email: 'by-the-app@example.com' })
  expect(asked?.user).toEqual({ sub: 'ranked', name: 'By the ID token', email: 'ranked@example.com' })
  expect(asked?.claims).not.toHaveProperty('email')
})

test('what belongs to the protocol is never taken from it', async () => {
  const more = { acr: 'mfa', amr: ['otp'], auth_time: 1, sid: 'x', iss: 'x', aud: 'x', nonce: 'x', exp: 1 }
  provider.rewriteNext('userinfo', (json) => ({
    ...json,
    ...more,
    ['__proto__']: { admin: true },
    role: 'a',
  }))
  const { browser, person } = await logIn(apps.on, 'protocol')
  expect(person).toMatchObject({ sub: 'protocol', role: 'a' })
  for (const name of [...Object.keys(more), 'admin']) expect(person).not.toHaveProperty(name)
  const { session } = (await browser.request('GET', `${apps.on.url}/me`)).json()
  expect(session).not.toHaveProperty('acr')
})

test('a signed answer is checked: the provider’s own passes', async () => {
  const { person } = await logIn(apps.signed, 'signed')
  expect(person).toMatchObject({ sub: 'signed', name: 'signed Example' })
  for (const claim of ['iss', 'aud']) expect(person).not.toHaveProperty(claim)
})

test('sub alone although userInfo is set says what to check', async () => {
  provider.rewriteNext('userinfo', ({ sub }) => ({ sub }))
  expect((await logIn(apps.on, 'silent')).person).toEqual({ sub: 'silent' })
  expect(log.lines).toEqual([expect.stringMatching(/userInfo is set: check at the provider/)])
})

test('Entra’s group overage is told once, and not where the groups are there', async () => {
  const overage = {
    name: 'Many Groups',
    _claim_names: { groups: 'src1' },
    _claim_sources: { src1: { endpoint: 'https://graph.example.com/getMemberObjects' } },
  }
  for (const user of ['many-groups', 'many-groups-too']) {
    nextIdToken(provider, overage)
    expect((await logIn(apps.off, user)).person).toMatchObject({ sub: user, name: 'Many Groups' })
  }
  expect(log.lines).toEqual([expect.stringMatching(/more groups than fit.*_claim_names.*Microsoft Graph/)])
  nextIdToken(provider, overage)
  provider.rewriteNext('userinfo', (json) => ({ ...json, groups: ['a'] }))
  expect((await logIn(apps.on, 'many-groups')).person).toMatchObject({ groups: ['a'] })
  expect(log.lines).toHaveLength(1)
})

type Arm = (sub: string, clientId: string) => Answer | Promise<Answer>
const json =
  (body: object, status = 200): Arm =>
  () => ({ status, body })
const jwt =
  (claims: object, forgery: Forgery | (() => Promise<Forgery>) = {}): Arm =>
  async (sub) => ({
    status: 200,
    headers: { 'content-type': 'application/jwt; charset=utf-8' },
    body: await provider.signIdToken(
      { sub, ...claims },
      typeof forgery === 'function' ? await forgery() : forgery,
    ),
  })
const challenge =
  (status: number, error: string): Arm =>
  () => ({
    status,
    headers: { 'www-authenticate': `Bearer error="${error}"` },
    body: '',
  })
const deep = (levels: number): object => (levels === 0 ? {} : { deeper: deep(levels - 1) })

test.each<[name: string, arm: Arm, reason: RegExp]>([
  ['another sub', json({ sub: 'mallory', name: 'Mallory' }), /its sub is not that of the ID token/],
  ['no sub', json({ name: 'Nobody' }), /it has no sub/],
  ['a sub that is a list', (sub) => ({ status: 200, body: { sub: [sub] } }), /its sub is not/],
  ['a list', json([{ sub: 'x' }]), /it is no JSON object/],
  ['401', challenge(401, 'invalid_token'), /401 invalid_token; .*authorizationParams\.resource/],
  ['401 without a word', json({}, 401), /answered 401/],
  ['403', challenge(403, 'insufficient_scope'), /403 insufficient_scope/],
  ['404', json({}, 404), /answered 404/],
  ['302', () => ({ status: 302, headers: { location: 'https://evil.example/' }, body: '' }), /answered 302/],
  [
    'claims of 150 kB',
    (sub) => ({ status: 200, body: { sub, groups: Array(15_000).fill('some-group') } }),
    /too large, most of all groups/,
  ],
  ['claims nested 50 deep', (sub) => ({ status: 200, body: { sub, tree: deep(50) } }), /tree is nested/],
  [
    'a JWT of somebody else’s key',
    jwt({}, async () => ({ key: (await stranger).jwk })),
    /signature was refused/,
  ],
  ['a JWT without a signature', jwt({}, { alg: 'none' }), /signature was refused/],
  [
    'a JWT by another algorithm',
    jwt({}, async () => ({ alg: 'ES256', key: (await elliptic).jwk })),
    /signature was refused.*idTokenSigningAlg says \(RS256\)/,
  ],
  ['a JWT for another client', jwt({ aud: 'other' }), /its aud is another client/],
  ['a JWT of another provider', jwt({ iss: 'https://evil.example' }), /its iss is another provider/],
  ['a JWT that is over', jwt({ exp: 1000 }), /it has expired/],
  ['a JWT whose exp is a text', jwt({ exp: 'never' }), /it has expired/],
  ['a JWT of another person', jwt({ sub: 'mallory' }), /its sub is not/],
  [
    'an encrypted JWT',
    () => ({ status: 200, headers: { 'content-type': 'application/jwt' }, body: 'e30.a.b.c.d' }),
    /it is encrypted, which is not supported/,
  ],
])('%s refuses the login, and leaves no refresh token that works', async (_name, arm, reason) => {
  const user = `refused-${Math.random().toString(36).slice(2)}`
  provider.answerNext('userinfo', await arm(user, ''))
  const { page, person } = await logIn(apps.on, user)
  expect(page.status).toBe(400)
  expect(person).toBeNull()
  // Of many in a minute the log has a few.
  expect(log.lines.filter((line) => !reason.test(line))).toEqual([])
  expect(JSON.stringify([log.lines, apps.on.events, page.body])).not.toMatch(/mallory/i)
  expect(apps.on.events).toEqual([
    { name: 'refused', event: { code: 'login_failed', detail: expect.stringMatching(reason) } },
  ])
  await eventually('no refresh token works', () => provider.liveRefreshTokens(user).length === 0)
  expect((await logIn(apps.on, user)).person).toMatchObject({ sub: user, email: `${user}@example.com` })
})

test.each<[name: string, arm: (from: TestProvider) => unknown]>([
  ['500', (from) => from.answerNext('userinfo', { status: 500, body: 'oh' })],
  ['503 with a challenge', async (from) => from.answerNext('userinfo', await challenge(503, 'x')('', ''))],
  ['429', (from) => from.answerNext('userinfo', { status: 429, body: '' })],
  ['a cut connection', (from) => from.cutNext('userinfo')],
  ['a cut answer', (from) => from.cutNext('userinfo', 'midway')],
  ['no answer', (from) => from.holdNext('userinfo')],
  [
    'a body that never ends',
    (from) => from.answerNext('userinfo', { status: 200, body: 'x'.repeat(10_000), dripMs: 100 }),
  ],
  ['a page of a proxy', (from) => from.answerNext('userinfo', { status: 200, body: '<html>' })],
  [
    '2 MB',
    (from) => from.answerNext('userinfo', { status: 200, body: { sub: 'x', more: 'x'.repeat(2_000_000) } }),
  ],
])('%s delays the login: 503, and nobody is logged in', async (_name, arm) => {
  const user = `delayed-${Math.random().toString(36).slice(2)}`
  await arm(provider)
  const { page, person } = await logIn(apps.on, user)
  expect([page.status, page.headers['retry-after']]).toEqual([503, '5'])
  expect(person).toBeNull()
  expect(apps.on.events).toEqual([
    {
      name: 'provider-unavailable',
      event: { detail: expect.stringMatching(/^Userinfo could not be fetched/) },
    },
  ])
  await eventually('no refresh token works', () => provider.liveRefreshTokens(user).length === 0)
})

test('a login that is refused leaves whoever is logged in alone, and their refresh token too', async () => {
  const { browser } = await logIn(apps.on, 'stays')
  provider.answerNext('userinfo', { status: 200, body: { sub: 'mallory' } })
  expect((await browser.logIn(apps.on.url, { user: 'stays' })).status).toBe(400)
  expect((await browser.request('GET', `${apps.on.url}/fresh`)).json()).toMatchObject({ sub: 'stays' })
})

test('a provider without the endpoint is named at the start, and at a login', async () => {
  provider.rewriteNext('discovery', ({ userinfo_endpoint: _, ...rest }) => rest)
  const app = await startApp({ provider, options: { logger: log.logger, userInfo: true } })
  try {
    const failure = await app.auth.ready().catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(ConfigurationError)
    expect((failure as Error).message).toMatch(/userInfo is asked for, but .* has no userinfo_endpoint/)
    expect((await new Browser().logIn(app.url, { user: 'nowhere' })).status).toBe(503)
    expect(log.lines.join()).toContain('has no userinfo_endpoint')
  } finally {
    await app.stop()
  }
})
