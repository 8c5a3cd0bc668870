// Apps in TypeScript that use all that is typed, by our names and by express-openid-connect's, as an ES module and as a CommonJS one.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from '../package/run.ts'

const typedApp = `
import { auth, isAuthError, LoginRequiredError, relay, requireAuth, requireClaim, requireFresh, requireStepUp } from 'express-bff-session'

declare module 'express-bff-session' {
  interface User {
    roles: string[]
  }
  interface SessionData {
    lastVisit: number
  }
}

const app = express()
const bff = auth({ issuerBaseURL: 'https://id.example.com', renewal: { afterSeconds: 60 } })
app.use(bff)
app.get('/orders/:id', requireAuth(), requireFresh({ maxAgeSeconds: 30 }), (req, res) => {
  const id: string = req.params.id
  // @ts-expect-error the path has no such parameter
  req.params.number
  const lastVisit: number | undefined = req.session.lastVisit
  req.session.lastVisit = Date.now()
  // @ts-expect-error nobody said that there is such a thing
  req.session.nothing
  const roles: string[] | undefined = req.oidc.user?.roles
  const email: string | undefined = req.oidc.user?.email
  const city: string | undefined = req.oidc.user?.address?.locality
  const other: unknown = req.oidc.user?.other
  const loggedIn: boolean = req.oidc.isAuthenticated()
  res.json({ id, lastVisit, roles, email, city, other, loggedIn })
})
app.use('/api/:version', requireClaim('roles', 'admin'), relay({ target: 'https://api.example.com' }))
app.post('/transfer/:to', requireStepUp({ acr: 'mfa' }), (req, res) => {
  const to: string = req.params.to
  res.json({ to, sub: req.oidc.user?.sub })
})
const handlers: express.RequestHandler[] = [requireAuth(), bff]
app.use(handlers)
export const codeOf = (error: unknown) => (error instanceof LoginRequiredError ? error.code : undefined)
export const isDown = (error: unknown) => isAuthError(error) && error.status === 503
// @ts-expect-error there is no such option
app.use(auth({ issuerBaseUrl: 'https://id.example.com' }))
`

/** An app of express-openid-connect, which knows nothing of our names. */
const layeredApp = `
import { attemptSilentLogin, auth, claimCheck, claimEquals, claimIncludes, requiresAuth, SessionExpiredError } from 'express-bff-session/express-openid-connect'
import type { ConfigParams, OpenidRequest, RequestContext, ResponseContext, Session } from 'express-bff-session/express-openid-connect'

const params: ConfigParams = {
  authRequired: false,
  authorizationParams: { response_type: 'code', max_age: 60, audience: 'https://api.example.com' },
  session: { rolling: false, absoluteDuration: 3600, cookie: { sameSite: 'Lax' } },
  afterCallback: async (req, res, session, state): Promise<Session> => ({ ...session, by: state.campaign, sub: req.oidc.user?.sub }),
  getLoginState: (req, options) => ({ returnTo: options.returnTo ?? req.originalUrl }),
  routes: { login: false, callback: false },
  renewal: { afterSeconds: 60 },
}
const app = express()
app.use(auth(params))
app.get('/orders/:id', requiresAuth(), claimEquals('admin', true), claimIncludes('roles', 'a', 'b'), async (req, res) => {
  const id: string = req.params.id
  let token = req.oidc.accessToken
  if (token?.isExpired()) token = await token.refresh()
  const seconds: number | undefined = token?.expires_in
  const idToken: string | undefined = req.oidc.idToken
  const issuer: string | undefined = req.oidc.idTokenClaims?.iss
  const { email } = await req.oidc.fetchUserInfo()
  res.json({ id, seconds, issuer, email, idToken, isThere: req.oidc.isAuthenticated() })
})
app.get('/', attemptSilentLogin(), (req, res) => res.oidc.login({ returnTo: '/', authorizationParams: { max_age: 60 }, silent: true }))
app.get('/bye', (req, res) => res.oidc.logout({ returnTo: '/', logoutParams: { federated: '' } }))
app.get('/callback', (req, res) => res.oidc.callback({ redirectUri: 'https://app.example.com/callback' }))
app.use(claimCheck((req: OpenidRequest, claims) => claims.sub === req.oidc.user?.sub), requiresAuth((req) => !req.oidc.isAuthenticated()))
export const parts = (req: OpenidRequest): [RequestContext, ResponseContext | undefined] => [req.oidc, req.res?.oidc]
export const isOver = (error: unknown) => error instanceof SessionExpiredError && error.code === 'ERR_SESSION_EXPIRED'
// @ts-expect-error there is no such option
auth({ authRequred: false })
`

/** With no types that are loaded by themselves, and the declarations of all packages checked. @param typescript its name in the project */
export async function typeCheck(
  project: string,
  typescript: string,
  options: { module: string },
): Promise<void> {
  const only: Record<string, string[]> = { esnext: ['mts'], commonjs: ['cts'] }
  const kinds = only[options.module] ?? ['mts', 'cts']
  const compilerOptions = {
    noEmit: true,
    strict: true,
    target: 'es2022',
    types: [],
    skipLibCheck: false,
    skipDefaultLibCheck: true,
    ...options,
  }
  const settings = { compilerOptions, files: kinds.flatMap((kind) => [`app.${kind}`, `layered.${kind}`]) }
  await writeFile(join(project, 'tsconfig.json'), JSON.stringify(settings))
  for (const [name, app] of Object.entries({ app: typedApp, layered: layeredApp })) {
    await writeFile(join(project, `${name}.mts`), `import express from 'express'\n${app}`)
    await writeFile(join(project, `${name}.cts`), `import express = require('express')\n${app}`)
  }
  await run(project, process.execPath, join(project, 'node_modules', typescript, 'bin/tsc'), '-p', '.')
}
