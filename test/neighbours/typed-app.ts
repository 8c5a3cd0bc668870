// An app in TypeScript that uses all that is typed, as an ES module and as a CommonJS one.
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

/** With no types that are loaded by themselves, and the declarations of all packages checked. @param typescript its name in the project */
export async function typeCheck(
  project: string,
  typescript: string,
  options: { module: string },
): Promise<void> {
  const both = ['app.mts', 'app.cts']
  const only: Record<string, string[]> = { esnext: ['app.mts'], commonjs: ['app.cts'] }
  const compilerOptions = {
    noEmit: true,
    strict: true,
    target: 'es2022',
    types: [],
    skipLibCheck: false,
    skipDefaultLibCheck: true,
    ...options,
  }
  const settings = { compilerOptions, files: only[options.module] ?? both }
  await writeFile(join(project, 'tsconfig.json'), JSON.stringify(settings))
  await writeFile(join(project, 'app.mts'), `import express from 'express'\n${typedApp}`)
  await writeFile(join(project, 'app.cts'), `import express = require('express')\n${typedApp}`)
  await run(project, process.execPath, join(project, 'node_modules', typescript, 'bin/tsc'), '-p', '.')
}
