// Behind a proxy that takes the path of baseURL off: the app sees `/private` where browsers have `/app/private`.
import express, { type Express, type Request, type Response } from 'express'
import { auth, relay, requireAuth } from '../../src/index.ts'
import { startApiServer } from '../support/app/api-server.ts'
import { startOwnApp } from '../support/app/own-app.ts'
import { Browser } from '../support/browser/browser.ts'
import { createLog } from '../support/evidence.ts'
import { startProvider } from '../support/provider/provider.ts'
import { useParts } from '../support/servers.ts'

const { provider, api, below, silent } = useParts(async (start) => {
  const [provider, api] = await Promise.all([start(startProvider()), start(startApiServer())])
  const startBelow = (attemptSilentLogin: boolean) => {
    const options = { logger: createLog().logger, attemptSilentLogin }
    return start(
      startOwnApp({ provider, basePath: '/app', options }, (given) => {
        const handler = auth(given)
        return { app: behindProxy(appOf(handler)), auth: handler }
      }),
    )
  }
  function appOf(handler: ReturnType<typeof auth>): Express {
    const app = express().use(handler)
    app.use('/api', relay({ target: api.url, token: 'user-or-none' }))
    app.get('/by-hand', async (req, res) => {
      if (req.oidc.isAuthenticated()) res.json({ at: req.originalUrl })
      else await res.oidc.login()
    })
    app.get('/open', (req, res) => void res.json({ at: req.originalUrl }))
    app.get('/{*page}', requireAuth(), (req, res) => void res.json({ at: req.originalUrl }))
    return app
  }
  return { provider, api, below: await startBelow(false), silent: await startBelow(true) }
})

function behindProxy(app: Express): Express {
  const take = (req: Request, res: Response) => {
    req.url = req.url.replace(/^\/app(?=[/?]|$)/, '').replace(/^(?!\/)/, '/')
    app(req, res)
  }
  return take as Express
}

test.each(['/private?x=1', '/application', '/by-hand', '/'])('%s is come back to', async (path) => {
  const page = await new Browser().logIn(below.url, { path: `/app${path}`, user: 'proxied' })
  expect(page).toMatchObject({ status: 200, url: `${below.url}/app${path}` })
  expect(page.json()).toEqual({ at: path })
})

test('a login that nobody asked for comes back too', async () => {
  const page = await new Browser().navigate(`${silent.url}/app/open?x=1`)
  expect(page).toMatchObject({ status: 200, url: `${silent.url}/app/open?x=1` })
  expect(provider.authorizationRequests().at(-1)?.params.prompt).toBe('none')
})

test('a script is told where to log in', async () => {
  const page = await new Browser().request('GET', `${below.url}/app/private`)
  expect(page.json()).toMatchObject({ code: 'login_required', login_url: '/app/login' })
})

test('an address of an API leads below the path', async () => {
  api.answer((_req, res) => void res.writeHead(201, { location: `${api.url}/made/1` }).end())
  const page = await new Browser().request('GET', `${below.url}/app/api/made`)
  expect([page.status, page.headers.location]).toEqual([201, '/app/api/made/1'])
})
