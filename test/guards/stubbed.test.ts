// An app's own tests put a `req.oidc` of theirs where auth() would be: the guards believe it, but not in production.
import express, { type Request } from 'express'
import request from 'supertest'
import { auth, isAuthError, requireAuth, requireClaim, requireFresh, requireStepUp } from '../../src/index.ts'
import { testOptions } from '../../src/testing/index.ts'

function open(oidc: unknown, before: express.RequestHandler[] = []) {
  const app = express()
  app.use(
    (req, _res, next) => {
      if (oidc !== undefined) (req as { oidc: unknown }).oidc = oidc
      next()
    },
    ...before,
  )
  const passed = (_req: Request, res: express.Response) => void res.json({ passed: true })
  app.get('/auth', requireAuth(), passed)
  app.get('/fresh', requireFresh(), passed)
  app.get('/step-up', requireStepUp({ acr: 'mfa' }), passed)
  app.get('/admin', requireClaim('roles', 'admin'), passed)
  app.use(((error, _req, res, _next) => {
    res.status(error.status ?? 500).json({ code: isAuthError(error) ? error.code : 'another' })
  }) satisfies express.ErrorRequestHandler)
  return async (path: string) => (await request(app).get(path)).body
}

const PATHS = ['/auth', '/fresh', '/step-up', '/admin']
const somebody = (user: object) => ({ isAuthenticated: () => true, user })
const passes = { passed: true }

test('somebody passes, and their claims decide', async () => {
  const ask = open(somebody({ sub: 'alice', roles: ['admin'] }))
  for (const path of PATHS) expect(await ask(path)).toEqual(passes)
  expect(await open(somebody({ sub: 'bob' }))('/admin')).toEqual({ code: 'claim_required' })
  expect(await open(somebody({ sub: 'bob' }))('/auth')).toEqual(passes)
})

test('nobody does not', async () => {
  const ask = open({ isAuthenticated: () => false })
  for (const path of PATHS) expect(await ask(path)).toEqual({ code: 'login_required' })
  expect(await open({ isAuthenticated: () => 'yes' })('/auth')).toEqual({ code: 'login_required' })
})

test('what is no stub is a missing auth(), as ever', async () => {
  for (const oidc of [undefined, null, {}, { user: { sub: 'x' } }])
    for (const path of PATHS) expect(await open(oidc)(path)).toEqual({ code: 'auth_not_mounted' })
})

test('in production a stub is nothing', async () => {
  const before = process.env.NODE_ENV
  process.env.NODE_ENV = 'production'
  try {
    const ask = open(somebody({ sub: 'alice', roles: ['admin'] }))
    for (const path of PATHS) expect(await ask(path)).toEqual({ code: 'auth_not_mounted' })
  } finally {
    process.env.NODE_ENV = before
  }
})

test('where auth() ran, its session decides, and not what stood there', async () => {
  const bff = auth(testOptions({ logger: { warn() {} } }))
  const ask = open(somebody({ sub: 'alice', roles: ['admin'] }), [bff])
  for (const path of PATHS) expect((await ask(path)).code).toBe('login_required')
  await bff.close()
})
