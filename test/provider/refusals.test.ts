// What may be done about a refusal: at the exchange of a code, a pushed request, a revocation, a renewal, with the provider’s code.
import { startApp, type TestApp } from '../support/app/app.ts'
import { refusalsIn } from '../support/app/app-events.ts'
import { Browser } from '../support/browser/browser.ts'
import { eventually } from '../support/deadline.ts'
import { createLog } from '../support/evidence.ts'
import type { Answer } from '../support/provider/faults.ts'
import { forgeNext, signed } from '../support/provider/forge-id-token.ts'
import { startProvider } from '../support/provider/provider.ts'
import { createSigningKey } from '../support/provider/signing-key.ts'
import { useParts } from '../support/servers.ts'

const log = createLog()
const SHORT_SECRET = 'Secret-of-Nobody1'
/** As one copies it with the comment behind it. */
const SECRET = 'copied-with # its comment '
const { provider, app, copied, pushing, open, signing } = useParts(async (start) => {
  const provider = await start(startProvider())
  const options = { logger: log.logger }
  return {
    provider,
    app: await start(
      startApp({ provider, client: { clientId: 'kept', clientSecret: SHORT_SECRET }, options }),
    ),
    copied: await start(
      startApp({ provider, client: { clientId: 'copied', clientSecret: SECRET }, options }),
    ),
    pushing: await start(
      startApp({
        provider,
        client: { clientId: 'pushes' },
        options: { ...options, pushedAuthorizationRequests: true },
      }),
    ),
    open: await start(startApp({ provider, public: true, options })),
    signing: await start(
      startApp({
        provider,
        client: { clientId: 'signs' },
        options: {
          ...options,
          signedAuthorizationRequests: true,
          clientAssertionSigningKey: (await createSigningKey()).jwk,
        },
      }),
    ),
  }
})
beforeEach(() => {
  log.lines.length = log.told.length = 0
  for (const { events } of [app, copied, pushing, open, signing]) events.length = 0
})
afterEach(() => provider.normal())

const json = (status: number, error: string): Answer => ({ status, body: { error } })

async function comeBack({ url }: TestApp, arm: () => void) {
  const browser = new Browser()
  const callback = await browser.startLogin(url, { user: 'alice' })
  arm()
  return browser.navigate(callback)
}

async function told(at: TestApp, answer: Answer): Promise<string | undefined> {
  await comeBack(at, () => provider.answerNext('token', answer))
  return refusalsIn(at.events)[0]
}

