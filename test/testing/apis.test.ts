// What an app's own tests do about an API's 401: its tokens end at the provider of the tests, and the API of the test asks that.
import express, { type Express, type Request, type Response } from 'express'
import request from 'supertest'
import { type AuthHandler, auth, relay, requireAuth } from '../../src/index.ts'
import { signedIn, testOptions, testProvider } from '../../src/testing/index.ts'
import { startApiServer } from '../support/app/api-server.ts'
import { useStarted } from '../support/servers.ts'

/** What came, as whose. */
const asked: (string | undefined)[] = []
const api = useStarted(async () => {
  const server = await startApiServer()
  server.answer((req, res) => {
    const person = testProvider().personOf(req.headers.authorization)
    asked.push(person?.sub)
    if (!person) res.statusCode = 401
    res.setHeader('content-type', 'application/json').end(JSON.stringify({ of: person ?? null }))
  })
  return server
})

let bff: AuthHandler
let app: Express
beforeEach(() => {
  asked.splice(0)
  bff = auth(testOptions({ logger: { warn() {} }, apis: [api.url] }))
  app = express().use(bff)
  app.use('/relay', relay({ target: api.url }))
  app.get('/fetch', requireAuth(), async (req: Request, res: Response) => {
    const answer = await req.oidc.fetch(`${api.url}/orders`)
    res.status(answer.status).json(await answer.json())
  })
  app.get('/info', async (req, res) => void res.json(await req.oidc.fetchUserInfo()))
  app.get('/generation', (req, res) => void res.json(req.oidc.session?.generation))
})
afterEach(() => {
  testProvider().up()
  return bff.close()
})

async function somebody(person: { sub: string; [claim: string]: unknown }) {
  const agent = request.agent(app)
  await signedIn(agent, bff, person)
  return agent
}

describe.each([
  { path: '/fetch', refused: 401 },
  // A relay says that it is no use to log in again.
  { path: '/relay/orders', refused: 403 },
])('by $path', ({ path, refused }) => {
  test('the API is asked as the person who is logged in', async () => {
    const agent = await somebody({ sub: 'alice', roles: ['admin'] })
    expect((await agent.get(path)).body).toMatchObject({ of: { sub: 'alice', roles: ['admin'] } })
    expect([asked, (await agent.get('/generation')).body]).toEqual([['alice'], 1])
  })

  test('a token that has ended is refused, and another one is fetched', async () => {
    const [agent, other] = [await somebody({ sub: 'alice' }), await somebody({ sub: 'bob' })]
    testProvider().endAccessTokens('alice')
    expect((await agent.get(path)).body).toMatchObject({ of: { sub: 'alice' } })
    expect([asked, (await agent.get('/generation')).body]).toEqual([[undefined, 'alice'], 2])
    expect((await other.get(path)).status).toBe(200)
    expect((await other.get('/generation')).body).toBe(1)
  })

  test('everybody’s end where nobody is named; where the next one is refused at once too, that is the end of it', async () => {
    const agent = await somebody({ sub: 'alice' })
    testProvider().endAccessTokens()
    expect((await agent.get(path)).status).toBe(200)
    testProvider().endAccessTokens()
    expect((await agent.get(path)).status).toBe(refused)
    expect((await agent.get('/generation')).body).toBe(2)
  })

  test('somebody who is blocked meanwhile has to log in again', async () => {
    const agent = await somebody({ sub: 'mallory' })
    testProvider().endAccessTokens('mallory')
    testProvider().block('mallory')
    const answer = await agent.get(path)
    testProvider().unblock('mallory')
    expect([answer.status, (await agent.get('/generation')).body]).toEqual([401, ''])
  })

  test('while the provider is down, it is later', async () => {
    const agent = await somebody({ sub: 'alice' })
    testProvider().endAccessTokens('alice')
    testProvider().down()
    expect((await agent.get(path)).status).toBe(503)
  })
})

test('the userinfo endpoint refuses it as well', async () => {
  const agent = await somebody({ sub: 'alice', email: 'alice@example.com' })
  testProvider().endAccessTokens('alice')
  expect((await agent.get('/info')).body).toMatchObject({ email: 'alice@example.com' })
  expect((await agent.get('/generation')).body).toBe(2)
})

test.each([undefined, '', 'Bearer', 'Bearer of nothing'])('%p is nobody’s token', (header) => {
  expect(testProvider().personOf(header)).toBeUndefined()
})

test('a token without its scheme is nobody’s either: an API refuses that', async () => {
  app.get('/token', async (req, res) => void res.json(await req.oidc.getAccessToken()))
  const agent = await somebody({ sub: 'alice' })
  const token = (await agent.get('/token')).body
  expect(testProvider().personOf(`Bearer ${token}`)).toEqual({ sub: 'alice' })
  expect(testProvider().personOf(token)).toBeUndefined()
  expect(testProvider().personOf(`DPoP ${token}`)).toBeUndefined()
})
