// Back-Channel Logout as the tests play it: a client that is told of logouts, and the tokens that tell it.
import { randomBytes } from 'node:crypto'
import type { Configuration } from 'oidc-provider'
import { exchange, type HeaderValues, type Received } from '../browser/http-exchange.ts'
import { type ProviderOptions, startProvider, type TestProvider } from './provider.ts'
import type { Forgery } from './signing-key.ts'

export const LOGOUT_EVENT = 'http://schemas.openid.net/event/backchannel-logout'

export interface LogoutClient {
  /** for `auth()`: the app has to be there before the provider can be told its address */
  readonly options: { issuerBaseURL: string; clientID: string; clientSecret: string }
  /** from then on people can log in, and the provider tells that address when they log out */
  register(baseURL: string): Promise<void>
  /** what the provider would say; nobody is named */
  claims(changes?: object): Record<string, unknown>
  /** the provider's token with these claims; `{ jti: undefined }` takes one away */
  token(changes?: object, forgery?: Forgery): Promise<string>
}

/** A provider that tells its clients of logouts, and names its sessions in ID tokens. */
export function startLogoutProvider(options: ProviderOptions = {}): Promise<TestProvider> {
  const { configure = (same) => same } = options
  return startProvider({ ...options, configure: (given) => configure(withLogoutsTold(given)) })
}

export function withLogoutsTold(given: Configuration): Configuration {
  return {
    ...given,
    features: { ...given.features, backchannelLogout: { enabled: true } },
    // Its own dispatcher reaches nobody on loopback.
    fetch: (url, { dispatcher: _, ...init } = {}) => fetch(url, init),
  }
}

export function createLogoutClient(provider: TestProvider): LogoutClient {
  const clientId = `logout-${randomBytes(4).toString('hex')}`
  const clientSecret = randomBytes(24).toString('base64url')
  const claims: LogoutClient['claims'] = (changes) => {
    const now = Math.floor(Date.now() / 1000)
    const jti = randomBytes(12).toString('base64url')
    const about = { iss: provider.issuer, aud: clientId, iat: now, exp: now + 120, jti }
    return { ...about, events: { [LOGOUT_EVENT]: {} }, ...changes }
  }
  return {
    options: { issuerBaseURL: provider.issuer, clientID: clientId, clientSecret },
    async register(baseURL) {
      const metadata = {
        backchannel_logout_uri: `${baseURL}/backchannel-logout`,
        backchannel_logout_session_required: true,
      }
      await provider.registerClient({ clientId, clientSecret, baseURL, metadata })
    },
    claims,
    token: (changes, { header, ...forgery } = {}) =>
      provider.signIdToken(claims(changes), { header: { typ: 'logout+jwt', ...header }, ...forgery }),
  }
}

export interface LogoutRequest {
  path?: string
  method?: string
  headers?: HeaderValues
  /** in place of the form */
  body?: string | undefined
}

/** As a provider's server sends it, with no cookie and nothing of a browser. */
export function sendLogout(
  appUrl: string,
  token: string,
  { path = '/backchannel-logout', method = 'POST', headers, ...other }: LogoutRequest = {},
): Promise<Received> {
  return exchange({
    method,
    url: appUrl + path,
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    body: 'body' in other ? other.body : `${new URLSearchParams({ logout_token: token })}`,
  })
}
