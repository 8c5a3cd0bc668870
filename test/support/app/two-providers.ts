// An app with two real providers, staff and customers: who comes from where, and what each of its guards says of them.
import { createServer } from 'node:http'
import express, { type Express, type Request } from 'express'
import {
  type AuthOptions,
  auth,
  type ProviderEntry,
  requireAuth,
  requireClaim,
  requireFresh,
  requireStepUp,
} from '../../../src/index.ts'
import { createLog } from '../evidence.ts'
import { closeServer, listen } from '../listen.ts'
import { type ProviderOptions, startProvider, type TestProvider } from '../provider/provider.ts'
import { createStarted } from '../servers.ts'
import { type AppEvent, listenToAll } from './app-events.ts'
import { resolveOptions } from './app-options.ts'
import type { Auth } from './app-routes.ts'
import { noteErrors } from './error-notes.ts'

export interface TwoProviders {
  readonly url: string
  readonly auth: Auth
  readonly staff: TestProvider
  readonly customers: TestProvider
  readonly events: AppEvent[]
  readonly errors: unknown[]
  readonly log: ReturnType<typeof createLog>
  stop(): Promise<void>
}

export interface TwoProvidersSetup {
  /** of both */
  provider?: ProviderOptions
  redisUrl?: string
  /** beside the entries */
  options?: AuthOptions
  /** over what each entry has to have */
  staff?: ProviderEntry
  customers?: ProviderEntry
  /** further entries, once the two run */
  more?(providers: { staff: TestProvider; customers: TestProvider }): AuthOptions['providers']
  /** above `auth()`, and below it */
  above?(app: Express): void
  below?(app: Express): void
}

export async function startTwoProviders(setup: TwoProvidersSetup = {}): Promise<TwoProviders> {
  const started = createStarted()
  try {
    const [staff, customers] = await Promise.all([
      started.start(startProvider(setup.provider)),
      started.start(startProvider(setup.provider)),
    ])
    const server = createServer()
    const url = `http://localhost:${await listen(server, 'localhost')}`
    await started.start({ stop: () => closeServer(server) })
    const providers = {
      staff: await entryAt(staff, url, setup.staff),
      customers: await entryAt(customers, url, setup.customers),
      ...setup.more?.({ staff, customers }),
    }
    const log = createLog()
    const given = { logger: log.logger, ...(setup.redisUrl && { redis: setup.redisUrl }), ...setup.options }
    const options = await resolveOptions({ options: { providers, ...given } }, url)
    const errors: unknown[] = []
    const { app, auth } = createApp(options, setup, errors)
    await started.start({ stop: () => auth.close() })
    const events: AppEvent[] = []
    listenToAll(auth, (told) => events.push(told))
    server.on('request', app)
    return { url, auth, staff, customers, events, errors, log, stop: started.stop }
  } catch (error) {
    await started.stop()
    throw error
  }
}

/** The same name of a client at each: nothing may go by that alone. */
async function entryAt(
  provider: TestProvider,
  url: string,
  entry: ProviderEntry = {},
): Promise<ProviderEntry> {
  const { clientId, clientSecret } = await provider.registerClient({
    baseURL: url,
    redirectUris: [`${url}${entry.routes?.callback ?? '/callback'}`],
    clientId: 'app',
    clientSecret: secretAt(provider.issuer),
  })
  return { issuerBaseURL: provider.issuer, clientID: clientId, clientSecret, ...entry }
}

function createApp(options: AuthOptions, { above, below }: TwoProvidersSetup, errors: unknown[]) {
  const handler = auth(options)
  const app = express()
  above?.(app)
  app.use(handler)
  app.get(['/', '/public'], (req, res) => void res.json(describe(req)))
  app.get('/private', requireAuth(), (req, res) => void res.json(describe(req)))
  const guards = {
    '/staff': requireAuth({ provider: 'staff' }),
    '/customers': requireAuth({ provider: ['customers'] }),
    '/either': requireAuth({ provider: ['customers', 'staff'] }),
    '/fresh': requireFresh({ provider: 'staff' }),
    '/fresh-any': requireFresh(),
    '/step-up': requireStepUp({ maxAgeSeconds: 300, provider: 'staff' }),
    '/alice': requireClaim('sub', 'alice', { provider: 'staff' }),
    '/stuff': requireAuth({ provider: 'stuff' }),
  }
  for (const [path, guard] of Object.entries(guards))
    app.all(path, guard, (req, res) => void res.json({ passed: path, ...describe(req) }))
  app.post('/renew', requireAuth(), async (req, res) => {
    await req.oidc.renew()
    res.json(describe(req))
  })
  app.get('/token', requireAuth(), async (req, res) => {
    await req.oidc.getAccessToken()
    res.json(describe(req))
  })
  app.get('/cart', (req, res) => void res.json({ cart: req.session.cart ?? null }))
  app.post('/cart', express.json(), (req, res) => {
    req.session.cart = req.body?.cart
    res.json({ cart: req.session.cart })
  })
  below?.(app)
  app.use(noteErrors((error) => errors.push(error)))
  return { app, auth: handler }
}

function describe(req: Request) {
  const { session, user } = req.oidc
  return {
    authenticated: req.oidc.isAuthenticated(),
    sub: user?.sub,
    provider: session?.provider,
    generation: session?.generation,
  }
}

/** The same app as it was before, a client of one of the two; its addresses are those of now. */
export function createOldApp(options: AuthOptions, now: TwoProviders, name: 'staff' | 'customers') {
  const { issuer } = now[name]
  const handler = auth({
    ...options,
    baseURL: now.url,
    issuerBaseURL: issuer,
    clientID: 'app',
    clientSecret: secretAt(issuer),
    logger: now.log.logger,
  })
  const app = express()
  app.use(handler)
  app.get('/public', (req, res) => void res.json({ sub: req.oidc.user?.sub }))
  return { app, auth: handler }
}

const secretAt = (issuer: string) => `what ${issuer} alone knows of the app`
