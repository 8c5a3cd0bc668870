// What becomes of each option, one row each; the groups `session` and `routes` have tables of their own.
import type { AuthOptions } from '../index.ts'
import type { TheirOptions } from './config-params.ts'
import { flag, group, hook, optionError, seconds } from './inside.ts'
import { baseOf } from './route-options.ts'
import { always, type Became, needless, numberIn, type Row, type Rows, refused, same } from './row.ts'
import { requestObject, withId } from './signing-options.ts'

const SCOPE = 'openid profile email'
/** What that package leaves out of `req.oidc.user` unless told. */
const NOT_OF_USER = [
  'aud',
  'iss',
  'iat',
  'exp',
  'nbf',
  'nonce',
  'azp',
  'auth_time',
  's_hash',
  'at_hash',
  'c_hash',
]

export const OPTIONS: Rows<Omit<TheirOptions, 'session' | 'routes'>> = {
  baseURL: (value, all) => ({ ...same('baseURL')(value, all), layer: { baseURL: addressOf(baseOf(all)) } }),
  clientID: same('clientID'),
  clientSecret: same('clientSecret'),
  issuerBaseURL: same('issuerBaseURL'),
  // A comma in it is a part of it there.
  secret: (value = process.env.SECRET, all) => same('secret')(value, all),
  authRequired: (value) => ({ layer: { authRequired: flag(value, 'authRequired', true) } }),
  errorOnRequiredAuth: (value) => ({
    layer: { errorOnRequiredAuth: flag(value, 'errorOnRequiredAuth', false) },
  }),
  attemptSilentLogin: (value) => ({
    layer: { attemptSilentLogin: flag(value, 'attemptSilentLogin', false) },
  }),
  authorizationParams,
  afterCallback: (value) => ({
    layer: {
      afterCallback: hook(
        value as TheirOptions['afterCallback'],
        'afterCallback',
        '(req, res, session, decodedState)',
      ),
    },
  }),
  getLoginState: (value) => ({
    layer: {
      getLoginState:
        hook(value as TheirOptions['getLoginState'], 'getLoginState', '(req, options)') ??
        ((_req, { returnTo }) => ({ returnTo })),
    },
  }),
  identityClaimFilter: (value = NOT_OF_USER) => {
    if (Array.isArray(value) && value.every((one) => typeof one === 'string'))
      return { layer: { identityClaimFilter: value } }
    throw optionError('identityClaimFilter', 'must be a list of names of claims')
  },
  // As there, a logout at Auth0 is asked for by that name too.
  idpLogout: (value, { auth0Logout = false }) => ({
    core: { idpLogout: flag(value ?? auth0Logout, 'idpLogout', false) },
  }),
  // At a tenant's own address it need not be said.
  auth0Logout: (value, { idpLogout, issuerBaseURL = process.env.ISSUER_BASE_URL }) => {
    const issuer = URL.canParse(String(issuerBaseURL)) ? new URL(String(issuerBaseURL)) : undefined
    const isAuth0 = idpLogout === true && issuer !== undefined && issuer.hostname.endsWith('.auth0.com')
    if (!flag(value, 'auth0Logout', isAuth0)) return {}
    return {
      core: { logout: { endpoint: issuer && new URL('/v2/logout', issuer).href, returnToParam: 'returnTo' } },
    }
  },
  logoutParams: (value) => ({ core: { logout: { params: logoutParams(value, 'logoutParams') } } }),
  // Where it is: routes.backchannelLogout. It needs no store of its own.
  backchannelLogout: needless,
  // Each login has a cookie of its own, with the SameSite that its way back needs.
  transactionCookie: needless,
  legacySameSiteCookie: needless,
  pushedAuthorizationRequests: same('pushedAuthorizationRequests'),
  idTokenSigningAlg: same('idTokenSigningAlg'),
  clientAuthMethod: same('clientAuthMethod'),
  clientAssertionSigningKey: (value) =>
    value === undefined ? {} : { core: { clientAssertionSigningKey: withId(value, undefined) } },
  clientAssertionSigningAlg: same('clientAssertionSigningAlg'),
  requestObjectSigningKey: requestObject,
  // With the key they belong to.
  requestObjectSigningAlg: needless,
  requestObjectSigningKeyId: needless,
  clockTolerance: (value) => {
    const clockToleranceSeconds = seconds(value, 'clockTolerance', { fallback: 60, min: 0, max: 300 })
    return { core: { clockToleranceSeconds }, layer: { clockToleranceSeconds } }
  },
  httpTimeout: (value) => ({
    core: {
      httpTimeoutSeconds:
        numberIn(value, 'httpTimeout', { fallback: 5000, min: 500, max: 60_000, of: 'milliseconds' }) / 1000,
    },
  }),
  discoveryCacheMaxAge: (value) => {
    const milliseconds = numberIn(value, 'discoveryCacheMaxAge', {
      fallback: 600_000,
      min: 0,
      max: 31_536_000_000,
      of: 'milliseconds',
    })
    return { core: { provider: { refreshSeconds: Math.max(1, milliseconds / 1000) } } }
  },
  customFetch: providerFetch,
  httpAgent: refused(
    'httpAgent',
    "is no option of express-openid-connect 3 either: give customFetch, with a dispatcher of undici's",
  ),
  // With customFetch, which sends it.
  httpUserAgent: needless,
  // Nothing is told to anybody.
  enableTelemetry: needless,
  tokenEndpointParams: refused(
    'tokenEndpointParams',
    'cannot be had: a renewal is sent once, for all who wait for it, by the parameters of the standard; leave it out',
  ),
  useMtls: always(
    'useMtls',
    false,
    'is called mutualTLS: { cert, key } here, in PEM, in place of useMtls and customFetch',
  ),
}

