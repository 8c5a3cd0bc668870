// An app with tenants: each at an address of its own on loopback, all of them on one port of one server.
import { createServer } from 'node:http'
import express, { type Express, type Request } from 'express'
import { type AuthOptions, auth, relay, requireAuth, type TenantSetUp } from '../../../src/index.ts'
import { createLog } from '../evidence.ts'
import { closeServer, listen } from '../listen.ts'
import type { ClientOptions } from '../provider/client.ts'
import type { TestProvider } from '../provider/provider.ts'
import { type AppEvent, listenToAll } from './app-events.ts'
import { ONE_CLIENT, TEST_SECRET } from './app-options.ts'
import type { Auth } from './app-routes.ts'
import { noteErrors } from './error-notes.ts'

export interface TenantAppSetup {
  /** each tenant's name, with its provider; all are the same client there */
  readonly tenants: Readonly<Record<string, TestProvider>>
  readonly redisUrl?: string
  readonly nearCache?: boolean
  /** an API that `/api` hands requests on to */
  readonly apiUrl?: string
  readonly options?: AuthOptions
  /** what else the client is at the providers */
  readonly client?: Partial<ClientOptions>
  /** over `tenant` */
  readonly tenant?: Partial<Omit<NonNullable<AuthOptions['tenant']>, 'resolve'>>
  /** the port of a server that serves the same tenants, and is where they log in */
  readonly port?: number
}

export interface TenantApp {
  readonly port: number
  readonly auth: Auth
  readonly events: AppEvent[]
  readonly log: ReturnType<typeof createLog>
  readonly errors: unknown[]
  /** how many requests key() was asked about */
  readonly keyed: { count: number }
  /** what resolve() was asked for */
  readonly asked: string[]
  /** by the host of each tenant; may be changed at any time */
  readonly answers: Map<string, (signal: AbortSignal) => unknown>
  /** where a tenant is; no slash at the end */
  url(tenant: string): string
  host(tenant: string): string
  /** what resolve() says of it, unless `answers` was changed */
  setUpOf(tenant: string): TenantSetUp
  stop(): Promise<void>
}

declare module 'express-session' {
  interface SessionData {
    marker?: string
  }
}

export async function startTenantApp(setup: TenantAppSetup): Promise<TenantApp> {
  const { tenants, redisUrl, nearCache = false, apiUrl, options, tenant } = setup
  const server = createServer()
  const port = await listen(server, '0.0.0.0')
  const names = Object.keys(tenants)
  const host = (name: string) => `127.0.1.${names.indexOf(name) + 1}`
  const baseURL = (name: string) => `http://${host(name)}:${setup.port ?? port}`
  const setUpOf = (name: string): TenantSetUp => ({
    baseURL: baseURL(name),
    issuerBaseURL: tenants[name]?.issuer,
    clientID: ONE_CLIENT.clientId,
    clientSecret: ONE_CLIENT.clientSecret,
  })
  const keyed = { count: 0 }
  const asked: string[] = []
  const answers = new Map<string, (signal: AbortSignal) => unknown>()
  for (const name of names) {
    await tenants[name]?.registerClient({ ...ONE_CLIENT, ...setup.client, baseURL: baseURL(name) })
    answers.set(host(name), () => setUpOf(name))
  }
  const log = createLog()
  const events: AppEvent[] = []
  const errors: unknown[] = []
  const handler = auth({
    secret: TEST_SECRET,
    ...(redisUrl && { redis: { url: redisUrl, nearCache } }),
    // No stall of the machine ends what a test does.
    httpTimeoutSeconds: 30,
    renewal: { timeoutSeconds: 20 },
    authorizationParams: { prompt: 'consent' },
    logger: log.logger,
    afterCallback: (_login, req) => ({ user: { marker: req.hostname } }),
    ...options,
    tenant: {
      key(req) {
        keyed.count += 1
        return req.hostname
      },
      resolve(key, { signal }) {
        asked.push(key)
        return answers.get(key)?.(signal) as TenantSetUp | undefined
      },
      ...tenant,
    },
  })
  listenToAll(handler, (told) => events.push(told))
  server.on(
    'request',
    createTenantRoutes(handler, (error) => errors.push(error), apiUrl),
  )
  return {
    port,
    auth: handler,
    events,
    log,
    errors,
    keyed,
    asked,
    answers,
    url: (name) => `http://${host(name)}:${port}`,
    host,
    setUpOf,
    async stop() {
      await closeServer(server)
      await handler.close()
    },
  }
}

function createTenantRoutes(handler: Auth, onError: (error: unknown) => void, apiUrl?: string): Express {
  const app = express()
  app.use(handler)
  app.get('/public', (req, res) => void res.json(describe(req)))
  app.get('/', (req, res) => void res.json(describe(req)))
  app.get('/private', requireAuth(), (req, res) => void res.json(describe(req)))
  app.post('/renew', requireAuth(), async (req, res) => {
    await req.oidc.renew()
    res.json(describe(req))
  })
  // Only here, where the test has to know whose it is.
  app.get('/token', requireAuth(), async (req, res) => {
    res.json({ token: await req.oidc.getAccessToken(), ...describe(req) })
  })
  // Apart, since a session whose `req.session` was opened is read from the store again.
  app.get('/data', (req, res) => void res.json({ ...describe(req), data: req.session.marker }))
  app.post('/data', (req, res) => {
    req.session.marker = req.hostname
    res.json({ ...describe(req), data: req.session.marker })
  })
  if (apiUrl !== undefined) app.use('/api', relay({ target: apiUrl }))
  app.use(noteErrors(onError))
  return app
}

export interface Described {
  readonly authenticated: boolean
  readonly sub?: string
  /** the tenant's host where they logged in */
  readonly marker?: string
  readonly id?: string
  /** as `req.oidc.session` has them */
  readonly tenant?: string | undefined
  readonly provider?: string | undefined
  readonly generation?: number
  /** of `req.session` */
  readonly data?: string
}

function describe(req: Request): Described {
  const { session, user } = req.oidc
  return {
    authenticated: req.oidc.isAuthenticated(),
    ...(user && { sub: user.sub, marker: String(user.marker) }),
    ...(session && {
      id: session.id,
      generation: session.generation,
      tenant: session.tenant,
      provider: session.provider,
    }),
  }
}
