// Cookie headers letter by letter: several of them, and names that only look like ours (HOSTILE-INPUTS, "The session cookie").
import { sign } from 'cookie-signature'
import { startApp, type TestApp } from '../support/app/app.ts'
import { Browser } from '../support/browser/browser.ts'
import { rawExchange } from '../support/browser/raw-exchange.ts'
import { startProvider, type TestProvider } from '../support/provider/provider.ts'

const HTTPS_NAME = '__Host-Http-bff'
const HTTPS = 'https://app.example.test'
let provider: TestProvider
let app: TestApp
/** Reached over http, as behind a proxy; its cookie has the name of https. */
let secure: TestApp
let ours = ''

beforeAll(async () => {
  provider = await startProvider()
  app = await startApp({ provider })
  secure = await startApp({ provider, options: { baseURL: HTTPS } })
  const browser = new Browser()
  await browser.logIn(app.url, { user: 'owner' })
  ours = (await browser.cookies(app.url)).find(({ key }) => key === 'bff')?.value ?? ''
})
afterAll(async () => {
  await Promise.all([app?.stop(), secure?.stop()])
  await provider?.stop()
})

async function whoIs(headers: string[]): Promise<string> {
  const lines = headers.map((header) => `Cookie: ${header}`)
  const { status, body } = await rawExchange(app.url, ['GET /public HTTP/1.1', ...lines])
  expect(status).toBe(200)
  return JSON.parse(body).sub ?? 'anonymous'
}

const forged = `bff=${encodeURIComponent(`s:${sign('s-attacker', 'a secret of the attacker')}`)}`

test.each<[string, () => string[]]>([
  ['a forged one in a header before it', () => [forged, `bff=${ours}`]],
  ['a forged one in a header after it', () => [`bff=${ours}`, forged]],
  ['forged ones in headers all around it', () => [forged, '', `a=b; bff=${ours}; bff=`, forged]],
  ['an empty header', () => ['', `bff=${ours}`]],
  ['no blank between the cookies', () => [`a=b;bff=${ours};c=d`]],
  ['blanks and tabs between the cookies', () => [`a=b; \t bff=${ours} \t; c=d`]],
  ['a forged one of our name in other case', () => [`BFF=x; Bff=x; bff=${ours}`]],
  ['escapes in small letters', () => [`bff=${ours.replaceAll(/%../g, (each) => each.toLowerCase())}`]],
  ['nothing escaped', () => [`bff=${decodeURIComponent(ours)}`]],
])('the session is found with %s', async (_name, headers) => {
  expect(await whoIs(headers())).toBe('owner')
})

// Browsers let no other host set a cookie whose name begins with __Host-: what begins otherwise may be anybody's, and
// must not become ours by what is taken off it.
test.each([
  '\xa0bff',
  'bff\xa0',
  '\xa0\xa0bff',
  '\x85bff',
  '\xe2\x80\x80bff',
  '\xe2\x80\xa8bff',
  '\xef\xbb\xbfbff',
  '"bff"',
  '%62ff',
  'bff%20',
  'bff[]',
  'x bff',
  ',bff',
  '$bff',
])('a cookie named %j is not ours, though its value is', async (name) => {
  expect(await whoIs([`${name}=${ours}`])).toBe('anonymous')
  expect(await whoIs([`a=b; ${name}=${ours}`])).toBe('anonymous')
})

test.each(['s%3A\xff.\xff', '\xff\xfe', 's%3A%ff.%fe', '\t', '"', '""', '"s%3A.', 's%3A.', 's:.', '='])(
  'the value %j is anonymous',
  async (value) => {
    expect(await whoIs([`bff=${value}`])).toBe('anonymous')
  },
)

/** Logs in at the https app, by hand: no browser keeps its cookies over http. */
async function logInSecurely(): Promise<string> {
  const browser = new Browser()
  const stopAt = (url: URL) => url.origin === HTTPS
  const page = await browser.navigate(`${secure.url}/login`, { stopAt })
  const last = await browser.finish(page, { user: 'owner' }, stopAt)
  const [remembered = ''] = page.hops[0]?.headers['set-cookie']?.[0]?.split(';') ?? []
  const { search } = new URL(last.headers.location ?? '')
  const { head } = await rawExchange(secure.url, [`GET /callback${search} HTTP/1.1`, `Cookie: ${remembered}`])
  return new RegExp(`^set-cookie: ${HTTPS_NAME}=(s%3As-[^;]*)`, 'im').exec(head)?.[1] ?? ''
}

test('on https only the name with its prefix is ours', async () => {
  const value = await logInSecurely()
  const whoIsThere = async (name: string) => {
    const { body } = await rawExchange(secure.url, ['GET /public HTTP/1.1', `Cookie: ${name}=${value}`])
    return JSON.parse(body).sub ?? 'anonymous'
  }
  expect(await whoIsThere(HTTPS_NAME)).toBe('owner')
  const others = ['bff', '__Secure-bff', '__Host-bff', '__Http-bff', '__host-http-bff', `\xa0${HTTPS_NAME}`]
  for (const name of others) expect([name, await whoIsThere(name)]).toEqual([name, 'anonymous'])
})
