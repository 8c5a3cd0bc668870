// The documentation's tables are those that the sources make, and what the comments say of an option is what becomes of it.

import { generateKeyPairSync } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import express from 'express'
import request from 'supertest'
import {
  errorCodes,
  events,
  findings,
  options,
  outsideFindings,
  pages,
  tablesWithoutPage,
} from '../../scripts/docs-tables.mjs'
import { resolveRelayOptions } from '../../src/apis/relay-options.ts'
import type { AuthOptions } from '../../src/index.ts'
import { auth, requireAuth } from '../../src/index.ts'
import type { Config } from '../../src/options/config.ts'
import { resolveOptions } from '../../src/options/resolve-options.ts'

const root = join(import.meta.dirname, '../..')
const read = (file: string) => readFileSync(join(root, file), 'utf8')

const VALID = {
  issuerBaseURL: 'https://issuer.example.com',
  baseURL: 'https://app.example.com',
  clientID: 'client',
  clientSecret: 'the client’s secret',
  secret: 'a secret of the tables’ tests which is long enough',
}

const resolve = (given: object = {}, env: NodeJS.ProcessEnv = {}): Config =>
  resolveOptions({ ...VALID, ...given } as Parameters<typeof resolveOptions>[0], env)

/** What comes of options: a configuration, or the sentence that refuses them. */
function outcomeOf(make: () => unknown): unknown {
  try {
    return make()
  } catch (error) {
    return (error as Error).message
  }
}

const authOptions = [...options].filter(([table]) => table !== 'relay-options').flatMap(([, all]) => all)
const relayOptions = options.get('relay-options') ?? []

describe('the pages', () => {
  test.each(pages())('$file has the tables that the sources make (npm run docs:tables)', ({ text, made }) => {
    expect(text).toBe(made)
  })

  test('every table is on a page', () => {
    expect(tablesWithoutPage()).toEqual([])
  })

  test('the README is one page to read', () => {
    expect(read('README.md').split('\n').length).toBeLessThanOrEqual(320)
  })

  const anchorsOf = (text: string) =>
    [...text.replace(/^```.*?^```$/gms, '').matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    )

  test.each(pages())('every link of $file to a heading finds it', ({ file, text }) => {
    const links = [...text.matchAll(/\]\(([\w./-]*\.md)?#([^)]+)\)/g)].map(([, page, anchor = '']) => ({
      page: page === undefined ? file : join(file, '..', page),
      anchor,
    }))
    expect(links.filter(({ page, anchor }) => !anchorsOf(read(page)).includes(anchor))).toEqual([])
  })
})

describe('the options', () => {
  /** The names that `auth()` knows, which it says where it is given another. */
  const namesIn = (make: () => unknown): string[] =>
    (/the options are (.*)$/.exec(String(outcomeOf(make)))?.[1] ?? '').split(', ')
  const odd = { zzzzzzzzzzzzzzzzzzzz: true }
  const documented = (...groups: string[]) =>
    groups.flatMap((group) => options.get(group) ?? []).map(({ name }) => name)

  const cookieOptions = documented('session-options').filter((name) => name.includes('cookie.'))

  test.each<[group: string, known: string[], named: string[]]>([
    ['auth()', namesIn(() => resolve(odd)), documented('options', 'client-options', 'store-options')],
    ['routes', namesIn(() => resolve({ routes: odd })), documented('routes-options')],
    ['renewal', namesIn(() => resolve({ renewal: odd })), documented('renewal-options')],
    ['login', namesIn(() => resolve({ login: odd })), documented('login-options')],
    ['provider', namesIn(() => resolve({ provider: odd })), documented('provider-options')],
    [
      'session',
      namesIn(() => resolve({ session: odd })),
      [...new Set(documented('session-options').map((name) => name.replace(/cookie\..*/, 'cookie')))],
    ],
    ['tenant', namesIn(() => resolve({ baseURL: undefined, tenant: odd })), documented('tenant-options')],
    ['userInfo', namesIn(() => resolve({ userInfo: odd })), documented('user-info-options')],
    ['logout', namesIn(() => resolve({ logout: odd })), documented('logout-options')],
    ['session.cookie', namesIn(() => resolve({ session: { cookie: odd } })), cookieOptions],
    ['mutualTLS', namesIn(() => resolve({ mutualTLS: odd })), documented('mutual-tls-options')],
    [
      'apis[]',
      ['origin', ...namesIn(() => resolve({ apis: [{ origin: 'https://api.example.com', ...odd }] }))],
      documented('api-options'),
    ],
    [
      'relay()',
      namesIn(() => resolveRelayOptions({ target: 'https://api.example.com', ...odd })),
      documented('relay-options'),
    ],
  ])('%s: those that are known stand in the table, and no others', (_group, known, named) => {
    expect(named.map((name) => name.replace(/^.*\./, '')).sort()).toEqual([...known].sort())
  })

  test('each says what it is', () => {
    expect([...authOptions, ...relayOptions].filter(({ what }) => what === '')).toEqual([])
  })
})

