// Every operation says at which of several providers it is.
import { createServer } from 'node:http'
import express from 'express'
import type { Operation } from '../../src/events/operations.ts'
import { relay } from '../../src/index.ts'
import { callback } from '../../src/login/callback.ts'
import { attachOidc } from '../../src/request-oidc.ts'
import { CurrentSession } from '../../src/session/current-session.ts'
import { contextOf, setContext } from '../../src/session/request-context.ts'
import { exchange } from '../support/browser/http-exchange.ts'
import { closeServer, freePort, listen } from '../support/listen.ts'
import { createLogoutClient, startLogoutProvider } from '../support/provider/logout-client.ts'
import { useParts } from '../support/servers.ts'
import { startSeveralRealms } from '../support/session/several-realms.ts'

const told: Operation[] = []

/** Whoever comes to `/staff/…` is served as somebody of `staff`. */
const { site, app } = useParts(async (start) => {
  const provider = await start(startLogoutProvider())
  const clients = { customers: createLogoutClient(provider), staff: createLogoutClient(provider) }
  const site = await start(startSeveralRealms(clients))
  site.realms.first.operations.add((operation, run) => {
    told.push({ ...operation })
    return run()
  })
  const routes = express()
  routes.use('/:provider', async (req, res, next) => {
    const own = site.realms.byName(req.params.provider)
    if (own === undefined) throw new Error('nobody is asked for')
    const cookies = site.site.cookie.read(req)
    const session = await CurrentSession.read(site.realms, site.site.bindingOf(req, res, cookies))
    attachOidc(setContext(own, { req, res, cookies: cookies.all, session }))
    next()
  })
  routes.get('/:provider/login', (_req, res) => res.oidc.login())
  routes.get('/:provider/callback', (req) => callback(contextOf(req)))
  routes.use('/:provider/api', relay({ target: `http://127.0.0.1:${await freePort()}` }))
  const server = createServer(routes)
  const url = `http://localhost:${await listen(server, 'localhost')}`
  return { site, app: await start({ url, stop: () => closeServer(server) }) }
})

beforeEach(() => {
  told.length = 0
})

test.each([
  ['login', '/login'],
  ['callback', '/callback?state=unknown&code=any'],
  ['relay', '/api/orders'],
])('%s', async (name, path) => {
  const headers = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }
  for (const provider of ['staff', 'customers'])
    await exchange({ method: 'GET', url: `${app.url}/${provider}${path}`, headers })
  expect(told).toEqual(['staff', 'customers'].map((provider) => expect.objectContaining({ name, provider })))
})

test('renewal', async () => {
  const staff = site.realms.byName('staff')
  const id = await site.logIn('staff', 'alice')
  const record = (await staff?.store.find(id))?.value?.record
  if (staff === undefined || record === undefined) throw new Error('nobody is logged in')
  await staff.renewer.renew({ id, seen: { ...record, refreshToken: 'none of theirs' }, trigger: 'renew' })
  expect(told).toEqual([{ name: 'renewal', trigger: 'renew', provider: 'staff' }])
})
