// req.oidc.fetchUserInfo(): everything that the userinfo endpoint says now, of nobody but the person who is logged in.
import type { ErrorRequestHandler } from 'express'
import { isAuthError, RefusedError } from '../../src/index.ts'
import { Browser } from '../support/browser/browser.ts'
import { useServers } from '../support/servers.ts'
import { type LoggedIn, logIn } from '../support/session/logged-in.ts'

const { provider, app, log } = useServers()

beforeAll(() => {
  app.app.get('/user-info', async (req, res) => void res.json(await req.oidc.fetchUserInfo()))
  app.app.use(((error, _req, res, next) => {
    if (!isAuthError(error)) return next(error)
    const reason = error instanceof RefusedError ? error.reason : undefined
    res.status(error.status).json({ code: error.code, reason })
  }) satisfies ErrorRequestHandler)
})
beforeEach(() => {
  log.lines.length = 0
})

const ask = async ({ get }: LoggedIn) => {
  const answer = await get(`${app.url}/user-info`)
  return [answer.status, answer.json()]
}

test('it tells all of it, each time anew, and nothing is kept', async () => {
  const session = await logIn(provider, app.url)
  for (const groups of [['a'], ['b']]) {
    provider.rewriteNext('userinfo', (json) => ({ ...json, groups, iat: 'as it comes' }))
    expect(await ask(session)).toEqual([
      200,
      expect.objectContaining({ sub: session.user, groups, iat: 'as it comes', email_verified: true }),
    ])
  }
  expect((await session.get(`${app.url}/me`)).json().user).not.toHaveProperty('groups')
})

test('who is not logged in is told to log in', async () => {
  const answer = await new Browser().request('GET', `${app.url}/user-info`)
  expect([answer.status, answer.json().code]).toEqual([401, 'login_required'])
})

test('a token that is not taken is replaced once', async () => {
  const session = await logIn(provider, app.url)
  const challenge = { 'www-authenticate': 'Bearer error="invalid_token"' }
  provider.answerNext('userinfo', { status: 401, headers: challenge, body: '' })
  expect(await ask(session)).toEqual([200, expect.objectContaining({ sub: session.user })])
  expect(session.renewals()).toBe(1)
  provider.answerAll('userinfo', { status: 401, headers: challenge, body: '' })
  for (const _ of [1, 2])
    expect(await ask(session)).toEqual([
      403,
      { code: 'api_refused', reason: expect.stringContaining('401 invalid_token') },
    ])
  expect(session.renewals()).toBe(1)
})

test.each<[name: string, body: object, reason: RegExp]>([
  ['somebody else', { sub: 'mallory', name: 'Mallory' }, /its sub is not that of the ID token/],
  ['nobody', { name: 'Nobody' }, /it has no sub/],
  ['claims out of bounds', { groups: Array(15_000).fill('some-group') }, /too large, most of all groups/],
])('what speaks of %s is refused, with a line in the log', async (_name, body, reason) => {
  const session = await logIn(provider, app.url)
  const own = 'groups' in body ? { sub: session.user, ...body } : body
  provider.answerNext('userinfo', { status: 200, body: own })
  expect(await ask(session)).toEqual([403, { code: 'api_refused', reason: expect.stringMatching(reason) }])
  expect(log.lines).toEqual([expect.stringMatching(/userinfo was refused \(api_refused\)/)])
  expect(log.lines.join()).not.toMatch(/mallory/i)
  expect((await session.get(`${app.url}/public`)).json()).toMatchObject({ authenticated: true })
})

test('a provider that is out of reach is 503, and the session stays', async () => {
  const session = await logIn(provider, app.url)
  provider.cutNext('userinfo')
  expect(await ask(session)).toEqual([503, { code: 'provider_unavailable' }])
  expect(await ask(session)).toEqual([200, expect.objectContaining({ sub: session.user })])
})
