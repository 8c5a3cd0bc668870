// What an app's own tests do with `express-bff-session/testing`, by supertest and without.
import express, { type Express } from 'express'
import request from 'supertest'
import {
  type AuthHandler,
  type AuthOptions,
  auth,
  requireAuth,
  requireClaim,
  requireFresh,
  requireStepUp,
} from '../../src/index.ts'
import { signedIn, signedInHeaders, testOptions, testProvider } from '../../src/testing/index.ts'

const opened: AuthHandler[] = []
afterEach(async () => {
  testProvider().up()
  for (const handler of opened.splice(0)) await handler.close()
})

function open(options: AuthOptions = {}): { app: Express; bff: AuthHandler } {
  const bff = auth(testOptions({ logger: { warn() {} }, ...options }))
  opened.push(bff)
  const app = express().use(bff)
  app.get('/', (req, res) => void res.json(req.oidc.user ?? null))
  app.get('/private', requireAuth(), (req, res) => void res.json({ sub: req.oidc.user?.sub }))
  app.get('/admin', requireClaim('roles', 'admin'), (_req, res) => void res.json({ admin: true }))
  app.get('/fresh', requireFresh(), (req, res) => void res.json(req.oidc.session?.generation))
  app.get(
    '/mfa',
    requireStepUp({ acr: 'mfa', maxAgeSeconds: 300 }),
    (_req, res) => void res.json({ mfa: true }),
  )
  return { app, bff }
}

test('an agent is somebody with those claims from then on, and others are nobody', async () => {
  const { app, bff } = open()
  const agent = request.agent(app)
  await signedIn(agent, bff, { sub: 'alice', roles: ['admin'], email: 'alice@example.com' })
  expect((await agent.get('/')).body).toMatchObject({
    sub: 'alice',
    roles: ['admin'],
    email: 'alice@example.com',
  })
  expect((await agent.get('/admin')).status).toBe(200)
  expect((await request(app).get('/private')).status).toBe(401)
  const bob = request.agent(app)
  await signedIn(bob, bff, { sub: 'bob' })
  expect((await bob.get('/admin')).status).toBe(403)
  expect((await bob.get('/private')).body).toEqual({ sub: 'bob' })
})

test('headers serve whatever keeps no cookies', async () => {
  const { app, bff } = open()
  const headers = await signedInHeaders(app, bff, { sub: 'alice' })
  expect(Object.keys(headers)).toEqual(['cookie'])
  expect((await request(app).get('/private').set(headers)).body).toEqual({ sub: 'alice' })
})

test('a step-up: who has not is sent, who has passes', async () => {
  const { app, bff } = open()
  const agent = request.agent(app)
  await signedIn(agent, bff, { sub: 'alice' })
  expect((await agent.get('/mfa')).body).toMatchObject({ code: 'step_up_required' })
  await signedIn(agent, bff, { sub: 'alice', acr: 'mfa' }, { at: '/mfa' })
  expect((await agent.get('/mfa')).status).toBe(200)
})

test('somebody who authenticated long ago', async () => {
  const { app, bff } = open()
  const agent = request.agent(app)
  await signedIn(agent, bff, { sub: 'alice', acr: 'mfa' }, { authenticatedSecondsAgo: 3600 })
  expect((await agent.get('/mfa')).status).toBe(401)
})

test('a session that is due is renewed by the next request, which hears what changed', async () => {
  const { app, bff } = open()
  const agent = request.agent(app)
  await signedIn(agent, bff, { sub: 'carol', roles: ['admin'] }, { due: true })
  testProvider().change({ sub: 'carol', roles: [] })
  expect((await agent.get('/')).body).toMatchObject({ sub: 'carol', roles: [] })
  expect((await agent.get('/fresh')).body).toBe(3)
})

test('an account that is blocked: the session ends at the next renewal, and no login goes well', async () => {
  const { app, bff } = open()
  const agent = request.agent(app)
  await signedIn(agent, bff, { sub: 'mallory' })
  testProvider().block('mallory')
  expect((await agent.get('/private')).status).toBe(200)
  expect((await agent.get('/fresh')).status).toBe(401)
  expect((await agent.get('/private')).status).toBe(401)
  await expect(signedIn(request.agent(app), bff, { sub: 'mallory' })).rejects.toThrow(
    /^signedIn\(\): the login of 'mallory' ended with 400: /,
  )
  testProvider().unblock('mallory')
  await signedIn(agent, bff, { sub: 'mallory' })
  expect((await agent.get('/fresh')).status).toBe(200)
})

