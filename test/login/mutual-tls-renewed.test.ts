// `mutualTLS` as a function: the client's certificate is renewed while the process runs. The next request shows the new one,
// connections of the old one end by themselves, and what cannot be shown changes nothing but the log.
import type { AuthOptions, MutualTLSOptions } from '../../src/index.ts'
import { startApp } from '../support/app/app.ts'
import { nameOf, useMutualTLSFixture } from '../support/app/mutual-tls-fixture.ts'
import { Browser } from '../support/browser/browser.ts'
import { eventually } from '../support/deadline.ts'
import { createLog } from '../support/evidence.ts'
import type { Certificate } from '../support/provider/certificates.ts'
import { logIn } from '../support/session/logged-in.ts'

const { certificates, provider, apps } = useMutualTLSFixture()

const withCA = ({ cert, key }: Certificate): MutualTLSOptions => ({ cert, key, ca: certificates.ca })
/** With which certificates the last requests to the token endpoint came. */
const shownSince = (from: number) =>
  provider
    .tokenRequests()
    .slice(from)
    .map(({ certificate }) => certificate)

let answer: () => unknown

async function start(options: AuthOptions = {}) {
  const { lines, logger } = createLog()
  const client = {
    authMethod: 'tls_client_auth',
    metadata: { tls_client_auth_subject_dn: 'CN=the client' },
  } as const
  const mutualTLS = (() => answer()) as () => MutualTLSOptions
  const app = await startApp({
    provider,
    client,
    options: { mutualTLS, logger, clientAuthMethod: 'tls_client_auth', ...options },
  })
  apps.push(app)
  return { app, lines }
}

test.each<[string, (options: MutualTLSOptions) => unknown]>([
  ['at once', (options) => options],
  ['by a promise', async (options) => options],
])('the certificate that it gives %s is shown, the next one with the next request', async (_how, give) => {
  answer = () => give(withCA(certificates.client))
  const [fromConnection, from] = [provider.shownCertificates().length, provider.tokenRequests().length]
  const { app, lines } = await start()
  const { get, user } = await logIn(provider, app.url)
  await get(`${app.url}/fresh`)
  answer = () => give(withCA(certificates.renewed))
  expect((await get(`${app.url}/fresh`)).json()).toMatchObject({ sub: user, generation: 3 })
  await get(`${app.url}/fresh`)
  const [before, after] = [nameOf(certificates.client), nameOf(certificates.renewed)]
  expect(shownSince(from)).toEqual([before, before, after, after])
  // One connection each, and the first has ended.
  const connections = () => provider.shownCertificates().slice(fromConnection)
  // Long before they would end for want of use.
  await eventually(
    'the connections of the old one to end',
    () => connections().every(({ thumbprint, isOpen }) => isOpen === (thumbprint === after)),
    3000,
  )
  expect(new Set(connections().map((one) => one.thumbprint))).toEqual(new Set([before, after]))
  expect(connections().filter((one) => one.thumbprint === after)).toHaveLength(1)
  expect(lines).toEqual([])
})

test('the same one in other buffers keeps its connections', async () => {
  answer = () => {
    const { cert, key } = certificates.client
    return { cert: Buffer.from(cert), key: Buffer.from(key), ca: Buffer.from(certificates.ca) }
  }
  const { app } = await start()
  const { get } = await logIn(provider, app.url)
  const before = provider.shownCertificates().length
  for (const generation of [2, 3, 4])
    expect((await get(`${app.url}/fresh`)).json()).toMatchObject({ generation })
  expect(provider.shownCertificates()).toHaveLength(before)
})

test('a request that is under way ends well on the old one', async () => {
  answer = () => withCA(certificates.client)
  const from = provider.tokenRequests().length
  const { app } = await start()
  const [{ get, user }, other] = [await logIn(provider, app.url), await logIn(provider, app.url)]
  const held = provider.holdNext('token')
  const waiting = get(`${app.url}/fresh`)
  await held.arrived
  answer = () => withCA(certificates.renewed)
  expect((await other.get(`${app.url}/fresh`)).json()).toMatchObject({ sub: other.user, generation: 2 })
  held.release()
  expect((await waiting).json()).toMatchObject({ sub: user, generation: 2 })
  const [before, after] = [nameOf(certificates.client), nameOf(certificates.renewed)]
  expect(shownSince(from)).toEqual([before, before, before, after])
})

const FAULTS: [what: string, answer: () => unknown, told: RegExp][] = [
  ['throws', () => JSON.parse('{k7Q'), /mutualTLS is a function that threw an error; it must give/],
  ['rejects', () => Promise.reject(new Error('k7Q')), /mutualTLS is a function that threw an error/],
  [
    'throws from a getter',
    () => ({
      ...certificates.renewed,
      get key() {
        throw new Error('k7Q')
      },
    }),
    /mutualTLS is a function that threw an error/,
  ],
  ['gives nothing', () => undefined, /mutualTLS must be \{ cert, key \}, in PEM/],
  ['gives a path', async () => '/k7Q', /mutualTLS must be an object/],
  ['gives no PEM', () => ({ cert: 'k7Q', key: 'k7Q' }), /mutualTLS\.cert is no certificate in PEM/],
  [
    'gives the key of another',
    () => withCA({ cert: certificates.renewed.cert, key: certificates.stranger.key }),
    /mutualTLS\.key is not the private key of mutualTLS\.cert/,
  ],
  [
    'gives a path to trust',
    () => ({ ...certificates.renewed, ca: '/k7Q' }),
    /mutualTLS\.ca is no certificate/,
  ],
  ['gives another name', () => ({ ...certificates.renewed, pfx: 'k7Q' }), /mutualTLS\.pfx is not an option/],
]

