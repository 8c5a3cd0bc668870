// req.oidc.fetch(): a handler asks an API as the person who is logged in, and the token goes to nobody else.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import express from 'express'
import { auth, type RequestOidc } from '../../src/index.ts'
import { startOwnApp } from '../support/app/own-app.ts'
import { Browser } from '../support/browser/browser.ts'
import { closeServer, listen } from '../support/listen.ts'
import { startProviderWithApis } from '../support/provider/apis.ts'
import { sha256 } from '../support/provider/seen-requests.ts'
import { useParts } from '../support/servers.ts'
import { logIn } from '../support/session/logged-in.ts'

interface Asked {
  method: string | undefined
  path: string | undefined
  body: string
  /** sha256, so that a failed expectation prints no token */
  token: string
  headers: IncomingMessage['headers']
}

const BALANCES = 'https://balances.example'

let call: (oidc: RequestOidc) => Promise<unknown>
let answer: (res: ServerResponse, asked: Asked) => void
const asked: Asked[] = []

const { provider, app, api } = useParts(async (start) => {
  const server = createServer(async (req, res) => {
    const { authorization = '', ...headers } = req.headers
    const one = {
      method: req.method,
      path: req.url,
      body: await text(req),
      token: sha256(authorization.replace(/^Bearer /, '')),
      headers,
    }
    asked.push(one)
    answer(res, one)
  })
  const port = await listen(server, 'localhost')
  await start({ stop: () => closeServer(server) })
  // The same server twice, and for a browser two origins.
  const api = { url: `http://localhost:${port}`, elsewhere: `http://LOCALHOST.:${port}` }
  const provider = await start(startProviderWithApis({ [BALANCES]: { scope: 'balance:read' } }))
  const authorizationParams = {
    scope: 'openid offline_access balance:read',
    resource: BALANCES,
    prompt: 'consent',
  }
  const app = startOwnApp({ provider }, (options) => {
    const handler = auth({ ...options, authorizationParams, apis: [{ origin: api.url, audience: BALANCES }] })
    const own = express().use(handler)
    own.get(
      '/',
      (req, res) => void res.json({ sub: req.oidc.user?.sub, generation: req.oidc.session?.generation }),
    )
    own.get('/call', async (req, res) => void res.json(await call(req.oidc)))
    own.use(((error, _req, res, _next) => {
      res.status(error.status ?? 500).json({ name: error.name, code: error.code, message: error.message })
    }) satisfies express.ErrorRequestHandler)
    return { app: own, auth: handler }
  })
  return { provider, app: await start(app), api }
})

beforeEach(() => {
  asked.length = 0
  answer = (res) => res.end('fine')
})

const bodyOf = async (response: Promise<Response>) => (await response).text()

test('the request carries the token of that API, and what else the handler gave', async () => {
  const session = await logIn(provider, app.url)
  call = async (oidc) => [
    sha256(await oidc.getAccessToken({ audience: BALANCES })),
    sha256(await oidc.getAccessToken()),
    await bodyOf(
      oidc.fetch(`${api.url}/x?y=1`, {
        method: 'PUT',
        body: '{"a":1}',
        headers: { 'content-type': 'application/json', authorization: 'Basic bWU6bWU=' },
      }),
    ),
  ]
  const [token, own, body] = (await session.get(`${app.url}/call`)).json<string[]>()
  expect(body).toBe('fine')
  expect(asked).toMatchObject([
    {
      method: 'PUT',
      path: '/x?y=1',
      body: '{"a":1}',
      token,
      headers: { 'content-type': 'application/json' },
    },
  ])
  expect(token).not.toBe(own)
  expect(session.renewals()).toBe(1)
})

test.each([
  ['another origin', () => api.elsewhere],
  ['another port', () => 'http://localhost:1'],
  ['another scheme', () => api.url.replace('http:', 'https:')],
  ['the same name as a user', () => `${api.url}@elsewhere.example/`],
  ['a longer name', () => `${api.url}.elsewhere.example/`.replace(/:\d+/, '')],
])('%s gets no request and no token', async (_what, url) => {
  const session = await logIn(provider, app.url)
  call = (oidc) => bodyOf(oidc.fetch(url()))
  const page = await session.get(`${app.url}/call`)
  expect([page.status, page.json()]).toMatchObject([500, { code: 'api_not_listed' }])
  expect(page.json().message).toMatch(/apis/)
  expect(asked).toEqual([])
})

