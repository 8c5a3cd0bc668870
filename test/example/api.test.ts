// The example's API: whose access tokens it takes, asked without the bank in between.
import express from 'express'
import { type API, BANK_API, startAPI } from '../../example-app/api.ts'
import { type Loopback, listenOnLoopback } from '../../example-app/loopback.ts'
import { exchange } from '../support/browser/http-exchange.ts'
import {
  createSigningKey,
  type Forgery,
  type SigningKey,
  signToken,
} from '../support/provider/signing-key.ts'

let key: SigningKey
let issuer: Loopback
let keysAreThere = true
let api: API

beforeAll(async () => {
  key = await createSigningKey()
  const app = express()
  app.get('/.well-known/openid-configuration', (_req, res) => {
    if (keysAreThere) res.json({ issuer: issuer.url, jwks_uri: `${issuer.url}/jwks` })
    else res.sendStatus(503)
  })
  app.get('/jwks', (_req, res) => void res.json({ keys: [key.publicJwk] }))
  issuer = await listenOnLoopback(app)
  api = await startAPI({ issuer: issuer.url, audience: BANK_API.audience })
})
afterAll(async () => {
  await api.close()
  await issuer.close()
})

function tokenWith(claims: object, forgery?: Forgery): Promise<string> {
  const now = Math.floor(Date.now() / 1000)
  const good = { iss: issuer.url, aud: BANK_API.audience, sub: 'ada', scope: BANK_API.scope, exp: now + 60 }
  return signToken(key, { ...good, ...claims }, forgery)
}

async function ask(method: string, path: string, authorization?: string, at = api) {
  const headers = authorization === undefined ? {} : { authorization }
  const answer = await exchange({ method, url: at.url + path, headers })
  return {
    status: answer.status,
    challenge: answer.headers['www-authenticate'],
    body: JSON.parse(answer.body),
  }
}

test('a token of its issuer for this API opens the account of its subject', async () => {
  const answer = await ask('GET', '/account', `Bearer ${await tokenWith({})}`)
  expect(answer).toMatchObject({ status: 200, body: { balance: 1000 } })
})

interface Row {
  what: string
  claims?: object
  forgery?: Forgery
}

test.each<Row>([
  { what: 'for another API', claims: { aud: 'https://another.example' } },
  { what: 'of another issuer', claims: { iss: 'https://another.example' } },
  { what: 'that has expired', claims: { exp: 1 } },
  { what: 'that never expires', claims: { exp: undefined } },
  { what: 'of nobody', claims: { sub: undefined } },
  { what: 'without a signature', forgery: { alg: 'none' } },
  { what: 'signed with a secret', forgery: { alg: 'HS256', key: 'one that is long enough for that' } },
])('a token $what is refused', async ({ claims = {}, forgery }) => {
  const answer = await ask('GET', '/account', `Bearer ${await tokenWith(claims, forgery)}`)
  expect(answer).toMatchObject({ status: 401, challenge: 'Bearer error="invalid_token"' })
})

test.each([undefined, 'Basic YTpi', 'Bearer '])(
  'a request with authorization %j is refused',
  async (header) => {
    expect(await ask('GET', '/account', header)).toMatchObject({ status: 401, challenge: 'Bearer' })
  },
)

test('a token that may read may not write', async () => {
  const token = await tokenWith({ scope: 'accounts:read' })
  expect(await ask('GET', '/account', `Bearer ${token}`)).toMatchObject({ status: 200 })
  const answer = await ask('POST', '/transfers', `Bearer ${token}`)
  expect(answer).toMatchObject({ status: 403, challenge: 'Bearer error="insufficient_scope"' })
})

test('an issuer that cannot be asked for its keys makes no token wrong, and is asked again', async () => {
  const another = await startAPI({ issuer: issuer.url, audience: BANK_API.audience })
  const { error } = console
  const said: unknown[] = []
  console.error = (...line) => said.push(...line)
  try {
    keysAreThere = false
    const token = await tokenWith({})
    expect(await ask('GET', '/account', `Bearer ${token}`, another)).toMatchObject({ status: 500 })
    expect(said).toEqual([expect.stringContaining(`${issuer.url} answered 503`)])
    keysAreThere = true
    expect(await ask('GET', '/account', `Bearer ${token}`, another)).toMatchObject({ status: 200 })
  } finally {
    console.error = error
    await another.close()
  }
})
