// How the client says at the token endpoint who it is, and that a public client has nothing to say.
import type { AuthOptions } from '../../src/index.ts'
import { startApp } from '../support/app.ts'
import { Browser } from '../support/browser.ts'
import { startProvider, type TestProvider } from '../support/provider.ts'
import type { ClientOptions } from '../support/provider-client.ts'

let provider: TestProvider
beforeAll(async () => {
  provider = await startProvider()
})
afterAll(() => provider?.stop())

/** Logs in, renews and logs out as that client; every request to the provider with its way of authentication. */
async function useClient(client: ClientOptions, clientAuthMethod?: AuthOptions['clientAuthMethod']) {
  const { clientId, clientSecret } = await provider.registerClient({
    ...client,
    baseURL: 'http://localhost:1',
  })
  const options = { clientID: clientId, clientSecret, ...(clientAuthMethod && { clientAuthMethod }) }
  const app = await startApp({ provider, options })
  // Again, now that its address is known.
  await provider.registerClient({
    ...client,
    baseURL: app.url,
    clientId,
    ...(clientSecret && { clientSecret }),
  })
  const before = provider.requests().length
  const browser = new Browser()
  try {
    const page = await browser.logIn(app.url, { user: clientId })
    expect(page.json()).toMatchObject({ sub: clientId })
    expect((await browser.request('POST', `${app.url}/fresh`)).json()).toMatchObject({ generation: 2 })
    await browser.request('POST', `${app.url}/logout`)
  } finally {
    await app.stop()
  }
  return provider
    .requests()
    .slice(before)
    .filter(({ endpoint }) => endpoint === 'token' || endpoint === 'revocation')
}

test.each([
  ['a public client sends no secret', { public: true }, undefined, 'none'],
  ['a confidential client sends its secret by HTTP Basic', {}, undefined, 'basic'],
  [
    'client_secret_post sends it in the form',
    { authMethod: 'client_secret_post' },
    'client_secret_post',
    'post',
  ],
  [
    // client-secret-basic: RFC 6749 §2.3.1
    'both parts of HTTP Basic are form-encoded',
    { clientId: 'a client/1:2+3%4', clientSecret: 'a+secret: with/ everything%20in=it&' },
    'client_secret_basic',
    'basic',
  ],
] as const)('%s', async (_name, client, method, authorization) => {
  const requests = await useClient(client, method)
  expect(requests).toMatchObject([
    { grantType: 'authorization_code', authorization, status: 200 },
    { grantType: 'refresh_token', authorization, status: 200 },
    { endpoint: 'revocation', authorization, status: 200 },
  ])
})
