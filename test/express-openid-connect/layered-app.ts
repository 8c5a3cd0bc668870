// Small apps on express-bff-session/express-openid-connect, with a provider in the process; they end after each test.
import express, { type Request, type RequestHandler, type Response } from 'express'
import request from 'supertest'
import { auth, type ConfigParams } from '../../src/express-openid-connect/index.ts'
import type { AuthHandler } from '../../src/index.ts'
import { signedIn, testOptions, testProvider } from '../../src/testing/index.ts'

export const opened: AuthHandler[] = []
afterEach(async () => {
  testProvider().up()
  for (const handler of opened.splice(0)) await handler.close()
})

export type Handler = (req: Request, res: Response) => unknown

export interface Opened {
  app: express.Express
  bff: AuthHandler
  errors: { message: string; code?: string }[]
}

/** An app with one handler for `/page`, and an error handler as apps have one. */
export function open(
  options: ConfigParams = {},
  page: Handler = () => null,
  routes: Record<string, RequestHandler> = {},
): Opened {
  const errors: Opened['errors'] = []
  // What is asked for by itself is to be as there, and no refresh token is.
  const { authorizationParams: _, ...plain } = testOptions({ logger: { warn() {} } })
  const bff = auth({
    ...(plain as ConfigParams),
    authRequired: false,
    ...options,
  })
  opened.push(bff)
  const app = express().use(bff)
  for (const [path, handler] of Object.entries(routes)) app.use(path, handler)
  app.get('/page', async (req, res) => {
    const answer = await page(req, res)
    if (!res.headersSent && answer !== undefined) res.json(answer)
  })
  app.use(((error, _req, res, _next) => {
    errors.push(error)
    res.status(error.status ?? 500).json({ error: error.message })
  }) satisfies express.ErrorRequestHandler)
  return { app, bff, errors }
}

export async function logIn(
  { app, bff }: Opened,
  person: { sub: string; [claim: string]: unknown } = { sub: 'alice' },
  more = {},
) {
  const agent = request.agent(app)
  await signedIn(agent, bff, person, more)
  return { agent, page: async () => (await agent.get('/page')).body }
}

export const html = { accept: 'text/html' }
export const askedIn = (location = '') => Object.fromEntries(new URL(location).searchParams)
export const valuesOf = (req: Request, name = 'appSession') =>
  (req as unknown as Record<string, Record<string, unknown>>)[name] ?? {}
