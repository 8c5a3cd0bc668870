// ready() tells of all that is wrong, at the provider and in the store, and the log has the same.
import type { AuthOptions } from '../../src/index.ts'
import { startApp, type TestApp } from '../support/app/app.ts'
import { Browser } from '../support/browser/browser.ts'
import { createLog } from '../support/evidence.ts'
import { freePort } from '../support/listen.ts'
import { startProvider } from '../support/provider/provider.ts'
import { createStarted, useParts } from '../support/servers.ts'

const log = createLog()
const { provider } = useParts(async (start) => ({ provider: await start(startProvider()) }))
const started = createStarted()
beforeEach(() => {
  log.lines.length = log.told.length = 0
})
afterEach(async () => {
  provider.normal()
  await started.stop()
})

const open = (options: AuthOptions, redisUrl?: string): Promise<TestApp> =>
  started.start(
    startApp({
      provider,
      ...(redisUrl !== undefined && { redisUrl }),
      options: { clientID: 'x', clientSecret: 'y', logger: log.logger, ...options },
    }),
  )
const errorOf = ({ auth }: TestApp): Promise<unknown> => auth.ready().catch((thrown: unknown) => thrown)

const LACKING: AuthOptions = { userInfo: true, pushedAuthorizationRequests: true, idTokenSigningAlg: 'PS512' }
const lack = () =>
  provider.rewriteNext(
    'discovery',
    ({ userinfo_endpoint: _, pushed_authorization_request_endpoint: __, ...known }) => ({
      ...known,
      id_token_signing_alg_values_supported: ['RS256'],
    }),
  )
const SAID = [
  /^pushedAuthorizationRequests is true, but/,
  /^idTokenSigningAlg is PS512, but/,
  /^userInfo is asked/,
]

test.each<[what: string, issuer: (right: string) => string]>([
  ['localhost for 127.0.0.1', (right) => right.replace('127.0.0.1', 'localhost')],
  ['a slash too many', (right) => `${right}/realms/shop/`],
  ['another case', (right) => `${right}/realms/Shop`],
])(
  'an issuer with %s is told with both, and which option it is, by the error and by the log',
  async (_what, of) => {
    const right = `${provider.issuer}/realms/shop`
    // As a provider answers that takes any of them.
    provider.rewriteNext('discovery', (known) => ({ ...known, issuer: right }))
    const issuerBaseURL = of(provider.issuer)
    const isThere = issuerBaseURL.includes('/realms/')
    if (isThere) provider.answerAll('other', { status: 200, body: { issuer: right } })
    const error = (await errorOf(await open({ issuerBaseURL }))) as Error & { code: string }
    const said = `is that of the issuer ${JSON.stringify(right)}, but issuerBaseURL is "${issuerBaseURL}`
    expect([error.code, error.message]).toEqual(['invalid_option', expect.stringContaining(said)])
    expect(error.message).toContain('they have to be equal, to the letter')
    expect(log.told).toMatchObject([{ level: 'error', line: expect.stringContaining(said) }])
  },
)

test.each(['/auth', '/realms/wrong'])(
  'an issuer with %s is told with what was asked, and what it looks like',
  async (path) => {
    const issuerBaseURL = provider.issuer + path
    const error = (await errorOf(await open({ issuerBaseURL }))) as Error & { code: string }
    const said = `${issuerBaseURL}/.well-known/openid-configuration answered 404, and the provider's discovery document has to be there: is the issuer whole, as https://HOST/realms/REALM of Keycloak`
    expect([error.code, error.message]).toEqual(['invalid_option', expect.stringContaining(said)])
    expect(log.told).toMatchObject([{ level: 'error', line: expect.stringContaining(said) }])
  },
)

test('all that the provider lacks is said by one error, a line each, and once by the log', async () => {
  lack()
  const app = await open(LACKING)
  const { code, message } = (await errorOf(app)) as { code: string; message: string }
  await errorOf(app)
  const [title, ...lines] = message.split('\n')
  expect([code, title]).toEqual(['invalid_option', 'auth(): 3 options need a change:'])
  expect(lines.map((line) => line.replace(/^- /, ''))).toEqual(
    SAID.map((said) => expect.stringMatching(said)),
  )
  expect(log.told).toEqual(
    SAID.map((said) => ({
      level: 'error',
      line: expect.stringMatching(new RegExp(`^express-bff-session: ${said.source.slice(1)}`)),
      fields: { event: 'setup' },
    })),
  )
})

test('an app that does not ask hears of it at the first login', async () => {
  lack()
  const app = await open({ userInfo: true })
  for (const _time of [1, 2]) await new Browser().navigate(`${app.url}/login`, { stopAt: () => true })
  expect(log.lines).toEqual([expect.stringMatching(/userInfo is asked for, but .* has no userinfo_endpoint/)])
})

test('a provider and a Redis that are both out of reach are both named', async () => {
  const [one, other] = [await freePort(), await freePort()]
  const issuerBaseURL = `http://127.0.0.1:${one}`
  const app = await open({ issuerBaseURL }, `redis://me:word-of-nobody@127.0.0.1:${other}`)
  const error = (await errorOf(app)) as { code: string; cause: Error }
  expect(error.code).toBe('provider_unavailable')
  expect(error.cause.message).toMatch(
    new RegExp(
      `Discovery of ${issuerBaseURL}/ failed: .*ECONNREFUSED.*; Redis at 127\\.0\\.0\\.1:${other} cannot`,
    ),
  )
  expect([error.cause.message, ...log.lines].join()).not.toContain('word-of-nobody')
  expect(log.told.map(({ level }) => level)).toEqual(['error', 'error'])
})

test('what no waiting mends goes before what it does', async () => {
  provider.answerAll('discovery', { status: 404 })
  const app = await open({}, `redis://127.0.0.1:${await freePort()}`)
  expect(await errorOf(app)).toMatchObject({ code: 'invalid_option' })
  expect(log.lines).toHaveLength(2)
  expect(log.lines.join()).toContain('answered 404')
  expect(log.lines.join()).toContain('Redis at')
})
