// Several providers: what an entry says, what stands beside the entries, and what is refused, by the entry's name.
import { auth } from '../../src/index.ts'
import type { AuthOptions } from '../../src/options/auth-options.ts'
import type { Config } from '../../src/options/config.ts'
import { addressesToRegister } from '../../src/options/registered-addresses.ts'
import { resolveAll } from '../../src/options/resolve-options.ts'
import { mistakeIn, SECRET, VALID } from './valid.ts'

const STAFF = { issuerBaseURL: 'https://staff.example.com', clientID: 'shop', clientSecret: 'of staff' }
const CUSTOMERS = {
  issuerBaseURL: 'https://customers.example.com',
  clientID: 'shop',
  clientSecret: 'of customers',
}
const NOT_ONE = { issuerBaseURL: undefined, clientID: undefined, clientSecret: undefined }
const BOTH = { staff: STAFF, customers: CUSTOMERS }

function resolveBoth(options: AuthOptions, env: NodeJS.ProcessEnv = {}): readonly Config[] {
  return resolveAll({ ...VALID, ...NOT_ONE, providers: BOTH, ...options }, env)
}
const mistake = (options: object, env?: NodeJS.ProcessEnv) =>
  mistakeIn({ ...NOT_ONE, providers: BOTH, ...options }, env)
const inStaff = (entry: object) => mistake({ providers: { ...BOTH, staff: { ...STAFF, ...entry } } })

test('each entry becomes a configuration of its own, in the order in which they are written', () => {
  const configs = resolveBoth({})
  expect(configs.map(({ providerName }) => providerName)).toEqual(['staff', 'customers'])
  expect(configs.map(({ issuer }) => issuer.href)).toEqual([
    'https://staff.example.com/',
    'https://customers.example.com/',
  ])
  expect(configs.map(({ clientSecret }) => clientSecret)).toEqual(['of staff', 'of customers'])
  expect(configs.every((config) => Object.isFrozen(config))).toBe(true)
  expect(configs.map(({ secrets }) => secrets)).toEqual([[SECRET], [SECRET]])
})

test('one provider has no name', () => {
  const [config, ...others] = resolveAll(VALID, {})
  expect(others).toEqual([])
  expect(config).toMatchObject({ providerName: undefined, mustNameIssuer: false })
})

test('what stands beside the entries is the default of all, and an entry goes before it', () => {
  const [staff, customers] = resolveBoth({
    httpTimeoutSeconds: 9,
    renewal: { afterSeconds: 60, maxConcurrent: 3 },
    authorizationParams: { scope: 'openid', ui_locales: 'de' },
    logout: { params: { federated: '' } },
    providers: {
      staff: {
        ...STAFF,
        httpTimeoutSeconds: 2,
        renewal: { afterSeconds: 30 },
        authorizationParams: { scope: 'openid groups' },
        provider: { allowMissingNonce: true },
      },
      customers: { ...CUSTOMERS, authorizationParams: undefined },
    },
  })
  expect(staff).toMatchObject({
    httpTimeoutSeconds: 2,
    renewal: { afterSeconds: 30, maxConcurrent: 3 },
    authorizationParams: { scope: 'openid groups', ui_locales: 'de' },
    logout: { params: { federated: '' } },
    provider: { allowMissingNonce: true },
  })
  expect(customers).toMatchObject({
    httpTimeoutSeconds: 9,
    renewal: { afterSeconds: 60, maxConcurrent: 3 },
    authorizationParams: { scope: 'openid', ui_locales: 'de' },
    logout: { params: { federated: '' } },
    provider: { allowMissingNonce: false },
  })
})

test('of the environment entries take what is no provider’s own, and one line tells of the rest', () => {
  const lines: string[] = []
  const [staff, customers] = resolveBoth(
    { logger: { warn: (line) => lines.push(line) } },
    {
      SCOPE: 'openid email',
      AUTH_PROMPT: 'consent',
      RENEW_AFTER_SECONDS: '45',
      ISSUER_BASE_URL: 'https://elsewhere.example.com',
      CLIENT_ID: 'another',
      CLIENT_SECRET: 'nobody’s secret',
      AUDIENCE: 'https://api.example.com',
      CLIENT_ASSERTION_SIGNING_KEY: 'no key',
    },
  )
  for (const config of [staff, customers])
    expect(config).toMatchObject({
      clientID: 'shop',
      clientAssertion: undefined,
      authorizationParams: { scope: 'openid email', prompt: 'consent' },
      renewal: { afterSeconds: 45 },
    })
  expect(customers?.authorizationParams).not.toHaveProperty('audience')
  expect(lines).toEqual([
    expect.stringMatching(
      /^auth\(\): ISSUER_BASE_URL, CLIENT_ID, CLIENT_SECRET, AUDIENCE, CLIENT_ASSERTION_SIGNING_KEY of the environment are not read, since providers is given/,
    ),
  ])
})

