// HTTP Basic with a name and a secret of any letters: both parts are form-encoded (RFC 6749 §2.3.1).
import { createServer } from 'node:http'
import { startApp } from '../support/app/app.ts'
import { Browser } from '../support/browser/browser.ts'
import { closeServer, listen } from '../support/listen.ts'
import { startProvider, type TestProvider } from '../support/provider/provider.ts'

let provider: TestProvider
beforeAll(async () => {
  provider = await startProvider()
})
afterAll(() => provider?.stop())

/** A token endpoint of the test's own: oidc-provider knows clients with ASCII names only. */
async function startTokenEndpoint(answer: () => Promise<object>) {
  const authorizations: string[] = []
  const server = createServer(async (req, res) => {
    authorizations.push(req.headers.authorization ?? '')
    res.setHeader('content-type', 'application/json').end(JSON.stringify(await answer()))
  })
  const url = `http://127.0.0.1:${await listen(server, '127.0.0.1')}/token`
  return { url, authorizations, stop: () => closeServer(server) }
}

test.each([
  ['colons, percent signs, plus signs and spaces', 'a client/1:2+3%4', 'a+secret: with/ everything%20in=it&'],
  ['other letters', 'Müller & 漢字', 'pä$$wörd: 100 % + ✓'],
  ['what encodeURIComponent leaves as it is', "it's-me!_(*)~.", "~(*)!'._-"],
])('client-secret-basic: %s come through, at login and at renewal', async (_what, clientID, clientSecret) => {
  let nonce: string | null = null
  const endpoint = await startTokenEndpoint(async () => {
    const now = Math.floor(Date.now() / 1000)
    const claims = { iss: provider.issuer, sub: 'alice', aud: clientID, nonce, iat: now, exp: now + 3600 }
    const id_token = await provider.signIdToken(claims)
    return { access_token: 'access', token_type: 'Bearer', refresh_token: 'refresh', id_token }
  })
  provider.rewriteNext('discovery', (json) => ({ ...json, token_endpoint: endpoint.url }))
  const app = await startApp({ provider, options: { clientID, clientSecret } })
  const browser = new Browser()
  try {
    const { headers } = await browser.navigate(`${app.url}/login`, { stopAt: () => true })
    const { searchParams: asked } = new URL(headers.location ?? '')
    expect(asked.get('client_id')).toBe(clientID)
    nonce = asked.get('nonce')
    const answer = new URLSearchParams({ code: 'c', iss: provider.issuer, state: `${asked.get('state')}` })
    expect((await browser.navigate(`${app.url}/callback?${answer}`)).json()).toMatchObject({ sub: 'alice' })
    expect((await browser.request('POST', `${app.url}/fresh`)).json()).toMatchObject({ generation: 2 })
  } finally {
    await app.stop()
    await endpoint.stop()
  }
  expect(endpoint.authorizations).toHaveLength(2)
  for (const authorization of endpoint.authorizations) {
    const pair = Buffer.from(authorization.replace(/^Basic /, ''), 'base64').toString()
    expect(pair).toMatch(/^[\w.*%+-]+:[\w.*%+-]+$/)
    const decoded = pair.split(':').map((part) => new URLSearchParams(`part=${part}`).get('part'))
    expect(decoded).toEqual([clientID, clientSecret])
  }
})