test('a provider that is down costs nobody the session', async () => {
  const { app, bff } = open()
  const agent = request.agent(app)
  await signedIn(agent, bff, { sub: 'alice' })
  testProvider().down()
  expect((await agent.get('/fresh')).status).toBe(503)
  expect((await agent.get('/private')).status).toBe(200)
})

test('a refresh token that was used twice ends all that came of its login', async () => {
  const { fetch, logIn } = testProvider()
  const ask = async (form: Record<string, string>): Promise<Record<string, string>> => {
    const body = `${new URLSearchParams(form)}`
    const { signal } = new AbortController()
    const answer = await fetch(`${testProvider().issuer}/token`, {
      method: 'POST',
      headers: {},
      body,
      redirect: 'manual',
      signal,
    })
    return new Response(answer.body as ReadableStream, { status: answer.status }).json() as Promise<
      Record<string, string>
    >
  }
  const challenge = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'
  const asked = `redirect_uri=http://localhost/callback&client_id=test&scope=openid+offline_access&code_challenge=${challenge}`
  const { params } = logIn(`${testProvider().issuer}/authorize?${asked}`, { sub: 'alice' })
  const verifier = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'
  const common = { redirect_uri: 'http://localhost/callback', code_verifier: verifier }
  const first = await ask({ grant_type: 'authorization_code', code: params.get('code') ?? '', ...common })
  const renew = (refresh_token: string) => ask({ grant_type: 'refresh_token', refresh_token })
  const second = await renew(first.refresh_token ?? '')
  expect(second).toHaveProperty('id_token')
  expect(await renew(first.refresh_token ?? '')).toEqual({ error: 'invalid_grant' })
  expect(await renew(second.refresh_token ?? '')).toEqual({ error: 'invalid_grant' })
})

test.each<[string, AuthOptions]>([
  ['pushed requests', { pushedAuthorizationRequests: true }],
  ['the userinfo endpoint', { userInfo: true }],
  ['paths of its own', { routes: { callback: '/back' }, baseURL: 'http://localhost' }],
])('an app with %s logs people in too', async (_what, options) => {
  const { app, bff } = open(options)
  const agent = request.agent(app)
  await signedIn(agent, bff, { sub: 'alice', email: 'alice@example.com' })
  expect((await agent.get('/')).body).toMatchObject({ sub: 'alice', email: 'alice@example.com' })
})

test('an app whose logins come back by a form logs people in too, with headers', async () => {
  const { app, bff } = open({ authorizationParams: { response_mode: 'form_post' } })
  const headers = await signedInHeaders(app, bff, { sub: 'alice' })
  expect((await request(app).get('/private').set(headers)).body).toEqual({ sub: 'alice' })
})

describe('mistakes are told', () => {
  test('a page that leads to no login', async () => {
    const { app, bff } = open()
    await expect(signedIn(request.agent(app), bff, { sub: 'alice' }, { at: '/' })).rejects.toThrow(
      'signedIn(): GET / leads to no login, but answers 200: null',
    )
  })

  test('an agent that does not keep what is needed', async () => {
    const { app, bff } = open({ authorizationParams: { response_mode: 'form_post' } })
    await expect(signedIn(request.agent(app), bff, { sub: 'alice' })).rejects.toThrow(
      /ended with 400: .*\(an agent has to keep cookies, and Secure ones too/,
    )
  })

  test('an app that no auth() of the tests is in', async () => {
    const { bff } = open()
    const app = express().get('/login', (_req, res) => res.redirect('https://elsewhere.example/authorize'))
    await expect(signedInHeaders(app, bff, { sub: 'alice' })).rejects.toThrow(
      'leads to https://elsewhere.example: is auth() made with testOptions()?',
    )
  })
})

test('with NODE_ENV=production there are no such options', () => {
  const before = process.env.NODE_ENV
  process.env.NODE_ENV = 'production'
  try {
    expect(() => open()).toThrow('testOptions(): its provider believes every name')
  } finally {
    process.env.NODE_ENV = before
  }
})

test('neither Redis nor a provider of the environment is asked', () => {
  const before = { ...process.env }
  Object.assign(process.env, { REDIS_URL: 'not an address', ISSUER_BASE_URL: 'nor this', CLIENT_ID: 'x' })
  try {
    expect(() => open()).not.toThrow()
  } finally {
    process.env = before
  }
})