describe('at the exchange of the code', () => {
  test.each([
    [
      'invalid_grant',
      /400 invalid_grant: the code is too old, was used before, or was given for another client/,
    ],
    ['invalid_scope', /400 invalid_scope to 'openid .*offline_access': allow these to this client there/],
    ['invalid_target', /400 invalid_target: it knows no such API, .*AUDIENCE/],
    ['unsupported_grant_type', /unsupported_grant_type: allow the grant authorization_code to this client/],
    ['not_allowed', /400 not_allowed$/],
    ['NotAllowed-42', /400 NotAllowed-42$/],
    // What may be a token, and what is one of ours.
    ['eyJhbGciOiJIUzI1NiJ9.e30', /400 an error$/],
    [SHORT_SECRET, /400 an error$/],
  ])('%s is told with what may be done', async (error, said) => {
    expect(await told(app, json(400, error))).toMatch(said)
  })

  test('a refused client is for whoever has to act: an error in the log', async () => {
    await told(app, json(401, 'invalid_client'))
    expect(log.told).toEqual([
      {
        level: 'error',
        line: expect.stringContaining('if the client is public there, leave the secret out'),
        fields: { event: 'refused', code: 'login_failed' },
      },
    ])
    await told(app, json(400, 'invalid_grant'))
    expect(log.told[1]).toMatchObject({ level: 'warn' })
  })

  test('a client without a secret is told that there is none', async () => {
    const line = await told(open, json(401, 'invalid_client'))
    expect(line).toMatch(/clientSecret \(CLIENT_SECRET\), of which there is none, and .*: none was used/)
    expect(line).not.toContain('public')
  })

  test('what was copied with the secret is told, and the secret is not', async () => {
    const line = await told(copied, json(401, 'invalid_client'))
    expect(line).toMatch(/begins or ends with a space .*; the secret has a space and '#' in it: is a comment/)
    expect(line).not.toMatch(/copied-with|its comment/)
    expect(await told(app, json(401, 'invalid_client'))).not.toMatch(/begins or ends|comment/)
  })

  test.each<[what: string, answer: Answer, said: RegExp]>([
    [
      'a page of another server',
      { status: 404, body: '<h1>Not found' },
      /it answered 404, and gave no reason/,
    ],
    ['a gateway’s word', { status: 502, body: 'bad gateway' }, /the provider answered 502 \(/],
    ['a redirect', { status: 302, headers: { location: '/' } }, /the provider answered 302 \(/],
    [
      'a page',
      { status: 200, headers: { 'content-type': 'text/html' }, body: '<p>' },
      /OAUTH_RESPONSE_IS_NOT/,
    ],
  ])('%s is told with the address that was asked', async (_what, answer, said) => {
    await comeBack(app, () => provider.answerNext('token', answer))
    const [line] = log.lines
    expect(line).toMatch(said)
    expect(line).toMatch(new RegExp(`; it was asked at ${provider.issuer}/token$`))
  })

  test('a connection that breaks is, too', async () => {
    await comeBack(app, () => provider.cutNext('token'))
    expect(log.lines).toEqual([
      expect.stringMatching(/could not be reached \(\w+\): it ended .*; it was asked at http.*\/token$/),
    ])
  })

  test('keys are told with theirs', async () => {
    await comeBack(app, () => provider.answerNext('jwks', { status: 404, body: '' }))
    expect(log.lines).toEqual([
      expect.stringMatching(`the keys of the provider could not be fetched from ${provider.issuer}/jwks: `),
    ])
  })

  test('an ID token of a key that is not among them is told in words', async () => {
    const { jwk } = await createSigningKey()
    await comeBack(app, () => void forgeNext(provider, signed(undefined, { key: jwk })))
    expect(refusalsIn(app.events)).toEqual([
      expect.stringMatching(/its signature was refused: (?:none of|the key at) .*\(ERR_JW\w+\)$/),
    ])
  })
})

test('a pushed request that may not be made is told with the flow, and a scope with those that were asked for', async () => {
  provider.answerNext('pushed_request', json(401, 'unauthorized_client'))
  provider.answerNext('pushed_request', json(400, 'invalid_scope'))
  for (const _time of [1, 2]) await new Browser().navigate(`${pushing.url}/login`)
  expect(refusalsIn(pushing.events)).toEqual([
    expect.stringMatching(/or this client may not use the authorization code flow .* there$/),
    expect.stringMatching(/400 invalid_scope to 'openid .*': allow these/),
  ])
})

test('a revocation that is refused is told with the options of the credentials, and without the token', async () => {
  const browser = new Browser()
  // Nothing but that it was sent says that it is one.
  const token = 'R!t-12'
  provider.rewriteNext('token', (answer) => ({ ...answer, refresh_token: token }))
  await browser.logIn(app.url, { user: 'leaves' })
  provider.answerNext('revocation', {
    status: 401,
    body: { error: 'invalid_client', error_description: `not for ${token}` },
  })
  await browser.logOut(app.url)
  const line = await eventually('the line', () =>
    log.lines.find((each) => each.includes('Revocation failed')),
  )
  expect(line).toMatch(
    /401 invalid_client: it does not accept this client's credentials\. .*words: "not for \[…\]"$/,
  )
})

test.each([
  ['invalid_target', /answered invalid_target: it knows no such API/],
  [
    'unsupported_response_type',
    /: the authorization code flow .* may be off for this client; if the provider/,
  ],
  [
    'request_not_supported',
    /: it takes no signed request, or none by this key: .*signedAuthorizationRequests/,
  ],
])('%s at the callback is told with what may be done', async (error, said) => {
  const at = error === 'request_not_supported' ? signing : app
  const browser = new Browser()
  const begun = await browser.navigate(`${at.url}/login`, { stopAt: () => true })
  const location = new URL(begun.headers.location ?? '')
  const state = log.lines.length === 0 ? stateOf(location) : ''
  const iss = encodeURIComponent(provider.issuer)
  await browser.navigate(`${at.url}/callback?state=${state}&error=${error}&iss=${iss}`)
  expect(refusalsIn(at.events)).toEqual([expect.stringMatching(said)])
})

function stateOf({ searchParams }: URL): string {
  const [, claims = ''] = searchParams.get('request')?.split('.') ?? []
  return searchParams.get('state') ?? JSON.parse(`${Buffer.from(claims, 'base64url')}`).state
}