test.each([301, 302, 303, 307, 308])('a redirect (%i) is handed back and not followed', async (status) => {
  const session = await logIn(provider, app.url)
  answer = (res) => res.writeHead(status, { location: `${api.elsewhere}/stolen` }).end()
  call = async (oidc) => {
    const response = await oidc.fetch(api.url, { redirect: 'follow' })
    return [response.status, response.headers.get('location')]
  }
  expect((await session.get(`${app.url}/call`)).json()).toEqual([status, `${api.elsewhere}/stolen`])
  expect(asked).toHaveLength(1)
})

test.each<[string, () => RequestInit, times: number]>([
  ['no body', () => ({}), 2],
  ['a text', () => ({ method: 'POST', body: 'text' }), 2],
  ['bytes', () => ({ method: 'POST', body: new TextEncoder().encode('text') }), 2],
  ['a form', () => ({ method: 'POST', body: new URLSearchParams({ text: '1' }) }), 2],
  [
    'a stream',
    () => ({ method: 'POST', body: Readable.toWeb(Readable.from(['text'])) as never, duplex: 'half' }),
    1,
  ],
  ['a Node stream', () => ({ method: 'POST', body: Readable.from(['text']) as never, duplex: 'half' }), 1],
])('a 401 for a token that the API no longer takes, with %s', async (_what, init, times) => {
  const session = await logIn(provider, app.url)
  answer = (res, { token }) => {
    const first = asked[0]?.token === token
    res.writeHead(first ? 401 : 200).end(first ? 'no' : 'fine')
  }
  call = async (oidc) => {
    const response = await oidc.fetch(api.url, init())
    return [response.status, await response.text()]
  }
  expect((await session.get(`${app.url}/call`)).json()).toEqual(times === 2 ? [200, 'fine'] : [401, 'no'])
  expect(asked.map(({ body }) => body)).toEqual(Array(times).fill(asked[0]?.body))
  expect(session.renewals()).toBe(times)
})

test('an API that takes no token at all is asked twice, and its answer handed back', async () => {
  const session = await logIn(provider, app.url)
  answer = (res) => res.writeHead(401).end('never')
  call = async (oidc) => (await oidc.fetch(api.url)).status
  expect((await session.get(`${app.url}/call`)).json()).toBe(401)
  expect([asked.length, session.renewals()]).toEqual([2, 2])
})

test('an API that takes no token at all costs one renewal, however often it is asked', async () => {
  const session = await logIn(provider, app.url)
  answer = (res) => res.writeHead(401).end('never')
  call = async (oidc) => {
    const statuses: number[] = []
    for (let times = 0; times < 5; times += 1) statuses.push((await oidc.fetch(api.url)).status)
    return statuses
  }
  for (let requests = 0; requests < 2; requests += 1)
    expect((await session.get(`${app.url}/call`)).json()).toEqual([401, 401, 401, 401, 401])
  // The API's token is fetched by a renewal of its own.
  expect([asked.length, session.renewals()]).toEqual([11, 2])
})

test('a 401 that is about a password is handed back: it is no matter of the token', async () => {
  const session = await logIn(provider, app.url)
  answer = (res) => res.writeHead(401, { 'www-authenticate': 'Basic realm="the API"' }).end('no')
  call = async (oidc) => (await oidc.fetch(api.url)).text()
  expect((await session.get(`${app.url}/call`)).json()).toBe('no')
  expect(asked).toHaveLength(1)
})

test('a 401 that asks for a better authentication is handed back: another token would be no better', async () => {
  const session = await logIn(provider, app.url)
  const challenge = 'Bearer error="insufficient_user_authentication", max_age="60"'
  answer = (res) => res.writeHead(401, { 'www-authenticate': challenge }).end()
  call = async (oidc) => (await oidc.fetch(api.url)).headers.get('www-authenticate')
  expect((await session.get(`${app.url}/call`)).json()).toBe(challenge)
  expect(asked).toHaveLength(1)
})

test('who is not logged in gets 401, and the API is not asked', async () => {
  call = (oidc) => bodyOf(oidc.fetch(api.url))
  const page = await new Browser().request('GET', `${app.url}/call`)
  expect([page.status, page.json(), asked]).toMatchObject([401, { code: 'login_required' }, []])
})