function authorizationParams(value: unknown): Became {
  const option = 'authorizationParams.response_type'
  // redirect_uri: see routes.callback.
  const { response_type: type = 'code', redirect_uri: _, ...others } = group(value, 'authorizationParams')
  // Of the hybrid flow, its code: what else it brings, the code brings too.
  if (type !== 'code' && type !== 'code id_token')
    throw optionError(
      option,
      `is ${JSON.stringify(type)}, and no token comes by way of the browser here (RFC 9700 §2.1.2): leave it out for the authorization code flow, and allow that to this client at the provider`,
    )
  const maxAge = Number(others.max_age)
  return {
    core: { authorizationParams: { ...(!process.env.SCOPE && { scope: SCOPE }), ...written(others) } },
    ...(others.max_age !== undefined && { layer: { maxAgeSeconds: maxAge } }),
  }
}

/** As they stand in an address. */
export function written(params: Readonly<Record<string, unknown>>): Record<string, string> {
  const all = Object.entries(params).filter(([, value]) => value !== undefined)
  // What else there is in them, this package refuses by its name.
  return Object.fromEntries(all.map(([name, value]) => [name, textOf(name, value) as string]))
}

function textOf(name: string, value: unknown): unknown {
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  return name === 'claims' && typeof value === 'object' ? JSON.stringify(value) : value
}

export function logoutParams(value: unknown, option: string): Record<string, string | null> {
  const params = group(value, option)
  for (const name of ['post_logout_redirect_uri', 'returnTo']) {
    if (params[name] === undefined) continue
    throw optionError(
      `${option}.${name}`,
      'is made at every logout: say it as routes.postLogoutRedirect, or res.oidc.logout({ returnTo })',
    )
  }
  return written(params)
}

function providerFetch(
  value: unknown,
  { httpUserAgent }: Readonly<Record<string, unknown>>,
): ReturnType<Row> {
  const given = hook(value as typeof fetch | undefined, 'customFetch', '(url, options)')
  if (given === undefined && httpUserAgent === undefined) return {}
  if (
    httpUserAgent !== undefined &&
    (typeof httpUserAgent !== 'string' || !/^[\x20-\x7e]+$/.test(httpUserAgent))
  )
    throw optionError('httpUserAgent', 'must be a string, as of a header')
  const send = (given ?? fetch) as unknown as NonNullable<NonNullable<AuthOptions['provider']>['fetch']>
  const asNamed: typeof send = (url, request) =>
    send(
      url,
      httpUserAgent === undefined
        ? request
        : { ...request, headers: { ...request.headers, 'user-agent': httpUserAgent } },
    )
  return { core: { provider: { fetch: asNamed } } }
}

/** What is wrong with it, this package says itself. */
function addressOf(base: string): URL {
  return new URL(URL.canParse(base) ? base : 'https://app.example.com')
}