test.each(FAULTS)(
  'one that %s later leaves the last certificate in use, and the log says why',
  async (_what, fault, told) => {
    answer = () => withCA(certificates.client)
    const { app, lines } = await start()
    const { get } = await logIn(provider, app.url)
    const from = provider.tokenRequests().length
    answer = fault
    for (const generation of [2, 3])
      expect((await get(`${app.url}/fresh`)).json()).toMatchObject({ generation })
    expect(shownSince(from)).toEqual([nameOf(certificates.client), nameOf(certificates.client)])
    expect(lines).toEqual([
      expect.stringMatching(
        /^express-bff-session: a new client certificate cannot be used, so the last good one stays in use: /,
      ),
    ])
    expect(lines[0]).toMatch(told)
    expect(lines[0]).not.toMatch(/k7Q|-----/)
    answer = () => withCA(certificates.renewed)
    await get(`${app.url}/fresh`)
    expect(shownSince(from).at(-1)).toBe(nameOf(certificates.renewed))
  },
)

test('one that does not answer is waited for once, and by nobody after that until it does', async () => {
  let [asked, give] = [0, (_options: MutualTLSOptions) => {}]
  answer = () => withCA(certificates.client)
  const { app, lines } = await start({ httpTimeoutSeconds: 4 })
  const { get } = await logIn(provider, app.url)
  const from = provider.tokenRequests().length
  answer = () => {
    asked += 1
    return new Promise<MutualTLSOptions>((resolve) => {
      give = resolve
    })
  }
  expect((await get(`${app.url}/fresh`)).json()).toMatchObject({ generation: 2 })
  const since = performance.now()
  expect((await get(`${app.url}/fresh`)).json()).toMatchObject({ generation: 3 })
  // The wait is two seconds.
  expect(performance.now() - since).toBeLessThan(2000)
  expect(asked).toBe(1)
  expect(lines).toEqual([expect.stringContaining('mutualTLS() gave nothing in time')])
  answer = () => withCA(certificates.renewed)
  give(withCA(certificates.renewed))
  await get(`${app.url}/fresh`)
  await get(`${app.url}/fresh`)
  expect(shownSince(from).at(-1)).toBe(nameOf(certificates.renewed))
})

test('one that never answers is asked again after a while, and what it says at last is too late', async () => {
  answer = () => withCA(certificates.client)
  const { app } = await start({ httpTimeoutSeconds: 1 })
  const { get } = await logIn(provider, app.url)
  const from = provider.tokenRequests().length
  let say = (_options: MutualTLSOptions) => {}
  answer = () =>
    new Promise<MutualTLSOptions>((resolve) => {
      say = resolve
    })
  await get(`${app.url}/fresh`)
  answer = () => withCA(certificates.renewed)
  const renewed = nameOf(certificates.renewed)
  await eventually('the renewed one to be shown', async () => {
    await get(`${app.url}/fresh`)
    return shownSince(from).at(-1) === renewed
  })
  say(withCA(certificates.client))
  await get(`${app.url}/fresh`)
  expect(shownSince(from).at(-1)).toBe(renewed)
})

test('one that never answered at the start is asked again by whoever logs in next', async () => {
  answer = () => new Promise(() => {})
  const { app } = await start({ httpTimeoutSeconds: 1 })
  await expect(app.auth.ready()).rejects.toMatchObject({ code: 'provider_unavailable' })
  answer = () => withCA(certificates.client)
  await eventually('the provider to be asked again', () =>
    app.auth.ready().then(
      () => true,
      () => false,
    ),
  )
})

test('one that is slow each time is taken all the same, also where nothing is known before it', async () => {
  const open: (() => void)[] = []
  answer = () =>
    new Promise<MutualTLSOptions>((resolve) => open.push(() => resolve(withCA(certificates.client))))
  const { app } = await start({ httpTimeoutSeconds: 1 })
  const isReady = () =>
    app.auth.ready().then(
      () => true,
      () => false,
    )
  // Whoever comes next asks a second time before the first is answered.
  await eventually('a second question', async () => (await isReady()) || open.length > 1)
  answer = () => new Promise(() => {})
  open[0]?.()
  await eventually('the first answer to be taken', isReady)
})

test.each(FAULTS.slice(0, 2))(
  'one that %s from the beginning logs nobody in, is told, and can be mended',
  async (_what, fault, told) => {
    answer = fault
    const { app } = await start()
    await expect(app.auth.ready()).rejects.toMatchObject({ code: 'provider_unavailable' })
    const [first] = app.events
    expect(first).toEqual({ name: 'provider-unavailable', event: { detail: expect.stringMatching(told) } })
    expect(JSON.stringify(app.events)).not.toMatch(/k7Q|-----/)
    answer = () => withCA(certificates.client)
    await eventually('the provider to be asked again', () =>
      app.auth.ready().then(
        () => true,
        () => false,
      ),
    )
    expect((await new Browser().logIn(app.url)).status).toBe(200)
  },
)
