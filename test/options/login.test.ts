// The option `login`: which parameters a link may set, and which none ever may.
import { mistakeIn, resolve } from './valid.ts'

test('by default a link may set nothing', () => {
  for (const options of [{}, { login: {} }, { login: { params: undefined } }, { login: { params: [] } }])
    expect(resolve(options).login).toEqual({ params: [], timeoutSeconds: 600 })
})

test.each([59, 86_401, 90.5, '600', Number.NaN, null])(
  'login.timeoutSeconds: %p is refused',
  (timeoutSeconds) => {
    expect(mistakeIn({ login: { timeoutSeconds } })).toMatch(
      /^auth\(\): login\.timeoutSeconds must be a whole number from 60 to 86400, not /,
    )
  },
)

test('what is named is taken once, frozen, and not kept', () => {
  const params = ['screen_hint', 'ui_locales', 'screen_hint', 'prompt', 'login_hint']
  const { login } = resolve({ login: { params } })
  params.push('state')
  expect(login.params).toEqual(['screen_hint', 'ui_locales', 'prompt', 'login_hint'])
  expect(Object.isFrozen(login) && Object.isFrozen(login.params)).toBe(true)
})

test.each<[string, unknown, RegExp]>([
  ['a text', 'screen_hint', /a list of at most 20 parameters, for example \['screen_hint'/],
  ['an object', { screen_hint: true }, /must be a list/],
  ['null', null, /must be a list/],
  ['more than anybody needs', Array.from({ length: 21 }, (_, at) => `p${at}`), /at most 20/],
  ['a number', [7], /must hold names of parameters, not 7/],
  ['no name', [''], /not ""/],
  ['two names in one', ['screen_hint ui_locales'], /names of parameters/],
  ['a list in a list', [['screen_hint']], /names of parameters/],
  ['__proto__', ['__proto__'], /names of parameters/],
  ['brackets', ['organization[]'], /names of parameters/],
  ['a name without end', ['x'.repeat(65)], /names of parameters/],
])('login.params that is or holds %s is refused', (_what, params, cure) => {
  expect(mistakeIn({ login: { params } })).toMatch(cure)
  expect(mistakeIn({ login: { params } })).toContain('auth(): login.params ')
})

const MADE_ANEW =
  'client_id redirect_uri state nonce code_challenge code_challenge_method code_verifier request request_uri client_secret client_assertion client_assertion_type'.split(
    ' ',
  )

test.each([...MADE_ANEW, 'State', 'REDIRECT_URI'])('%s is made anew for every login', (name) => {
  expect(mistakeIn({ login: { params: ['screen_hint', name] } })).toMatch(
    new RegExp(`login.params must not hold '${name}', which is made anew`),
  )
})

test.each(MADE_ANEW)('%s cannot be configured either', (name) => {
  expect(mistakeIn({ authorizationParams: { [name]: 'x' } })).toMatch(/is made anew for every login/)
})

test.each(['return_to', 'again', 'iss', 'target_link_uri', 'max_age', 'acr_values'])(
  '%s is taken by /login itself',
  (name) => {
    expect(mistakeIn({ login: { params: [name] } })).toMatch(/which \/login takes for itself/)
  },
)

test.each([
  'scope',
  'audience',
  'resource',
  'claims',
  'authorization_details',
  'id_token_hint',
  'response_type',
  'response_mode',
  'Scope',
])('%s is for the app to decide, and not for a link', (name) => {
  expect(mistakeIn({ login: { params: [name] } })).toMatch(/anybody may write a link.*res\.oidc\.login\(/)
})

test('another name in the group is refused with the nearest', () => {
  expect(mistakeIn({ login: { parms: [] } })).toMatch(
    /login\.parms is not an option; did you mean login\.params\?/,
  )
  expect(mistakeIn({ login: 'screen_hint' })).toMatch(/login must be an object/)
})

test.each(['k7Q', { invitation: 'k7Q' }, true, null])('login.appState that is %j is refused', (appState) => {
  expect(mistakeIn({ login: { appState } })).toBe(
    'auth(): login.appState must be a function of (req, { returnTo })',
  )
})
