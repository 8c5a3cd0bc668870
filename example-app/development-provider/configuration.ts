// How oidc-provider is set up to be the development provider.
import { generateKeyPair, randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import type { Configuration, JWK } from 'oidc-provider'
import { Html } from './html.ts'
import { loadOidcProvider } from './load-oidc-provider.ts'
import { errorPage, loggedOutPage, logoutPage } from './pages.ts'
import type { People } from './people.ts'
import { createStore } from './store.ts'

export const APP_NAME = 'Small Bank'

/** The stronger of the two ways to authenticate: by a PIN too (`acr`, OpenID Connect Core §2). */
export const PIN = 'pin'

export interface Client {
  clientID: string
  clientSecret: string
  appURL: string
}

/** An API that takes this provider's access tokens. */
export interface API {
  audience: string
  /** The scopes that it knows. */
  scope: string
}

// Everything that oidc-provider would otherwise fill with a default, and say so on the console, is said here.
export async function configurationFor(
  client: Client,
  people: People,
  api: API | undefined,
): Promise<Configuration> {
  const { clientID, clientSecret, appURL } = client
  const { errors } = await loadOidcProvider()
  return {
    acrValues: [PIN],
    adapter: createStore(),
    clients: [
      {
        client_id: clientID,
        client_secret: clientSecret,
        client_name: APP_NAME,
        redirect_uris: [`${appURL}/callback`],
        post_logout_redirect_uris: [appURL, `${appURL}/`],
        response_types: ['code'],
        grant_types: ['authorization_code', 'refresh_token'],
        token_endpoint_auth_method: 'client_secret_basic',
        // Whoever logs out at the provider is logged out at the bank.
        backchannel_logout_uri: `${appURL}/backchannel-logout`,
        backchannel_logout_session_required: true,
      },
    ],
    clientBasedCORS: () => false,
    claims: { openid: ['sub'], profile: ['name', 'profile'], email: ['email', 'email_verified'] },
    // The app reads who somebody is from the ID token, without a call to /userinfo.
    conformIdTokenClaims: false,
    cookies: { keys: [randomBytes(32).toString('base64url')] },
    features: {
      backchannelLogout: { enabled: true },
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: api !== undefined,
        // The access token that comes with a login is for the API, so that nobody has to fetch another one first.
        useGrantedResource: () => true,
        getResourceServerInfo(_ctx, resource) {
          if (resource !== api?.audience) throw new errors.InvalidTarget()
          // A JWT, which the API checks by itself (RFC 9068).
          return { ...api, accessTokenFormat: 'jwt' }
        },
      },
      revocation: {
        enabled: true,
        allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId,
      },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource(ctx, form) {
          const asksFirst = ctx.oidc.params?.id_token_hint === undefined
          ctx.body = logoutPage({ appName: APP_NAME, form: new Html(form), asksFirst })
        },
        postLogoutSuccessSource(ctx) {
          ctx.body = loggedOutPage(appURL)
        },
      },
    },
    // Its own guard refuses loopback, where the bank is.
    fetch: (url, { dispatcher: _, ...options } = {}) => fetch(url, options),
    findAccount(_ctx, accountId, token) {
      const person = people.find(accountId)
      // Without a token somebody is logging in, and their page offers to unblock them.
      return person?.blocked && token ? undefined : person
    },
    interactions: { url: (_ctx, { uid }) => `/interaction/${uid}` },
    jwks: { keys: [await createSigningKey()] },
    pkce: { required: () => true },
    responseTypes: ['code'],
    rotateRefreshToken: true,
    scopes: ['openid', 'offline_access'],
    ttl: {
      AccessToken: minutes(5),
      AuthorizationCode: minutes(1),
      Grant: days(14),
      IdToken: minutes(5),
      Interaction: minutes(60),
      RefreshToken: days(14),
      Session: days(1),
    },
    renderError(ctx, { error, error_description: description }) {
      ctx.type = 'html'
      ctx.body = errorPage(error, description ?? 'The provider could not understand this request.', appURL)
    },
  }
}

async function createSigningKey(): Promise<JWK> {
  const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 })
  return { ...(privateKey.export({ format: 'jwk' }) as JWK), kid: 'development', use: 'sig', alg: 'RS256' }
}

function minutes(count: number): number {
  return count * 60
}

function days(count: number): number {
  return minutes(count * 24 * 60)
}
