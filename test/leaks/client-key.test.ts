// The client's private keys in anything that an app can look at, while it uses them and while they fail it.
import { createPrivateKey } from 'node:crypto'
import type { Request, Response } from 'express'
import { type AuthOptions, auth } from '../../src/index.ts'
import { startApp } from '../support/app/app.ts'
import { Browser } from '../support/browser/browser.ts'
import { createLog } from '../support/evidence.ts'
import { createCertificates } from '../support/provider/certificates.ts'
import { startProvider } from '../support/provider/provider.ts'
import { useParts } from '../support/servers.ts'
import { createHaystack } from './search.ts'

const { lines, told, logger } = createLog()
const haystack = createHaystack()
const warned: unknown[] = []
const onWarning = (warning: Error) => void warned.push(warning)

const { certificates, provider, apps } = useParts(async (start) => {
  process.on('warning', onWarning)
  const certificates = await createCertificates()
  const { server, ca, client, selfSigned } = certificates
  const provider = await start(
    startProvider({
      tls: { ...server, ca },
      configure: (configuration) => ({
        ...configuration,
        clientAuthMethods: [...(configuration.clientAuthMethods ?? []), 'private_key_jwt'],
        features: { ...configuration.features, requestObjects: { enabled: true } },
      }),
    }),
  )
  const { kty, crv, x, y } = createPrivateKey(selfSigned.key).export({ format: 'jwk' })
  const app = await start(
    startApp({
      provider,
      client: { authMethod: 'private_key_jwt', metadata: { jwks: { keys: [{ kty, crv, x, y }] } } },
      options: options(selfSigned.key, { mutualTLS: { ...client, ca } }),
    }),
  )
  /** Whoever is not trusted, or has no such address. */
  const { cert, key } = client
  const stranger = await start(
    startApp({ provider, options: options(selfSigned.key, { mutualTLS: { cert, key } }) }),
  )
  return { certificates, provider, apps: { app, stranger } }
})
afterAll(() => void process.off('warning', onWarning))

function options(clientAssertionSigningKey: string, more: AuthOptions): AuthOptions {
  return {
    clientAssertionSigningKey,
    pushedAuthorizationRequests: true,
    signedAuthorizationRequests: true,
    // So that a provider that hangs is given up, and a busy machine is not taken for one.
    httpTimeoutSeconds: 3,
    renewal: { timeoutSeconds: 3 },
    logger,
    ...more,
  }
}

test('no private key is in a log line, an event, an error, an answer, or the handler', async () => {
  const { app, stranger } = apps
  app.server.prependListener('request', (_req: Request, res: Response) => {
    res.once('finish', () => haystack.add('a response', res))
  })
  const browser = new Browser()
  expect((await browser.logIn(app.url)).json()).toMatchObject({ sub: 'alice' })
  expect((await browser.request('POST', `${app.url}/fresh`)).json()).toMatchObject({ generation: 2 })
  for (const endpoint of ['pushed_request', 'token'] as const) {
    provider.answerNext(endpoint, { status: 401, body: { error: 'invalid_client' } })
    await browser.logIn(app.url)
    provider.cutNext(endpoint)
    await browser.logIn(app.url)
  }
  // Both are given up, at the same time.
  const other = new Browser()
  const callback = await other.startLogin(app.url)
  for (const endpoint of ['pushed_request', 'token'] as const) provider.holdNext(endpoint)
  await Promise.all([browser.logIn(app.url), other.navigate(callback)])
  provider.normal()
  provider.cutNext('token')
  expect((await browser.request('POST', `${app.url}/renew`)).status).toBe(503)
  await browser.request('POST', `${app.url}/logout`)
  await app.auth.close()

  await expect(stranger.auth.ready()).rejects.toThrow(/out of reach/)
  haystack.add('the events', [...app.events, ...stranger.events])
  haystack.add('an error of ready()', await stranger.auth.ready().catch((error: unknown) => error))
  for (const answer of [...browser.received, ...other.received]) haystack.add('an answer', answer)
  for (const each of told) haystack.add('a log line', JSON.stringify(each))
  for (const error of [...app.errors, ...warned]) haystack.add('an error', error)
  haystack.add('the handler', app.auth)
  haystack.add('the app', app.app)

  const keys = [certificates.selfSigned.key, certificates.client.key]
  const secrets = keys.flatMap((pem) => [
    ...pem.split('\n').filter((line) => line !== '' && !line.startsWith('-')),
    String(createPrivateKey(pem).export({ format: 'jwk' }).d),
  ])
  expect(secrets.length).toBeGreaterThan(6)
  expect(lines.length).toBeGreaterThan(1)
  expect(app.events.length).toBeGreaterThan(5)
  expect(haystack.size()).toBeGreaterThan(20)
  expect(haystack.find(secrets)).toEqual([])
  // A signed assertion lets whoever has it in for a minute.
  expect(lines.join('\n') + JSON.stringify([...app.events, ...stranger.events])).not.toContain('eyJ')
})

test('no private key is in what a mistake at the start leaves', () => {
  const { selfSigned, client, stranger } = certificates
  const base = { issuerBaseURL: 'https://a.example', baseURL: 'https://b.example', clientID: 'client' }
  const mistakes: AuthOptions[] = [
    { clientAssertionSigningKey: selfSigned.key, clientAssertionSigningAlg: 'RS256' },
    { clientAssertionSigningKey: selfSigned.key.slice(0, -60) },
    { clientAssertionSigningKey: { kty: 'EC', crv: 'P-256', d: selfSigned.key.split('\n')[1] ?? '' } },
    { mutualTLS: { cert: client.cert, key: stranger.key } },
    { mutualTLS: { cert: client.cert, key: client.key.slice(0, -60) } },
    { mutualTLS: { cert: client.key, key: client.key } },
  ]
  const found = createHaystack()
  for (const mistake of mistakes) {
    try {
      auth({ ...base, secret: 's'.repeat(32), ...mistake })
    } catch (error) {
      found.add('a mistake', error)
    }
  }
  expect(found.size()).toBe(mistakes.length)
  const keys = [selfSigned, client, stranger].flatMap(({ key }) => key.split('\n').slice(1, 3))
  expect(found.find(keys)).toEqual([])
})