describe('the defaults', () => {
  const nested = (name: string, value: unknown): object =>
    name.split('.').reduceRight<unknown>((inner, key) => ({ [key]: inner }), value) as object
  const literalIn = (fallback = '') => /^`([^`]+)`/.exec(fallback)?.[1]
  const evaluated = (literal: string): unknown => new Function(`return (${literal})`)()
  const withLiteral = (all: readonly { name: string; fallback: string | undefined }[]) =>
    all.flatMap(({ name, fallback }) => {
      const literal = literalIn(fallback)
      return literal === undefined ? [] : [{ name, literal }]
    })

  /** Of the same kind, and nobody's default. */
  function another(value: unknown): unknown {
    if (typeof value === 'boolean') return !value
    if (typeof value === 'number') return value === 0 ? 1 : value / 2
    if (typeof value === 'string') return `${value}x`
    if (Array.isArray(value)) return value.slice(1)
    if (value === console) return { warn() {} }
    return Object.fromEntries(Object.entries(value as object).map(([key, one]) => [key, another(one)]))
  }

  const ENVIRONMENTS = [{}, { NODE_ENV: 'production' }]
  const authOutcomes = (given: object) =>
    ENVIRONMENTS.map((env) =>
      outcomeOf(() => {
        const { tenants, ...config } = resolve(given, env)
        // A function of its own each time.
        const { configsOf: _, ...tenant } = tenants ?? {}
        return { ...config, tenant }
      }),
    )
  const ONE_TENANT = { baseURL: undefined, tenant: { key: () => undefined, resolve: () => undefined } }
  /** Beside what has to be given for it. */
  function around(name: string, value?: unknown): object {
    if (name === 'redis.nearCache') return { redis: { url: 'redis://localhost', nearCache: value } }
    const given: AuthOptions = nested(name, value)
    if (!name.startsWith('tenant.')) return given
    return { ...ONE_TENANT, tenant: { ...ONE_TENANT.tenant, ...given.tenant } }
  }

  test.each(withLiteral(authOptions))('$name is $literal where it is not given', ({ name, literal }) => {
    const left = authOutcomes(around(name, undefined))
    expect(authOutcomes(around(name, evaluated(literal)))).toEqual(left)
    expect(authOutcomes(around(name, another(evaluated(literal))))).not.toEqual(left)
  })

  test.each(withLiteral(relayOptions))('relay(): $name is $literal where it is not given', (option) => {
    const outcome = (value?: unknown) =>
      outcomeOf(() => resolveRelayOptions({ target: 'https://api.example.com', [option.name]: value }))
    const value = evaluated(option.literal)
    expect(outcome(value)).toEqual(outcome())
    expect(outcome(another(value))).not.toEqual(outcome())
  })

  const publicClient = { clientSecret: undefined }
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })

  /** Those that no literal can say. */
  const IN_WORDS: Record<string, () => void> = {
    apis: () => expect(resolve().apis).toEqual([]),
    allowedOrigins: () => expect(resolve().origins).toEqual([VALID.baseURL]),
    afterCallback: () => expect(resolve().afterCallback).toBeUndefined(),
    onCallbackError: () => expect(resolve().onCallbackError).toBeUndefined(),
    afterRenewal: () => expect(resolve().afterRenewal).toBeUndefined(),
    onError: () => expect(resolve().onError).toBeUndefined(),
    onChooseProvider: () => expect(resolve().onChooseProvider).toBeUndefined(),
    providers: () => expect(resolve().providerName).toBeUndefined(),
    clientSecret: () =>
      expect(resolve(publicClient)).toMatchObject({ clientSecret: undefined, clientAuthMethod: 'none' }),
    clientAssertionSigningKey: () => expect(resolve().clientAssertion).toBeUndefined(),
    clientAssertionSigningAlg: () =>
      expect(resolve({ ...publicClient, clientAssertionSigningKey: privateKey })).toMatchObject({
        clientAuthMethod: 'private_key_jwt',
        clientAssertion: { alg: 'ES256' },
      }),
    'login.params': () => expect(resolve().login.params).toEqual([]),
    'login.appState': () => expect(resolve().login.appState).toBeUndefined(),
    mutualTLS: () => expect(resolve().mutualTLS).toBeUndefined(),
    'mutualTLS.ca': () => {},
    'provider.metadata': () => expect(resolve().provider.metadata).toEqual({}),
    'provider.discoveryURL': () =>
      expect(resolve().provider.discoveryURL).toBe(`${VALID.issuerBaseURL}/.well-known/openid-configuration`),
    'provider.fetch': () => expect(resolve().provider.fetch).toBeUndefined(),
    'provider.ca': () => expect(resolve().provider.ca).toBeUndefined(),
    'provider.allowInsecureHTTP': () => expect(resolve().provider.plainHTTP).toEqual([]),
    redis: () => {
      expect(resolve().redis).toBeUndefined()
      expect(outcomeOf(() => resolve({}, { NODE_ENV: 'production' }))).toMatch(/REDIS_URL.*is required/)
    },
    'userInfo.claims': () => {
      expect(resolve({ userInfo: {} }).userInfo).toEqual({ claims: undefined, atRenewal: false })
      expect(resolve({ userInfo: true }).userInfo).toEqual(resolve({ userInfo: {} }).userInfo)
    },
    'logout.endpoint': () => expect(resolve().logout.endpoint).toBeUndefined(),
    'logout.params': () => expect(resolve().logout.params).toEqual({}),
    allowedReturnOrigins: () => expect(resolve().returnOrigins).toEqual([]),
    tenants: () => expect(resolve().issuerTenants).toBeUndefined(),
    'tenant.former': () => expect(resolve(ONE_TENANT).tenants?.former).toBeUndefined(),
    'session.touches': () => expect(resolve().session.touches).toBeUndefined(),
    'session.cookie.domain': () => expect(resolve().session.cookie).not.toHaveProperty('domain'),
    'renewal.aheadSeconds': () =>
      expect(resolve({ renewal: { afterSeconds: 50 } }).renewal.aheadSeconds).toBe(10),
  }

  test.each(Object.entries(IN_WORDS))('%s is what its words say', (_name, check) => check())

  test('what comes after a literal holds too: the cookie’s name on http', () => {
    const told = authOptions.find(({ name }) => name === 'session.name')?.fallback
    expect(told).toMatch(/ on https, else `'bff'`$/)
    expect(resolve({ baseURL: 'http://localhost:3000' }).session.name).toBe('bff')
  })

  test('relay(): every method but two, the token of the login, no further header', () => {
    expect(resolveRelayOptions({ target: 'https://api.example.com' })).toMatchObject({
      methods: expect.not.arrayContaining(['TRACE', 'CONNECT']),
      wanted: { audience: undefined, scope: undefined },
      requestHeaders: [],
      responseHeaders: [],
    })
  })

  test('every option is required, has a default, or is a group with a table of its own', () => {
    const inWords = authOptions.filter(
      ({ name, fallback }) =>
        fallback !== 'required' &&
        literalIn(fallback) === undefined &&
        !['routes', 'renewal', 'login', 'provider', 'tenant', 'session', 'logout'].includes(name) &&
        // What each of `apis` may say is no option that is left to a default.
        !name.startsWith('apis[]'),
    )
    expect(inWords.map(({ name }) => name).sort()).toEqual(Object.keys(IN_WORDS).sort())
    for (const { name, fallback } of [...inWords, ...relayOptions])
      expect([name, fallback]).not.toContain(undefined)
  })

  test('what is required is', () => {
    const names = authOptions.filter(({ fallback, name }) => fallback === 'required' && !/[.[]/.test(name))
    for (const { name } of names)
      expect(outcomeOf(() => resolve({ [name]: undefined }))).toContain(`auth(): ${name} `)
    expect(names).toHaveLength(4)
  })
})

describe('the environment', () => {
  const told = authOptions.flatMap(({ name, environment }) =>
    [...environment.matchAll(/`([A-Z_]+)`/g)].map(([, variable = '']) => ({ name, variable })),
  )
  const SECRETS = ['x'.repeat(32), 'y'.repeat(32)]
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  /** What is in the variable, and the options that say the same. */
  const SAMPLES: Record<string, [text: string, same: object]> = {
    ISSUER_BASE_URL: ['https://other.example.com', { issuerBaseURL: 'https://other.example.com' }],
    BASE_URL: ['https://shop.example.com', { baseURL: 'https://shop.example.com' }],
    CLIENT_ID: ['other', { clientID: 'other' }],
    CLIENT_SECRET: ['other secret', { clientSecret: 'other secret' }],
    SECRET: [SECRETS.join(','), { secret: SECRETS }],
    REDIS_URL: ['redis://localhost', { redis: 'redis://localhost' }],
    SCOPE: ['openid email', { authorizationParams: { scope: 'openid email' } }],
    AUDIENCE: ['https://api.example.com', { authorizationParams: { audience: 'https://api.example.com' } }],
    AUTH_PROMPT: ['consent', { authorizationParams: { prompt: 'consent' } }],
    RENEW_AFTER_SECONDS: ['60', { renewal: { afterSeconds: 60 } }],
    CLIENT_ASSERTION_SIGNING_KEY: [pem, { clientAssertionSigningKey: pem }],
  }

  test.each(told)('$name may come from $variable', ({ name, variable }) => {
    const [text, same] = SAMPLES[variable] ?? ['', {}]
    const [group = ''] = name.split('.')
    expect(Object.keys(same)).toEqual([group])
    const left = name === 'clientAssertionSigningKey' ? { clientSecret: undefined } : { [group]: undefined }
    const config = resolve(left, { [variable]: text })
    expect(JSON.stringify(config)).toBe(JSON.stringify(resolve({ ...left, ...same })))
    expect(JSON.stringify(config)).not.toBe(JSON.stringify(outcomeOf(() => resolve(left))))
  })

  test('every variable that is read is told, and no other', () => {
    const folder = join(root, 'src/options')
    const sources = readdirSync(folder).map((file) => readFileSync(join(folder, file), 'utf8'))
    const used = sources.flatMap((text) => [...text.matchAll(/\benv\.([A-Z_]+)/g)].map(([, name]) => name))
    expect([...new Set(used)].filter((name) => name !== 'NODE_ENV').sort()).toEqual(
      told.map(({ variable }) => variable).sort(),
    )
  })
})

describe('the events', () => {
  test('each says when it comes, and each is emitted', () => {
    const src = join(root, 'src')
    const sources = readdirSync(src, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts') && file !== 'events/events.ts')
      .map((file) => readFileSync(join(src, file), 'utf8'))
      .join('\n')
    for (const { name, what } of events) {
      expect(what).not.toBe('')
      expect(sources).toContain(`'${name}'`)
    }
  })
})

test('docs/doctor.md has a cure for each finding, and for nothing else', () => {
  const [, cures = ''] = read('docs/doctor.md').split('\n## Cures\n')
  const cured = [...cures.matchAll(/^\| `([\w-]+)` \| \S/gm)].map(([, name]) => name)
  expect(cured).toEqual([...findings, ...outsideFindings].map(({ name }) => name))
})

describe('the errors', () => {
  const page = read('docs/errors.md')
  const sections = page
    .split(/^## /m)
    .slice(1)
    .map((section) => ({ code: /^.*/.exec(section)?.[0] ?? '', text: section.replace(/^.*\n/, '') }))

  test('each code has a section of its own, in the order of the table', () => {
    expect(sections.map(({ code }) => code)).toEqual(errorCodes.map(({ name }) => name))
  })

  test.each(sections)('$code: the section says why, and what to do', ({ text }) => {
    expect(text).toMatch(
      /^\n\*[^*]+\.\* \d{3}, `\w+Error`\. .+\n\n- \*\*Why:\*\* [^-].+\n- \*\*Developer:\*\* .+\n- \*\*Operator:\*\* .+/s,
    )
  })

  test('no two codes have the same title', () => {
    const titles = errorCodes.map(({ title }) => title)
    expect(new Set(titles).size).toBe(titles.length)
  })

  test('the problem document of the page is the one that is sent, and its type leads to the section', async () => {
    const bff = auth({ ...VALID, redis: undefined })
    const app = express().use(bff, requireAuth())
    const { body } = await request(app).get('/')
    expect(JSON.parse(/^```json\n(.*?)^```$/ms.exec(page)?.[1] ?? '')).toEqual(body)
    const [, file = '', heading] = /^urn:express-bff-session:([^#]+)#(.+)$/.exec(body.type) ?? []
    expect(read(file)).toContain(`\n## ${heading}\n`)
    await bff.close()
  })
})