test('an entry may have a callback path of its own', () => {
  const [staff, customers] = resolveBoth({
    routes: { callback: '/back', login: '/in' },
    providers: { staff: { ...STAFF, routes: { callback: '/back/staff' } }, customers: CUSTOMERS },
  })
  expect(staff?.redirectURI.href).toBe('https://app.example.com/back/staff')
  expect(customers?.redirectURI.href).toBe('https://app.example.com/back')
  expect(staff?.routes).toMatchObject({ callback: '/back/staff', login: '/in' })
  for (const config of [staff, customers]) expect(config?.callbackPaths).toEqual(['/back/staff', '/back'])
})

test('the addresses to enter are told for each, by its name', () => {
  const told = resolveBoth({}).map(addressesToRegister)
  expect(told).toEqual([
    expect.stringMatching(/^to be entered at the provider 'staff', to the letter: redirect URI https:/),
    expect.stringMatching(/^to be entered at the provider 'customers', to the letter/),
  ])
})

describe('who has to say in each callback which issuer it is from', () => {
  const flags = (providers: AuthOptions['providers']) =>
    resolveBoth({ providers }).map(({ mustNameIssuer }) => mustNameIssuer)

  test('providers that share a callback path do', () => {
    expect(flags(BOTH)).toEqual([true, true])
  })

  test('one with a path of its own does not, and those that are left together do', () => {
    const staff = { ...STAFF, routes: { callback: '/callback/staff' } }
    expect(flags({ staff, customers: CUSTOMERS })).toEqual([false, false])
    const partners = { ...CUSTOMERS, issuerBaseURL: 'https://partners.example.com' }
    expect(flags({ staff, customers: CUSTOMERS, partners })).toEqual([false, true, true])
  })

  test('paths that Express takes for one are one', () => {
    const staff = { ...STAFF, routes: { callback: '/Callback/' } }
    expect(flags({ staff, customers: CUSTOMERS })).toEqual([true, true])
  })

  test('two clients of one issuer have nobody to be mixed up with', () => {
    const admins = { ...STAFF, issuerBaseURL: 'https://staff.example.com/', clientID: 'admin' }
    expect(flags({ staff: STAFF, admins })).toEqual([false, false])
  })

  test('what its document would say is no word in it', () => {
    const metadata = { authorization_response_iss_parameter_supported: false }
    expect(flags({ staff: { ...STAFF, provider: { metadata } }, customers: CUSTOMERS })).toEqual([true, true])
  })
})

