// A set-up with several mistakes is told all of them at once, and each with what was found.
import { FROM_ENVIRONMENT, mistakeIn, resolve, SECRET } from './valid.ts'

const ENVIRONMENT = {
  ISSUER_BASE_URL: 'https://issuer.example.com',
  BASE_URL: 'https://app.example.com',
  CLIENT_ID: 'client',
  CLIENT_SECRET: 'the client’s secret',
  SECRET,
  REDIS_URL: 'redis://localhost',
}
const mistake = (env: NodeJS.ProcessEnv) => mistakeIn(FROM_ENVIRONMENT, { ...ENVIRONMENT, ...env })
const COMMENT = "has a space and '#' in it: is a comment of the .env file part of it?"

test('an empty environment is told all that is required, a line each', () => {
  const lines = mistakeIn(FROM_ENVIRONMENT, { NODE_ENV: 'production' }).split('\n')
  expect(lines).toEqual([
    'auth(): 5 options need a change:',
    expect.stringMatching(/^- baseURL \(BASE_URL\) is required, for example https:/),
    expect.stringMatching(/^- issuerBaseURL \(ISSUER_BASE_URL\) is required, for example https:/),
    expect.stringMatching(/^- clientID \(CLIENT_ID\) is required/),
    expect.stringMatching(/^- secret \(SECRET\) must be at least 32 characters/),
    expect.stringMatching(/^- redis \(REDIS_URL\) is required in production/),
  ])
})

test('mistakes in options of every group are told together', () => {
  const message = mistakeIn({
    clientID: ' ',
    clientSecret: 7,
    authRequired: 1,
    httpTimeoutSeconds: 0,
    routes: { login: 'login' },
    renewal: { afterSeconds: 0 },
    session: { name: 'a b' },
    authorizationParams: { scope: 'profile' },
    allowedOrigins: ['*'],
    logger: {},
  })
  expect(message).toMatch(/^auth\(\): 10 options need a change:\n- /)
  expect(message.match(/auth\(\)/g)).toHaveLength(1)
})

test.each([
  [
    'issuerBaseURL',
    { issuerBaseURL: 'nowhere', provider: { metadata: { token_endpoint: 'https://a.example/t' } } },
  ],
  [
    'baseURL',
    {
      baseURL: 'nowhere',
      session: { name: '__Host-bff' },
      authorizationParams: { response_mode: 'form_post' },
    },
  ],
  ['clientSecret', { clientSecret: 7, clientAuthMethod: 'client_secret_jwt' }],
])('what depends on %s is not told for its sake', (name, options) => {
  expect(mistakeIn(options)).toMatch(new RegExp(`^auth\\(\\): ${name} `))
})

describe('a comment of the .env file in a value', () => {
  test.each([
    ['ISSUER_BASE_URL', 'issuerBaseURL', 'http://localhost:8080 # your provider'],
    ['ISSUER_BASE_URL', 'issuerBaseURL', 'http://localhost:8080/ # your provider'],
    ['BASE_URL', 'baseURL', 'http://localhost:3000 # this app'],
    ['CLIENT_ID', 'clientID', 'app # at the provider'],
    ['SCOPE', 'authorizationParams.scope', 'openid email # no offline_access'],
    ['AUDIENCE', 'authorizationParams.audience', 'https://api.example.com # the API'],
    ['AUTH_PROMPT', 'authorizationParams.prompt', 'consent # for a refresh token'],
    ['RENEW_AFTER_SECONDS', 'renewal.afterSeconds', '60 # a minute'],
  ])('%s is told with the value', (variable, option, value) => {
    expect(mistake({ [variable]: value })).toBe(
      `auth(): ${option} (${variable}) is ${JSON.stringify(value)}, which ${COMMENT}`,
    )
  })

  test('REDIS_URL is told without the value', () => {
    expect(mistake({ REDIS_URL: 'redis://me:word-1@localhost # ours' })).toBe(
      `auth(): redis (REDIS_URL) ${COMMENT}`,
    )
  })

  test('SECRET and CLIENT_SECRET may have anything in them, and are not shown', () => {
    const env = { SECRET: `${SECRET} # mine`, CLIENT_SECRET: 'a # b', SCOPE: 'profile' }
    expect(mistake(env)).not.toMatch(/mine|a # b/)
    expect(resolve(FROM_ENVIRONMENT, { ...ENVIRONMENT, ...env, SCOPE: '' }).clientSecret).toBe('a # b')
  })
})

test('an address that is none is shown: printable, not very long, without a password', () => {
  expect(mistake({ BASE_URL: 'localhost:3000' })).toMatch(
    /must be an https URL such as .*, not "localhost:3000"$/,
  )
  expect(mistake({ BASE_URL: 'a\u001b[31m\u202eb' })).toMatch(/not "a\?\[31m\?b"$/)
  expect(mistake({ BASE_URL: 'x'.repeat(5000) })).toMatch(/not "x{99}…"$/)
  expect(mistake({ BASE_URL: 'https://me:word-1@:bad' })).toMatch(/not ":bad"$/)
})

describe('AUTH_PROMPT', () => {
  test('is a parameter of every login', () => {
    const { authorizationParams } = resolve(FROM_ENVIRONMENT, {
      ...ENVIRONMENT,
      AUTH_PROMPT: 'login consent',
    })
    expect(authorizationParams).toMatchObject({ prompt: 'login consent' })
  })

  test('that is empty is none, and a shell’s own PROMPT is not asked', () => {
    const { authorizationParams } = resolve(FROM_ENVIRONMENT, {
      ...ENVIRONMENT,
      AUTH_PROMPT: '',
      PROMPT: '$P$G',
    })
    expect(authorizationParams).not.toHaveProperty('prompt')
  })

  test('gives way to the option', () => {
    const options = { ...FROM_ENVIRONMENT, authorizationParams: { prompt: 'login' } }
    expect(resolve(options, { ...ENVIRONMENT, AUTH_PROMPT: 'consent' }).authorizationParams.prompt).toBe(
      'login',
    )
  })
})
