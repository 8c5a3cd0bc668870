// An Express app with a route for everything a test wants to see `auth()` do.
import { createHash } from 'node:crypto'
import express, { type Express, type Request } from 'express'
import { type AuthOptions, auth, requireAuth, requireFresh, requireStepUp } from '../../../src/index.ts'
import { noteErrors } from './error-notes.ts'

export type Auth = ReturnType<typeof auth>

export interface Hooks {
  /** holds a request until the test opens the gate of that name */
  waitAtGate(name: string): Promise<void>
  /** an error that reached the end of the app */
  onError(error: unknown): void
}

declare module 'express-session' {
  interface SessionData {
    cart?: unknown
  }
}

export function createApp(
  options: AuthOptions,
  { waitAtGate, onError }: Hooks,
): { app: Express; auth: Auth } {
  const handler = auth(options)
  const app = express()

  // Answers without asking anybody: how the bench knows that the server is there.
  app.get('/ping', (_req, res) => void res.json({ pid: process.pid }))
  app.use(handler)

  app.use(async (req, _res, next) => {
    if (typeof req.query.gate === 'string' && req.path !== '/cart') await waitAtGate(req.query.gate)
    next()
  })

  app.get('/public', (req, res) => void res.json(describe(req)))
  app.get('/', (req, res) => void res.json({ home: true, ...describe(req) }))
  app.get('/private', requireAuth(), (req, res) => void res.json(describe(req)))
  app.all('/fresh', requireFresh(), (req, res) => void res.json(describe(req)))
  app.all('/fresh-max-age', (req, res, next) => {
    const guard = requireFresh({ maxAgeSeconds: Number(req.query.seconds) })
    guard(req, res, (error?: unknown) => (error ? next(error) : res.json(describe(req))))
  })
  app.all('/step-up', (req, res, next) => {
    const { seconds, acr } = req.query
    const guard = requireStepUp({
      ...(seconds && { maxAgeSeconds: Number(seconds) }),
      ...(acr && { acr: String(acr).split(',') }),
    })
    guard(req, res, (error?: unknown) => (error ? next(error) : res.json({ passed: true, ...describe(req) })))
  })
  app.post('/renew', requireAuth(), async (req, res) => {
    await req.oidc.renew()
    res.json(describe(req))
  })
  // The token itself never leaves: the leak test looks at every answer.
  app.get('/token', requireAuth(), async (req, res) => {
    const { audience, scope } = req.query as { audience?: string; scope?: string }
    const token = await req.oidc.getAccessToken({ audience, scope })
    res.json({ sha256: createHash('sha256').update(String(token)).digest('hex'), ...describe(req) })
  })
  app.get('/cart', (req, res) => void res.json({ cart: req.session.cart ?? null }))
  app.post('/cart', express.json(), async (req, res) => {
    // Reads first: a slow handler has the session in its hands while it waits, and writes it as it was.
    const before = req.session.cart ?? null
    if (typeof req.query.gate === 'string') await waitAtGate(req.query.gate)
    req.session.cart = req.body?.cart ?? 'full'
    res.json({ before, cart: req.session.cart })
  })

  app.use(noteErrors(onError))
  return { app, auth: handler }
}

function describe(req: Request) {
  const { session, user } = req.oidc
  return {
    pid: process.pid,
    authenticated: req.oidc.isAuthenticated(),
    sub: user?.sub,
    name: user?.name,
    generation: session?.generation,
    createdAt: session?.createdAt,
    renewedAt: session?.renewedAt,
    expiresAt: session?.expiresAt,
  }
}