describe('is refused', () => {
  test.each<[what: string, options: object, message: RegExp]>([
    ['no list', { providers: [STAFF] }, /^auth\(\): providers must be an object$/],
    ['no entry', { providers: {} }, /^auth\(\): providers must have an entry, such as \{ staff:/],
    [
      'an entry that is none',
      { providers: { staff: null } },
      /^auth\(\): providers\.staff must be an object$/,
    ],
    [
      'a name that links cannot carry',
      { providers: { 'a b': STAFF } },
      /must have names of up to 32 .*not "a b"/,
    ],
    ['a name that is a number', { providers: { 1: STAFF } }, /begin with a letter.*not "1"/],
    ['a long name', { providers: { ['x'.repeat(33)]: STAFF } }, /up to 32 letters/],
    ['__proto__', { providers: JSON.parse('{"__proto__":{}}') }, /begin with a letter.*not "__proto__"/],
    [
      'an issuer beside them',
      { issuerBaseURL: 'https://a.example' },
      /^auth\(\): issuerBaseURL stands beside providers, and is one provider's: move it into that one's entry$/,
    ],
    ['a client beside them', { clientID: 'app' }, /^auth\(\): clientID stands beside providers/],
    [
      'a client’s secret beside them',
      { clientSecret: 'x' },
      /^auth\(\): clientSecret stands beside providers/,
    ],
    [
      'one client at one provider twice',
      { providers: { a: STAFF, b: { ...STAFF, issuerBaseURL: 'https://staff.example.com/' } } },
      /^auth\(\): providers\.b is the same client at the same provider as providers\.a: leave one out/,
    ],
    [
      'a choice by a page where there is none',
      { ...VALID, providers: undefined, routes: { chooseProvider: '/choose' } },
      /^auth\(\): routes\.chooseProvider needs providers: of one provider there is nothing to choose$/,
    ],
    [
      'a choice by a function where there is none',
      { ...VALID, providers: undefined, onChooseProvider: () => undefined },
      /^auth\(\): onChooseProvider needs providers/,
    ],
    [
      'a choice in two ways',
      { onChooseProvider: () => undefined, routes: { chooseProvider: '/choose' } },
      /routes\.chooseProvider is not used beside onChooseProvider/,
    ],
    [
      'a page of the choice that is a route of ours',
      { routes: { chooseProvider: '/login/' } },
      /^auth\(\): routes\.chooseProvider must be a page of yours, and \/login\/ is answered by auth\(\) itself$/,
    ],
    [
      'a page of the choice that is the callback of one of them',
      {
        routes: { chooseProvider: '/choose' },
        providers: { staff: { ...STAFF, routes: { callback: '/choose' } } },
      },
      /routes\.chooseProvider must be a page of yours, and \/choose is answered by auth\(\) itself/,
    ],
    [
      'no function',
      { onChooseProvider: '/choose' },
      /onChooseProvider must be a function of \(req, res, choice\)/,
    ],
    [
      'what /login takes for itself',
      { login: { params: ['provider'] } },
      /login\.params must not hold 'provider', which \/login takes for itself/,
    ],
  ])('%s', (_what, options, message) => {
    expect(mistake(options)).toMatch(message)
  })

  test.each<[what: string, entry: object, message: string | RegExp]>([
    [
      'no issuer',
      { issuerBaseURL: undefined },
      /^auth\(\): providers\.staff\.issuerBaseURL is required, for example/,
    ],
    [
      'no client',
      { clientID: undefined },
      'auth(): providers.staff.clientID is required: the id of this client at the provider',
    ],
    [
      'a secret that is none',
      { clientSecret: 7 },
      /^auth\(\): providers\.staff\.clientSecret must be a string, or a function/,
    ],
    [
      'a method without what it needs',
      { clientAuthMethod: 'private_key_jwt' },
      'auth(): providers.staff.clientAuthMethod is private_key_jwt, which needs clientAssertionSigningKey, its private key',
    ],
    [
      'a name that is near',
      { clientId: 'x' },
      /providers\.staff\.clientId is not an option; did you mean providers\.staff\.clientID\?/,
    ],
    [
      'what is the same for all',
      { secret: SECRET },
      'auth(): providers.staff.secret is the same for all providers: move it beside providers',
    ],
    ['another route', { routes: { login: '/in' } }, /providers\.staff\.routes\.login is not an option/],
    [
      'a callback that is a route of all',
      { routes: { callback: '/me' } },
      /^auth\(\): providers\.staff\.routes must be paths that differ/,
    ],
    [
      'a callback that is no path',
      { routes: { callback: 'back' } },
      /^auth\(\): providers\.staff\.routes\.callback must be a path/,
    ],
    [
      'a wrong part of a group',
      { renewal: { afterSeconds: 0 } },
      /^auth\(\): providers\.staff\.renewal\.afterSeconds \(RENEW_AFTER_SECONDS\) must be/,
    ],
  ])('in an entry: %s', (_what, entry, message) => {
    expect(inStaff(entry)).toMatch(message)
  })
})

test('a mistake beside the entries, or in the environment, is told once and as where it is', () => {
  expect(mistake({ httpTimeoutSeconds: 0 })).toMatch(/^auth\(\): httpTimeoutSeconds must be/)
  expect(mistake({ renewal: { afterSeconds: 'often' } })).toMatch(/^auth\(\): renewal\.afterSeconds \(/)
  expect(mistake({}, { RENEW_AFTER_SECONDS: '0' })).toMatch(/^auth\(\): renewal\.afterSeconds \(/)
  expect(mistake({}, { SCOPE: 'email' })).toMatch(
    /^auth\(\): authorizationParams\.scope \(SCOPE\) must include/,
  )
})

test('mistakes of several entries are told together', () => {
  const providers = {
    staff: { ...STAFF, clientID: '' },
    customers: { ...CUSTOMERS, issuerBaseURL: 'nowhere' },
  }
  expect(mistake({ providers, secret: 'short' }).split('\n')).toEqual([
    'auth(): 3 options need a change:',
    expect.stringMatching(/^- providers\.staff\.clientID is required/),
    expect.stringMatching(/^- providers\.customers\.issuerBaseURL must be an https URL/),
    expect.stringMatching(/^- secret \(SECRET\) must be/),
  ])
})

test('what is missing in two entries does not make them the same', () => {
  const none = { clientID: 'shop' }
  expect(mistake({ providers: { staff: none, customers: none } }).split('\n')).toHaveLength(3)
})

test('the app’s own object is left as it is', () => {
  const providers = { staff: { ...STAFF, renewal: {} }, customers: CUSTOMERS }
  const before = structuredClone(providers)
  auth({ baseURL: VALID.baseURL, secret: SECRET, providers, renewal: { afterSeconds: 5 } })
  expect(providers).toEqual(before)
})
