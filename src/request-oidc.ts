// `req.oidc` and `res.oidc`: the session as the app sees it.
import { type ApiFetch, createApiFetch } from './apis/fetch.ts'
import { createUserInfoFetch } from './apis/user-info.ts'
import { askedByApp, LOGIN_ARGUMENTS, type LoginArguments, readArguments } from './login/asked-parameters.ts'
import { beginLogin } from './login/begin.ts'
import { atNamed, letChoose } from './login/which-provider.ts'
import { LOGOUT_ARGUMENTS, type LogoutArguments, logOut } from './logout/log-out.ts'
import { asBrowsersHaveIt } from './options/app-paths.ts'
import type { AccessTokenRequest } from './record/access-token.ts'
import type { User } from './record/person.ts'
import { userOf } from './record/user.ts'
import { accessTokenExpiry, idTokenOf } from './session/kept-tokens.ts'
import type { RequestContext } from './session/request-context.ts'
import { type SessionInfo, sessionInfoOf } from './session/session-info.ts'

export interface RequestOidc {
  isAuthenticated(): boolean
  readonly user: User | undefined
  readonly session: SessionInfo | undefined
  /**
   * The access token, renewed first where it has expired: the one that came with the login, or one for another API.
   *
   * @example const token = await req.oidc.getAccessToken({ audience: 'https://orders.example.com' })
   * @throws LoginRequiredError (401), TryLaterError (503), RefusedError (403) where the provider gives none for that API
   */
  getAccessToken(wanted?: AccessTokenRequest): Promise<string>
  /**
   * When that access token ends, by the store's clock; undefined where the session keeps none of the kind, or the provider
   * did not say. Nothing is fetched.
   */
  accessTokenExpiresAt(wanted?: AccessTokenRequest): Date | undefined
  /**
   * The ID token as the provider signed it, renewed first where it has expired. It is for servers that check it themselves;
   * no page has a use for it.
   *
   * @example const idToken = await req.oidc.getIdToken()
   * @throws LoginRequiredError (401), TryLaterError (503)
   */
  getIdToken(): Promise<string>
  readonly fetch: ApiFetch
  /**
   * What the provider's userinfo endpoint says of the person just now (OpenID Connect Core §5.3), all of it; it is kept nowhere.
   *
   * @example const { email_verified } = await req.oidc.fetchUserInfo()
   * @throws LoginRequiredError (401), TryLaterError (503), RefusedError (403) where it does not take the access token, or
   * speaks of somebody else
   */
  fetchUserInfo(): Promise<User>
  /**
   * Renews the tokens now: the renewal begins no earlier than this call.
   *
   * @example
   * await req.oidc.renew()
   * res.json(req.oidc.user) // with the claims of the new ID token
   * @throws LoginRequiredError (401), TryLaterError (503)
   */
  renew(): Promise<void>
}

export interface ResponseOidc {
  /**
   * Sends the browser to log in.
   *
   * @example await res.oidc.login({ returnTo: '/welcome', authorizationParams: { organization: 'acme' } })
   * @throws ConfigurationError for a name that it does not know, a parameter that no login may set, or an `appState` that
   * cannot be kept; RefusedError (413)
   * for parameters that are too long; TryLaterError (503)
   */
  login(options?: LoginArguments): Promise<void>
  /**
   * Ends the session, here and at the provider, and answers.
   *
   * @example await res.oidc.logout({ returnTo: '/goodbye' })
   * @throws ConfigurationError for a name that it does not know; TryLaterError (503), and then nothing was ended
   */
  logout(options?: LogoutArguments): Promise<void>
}

declare global {
  namespace Express {
    interface Request {
      /** The session, as `auth()` found it. */
      oidc: RequestOidc
    }
    interface Response {
      oidc: ResponseOidc
    }
  }
}

/** @internal */
export function attachOidc(context: RequestContext): void {
  context.req.oidc = new OidcOfRequest(context)
  // Entry points of their own add members, for whom loads them.
  context.res.oidc = new OidcOfResponse(context) as Pick<ResponseOidc, 'login' | 'logout'> as ResponseOidc
}

/** Its functions are made when they are asked for, few requests ask for any; they may be taken off it and called alone. */
class OidcOfRequest implements RequestOidc {
  readonly #context: RequestContext

  constructor(context: RequestContext) {
    this.#context = context
  }

  get isAuthenticated() {
    return () => this.#context.session.record !== undefined
  }

  get user() {
    const { record } = this.#context.session
    return record && userOf(record)
  }

  get session() {
    return sessionInfoOf(this.#context)
  }

  get getAccessToken() {
    return ({ audience, scope }: AccessTokenRequest = {}) =>
      this.#context.session.accessToken({ audience, scope })
  }

  get accessTokenExpiresAt() {
    return ({ audience, scope }: AccessTokenRequest = {}) =>
      accessTokenExpiry(this.#context, { audience, scope })
  }

  get getIdToken() {
    return () => idTokenOf(this.#context.session)
  }

  get fetch() {
    return createApiFetch(this.#context)
  }

  get fetchUserInfo() {
    return createUserInfoFetch(this.#context)
  }

  get renew() {
    const { session } = this.#context
    return async () => {
      await session.reload()
      // Whole milliseconds, as the store counts them: a renewal of this very moment is late enough.
      await session.renewedSince(Math.floor(session.now), 'renew')
    }
  }
}

class OidcOfResponse implements Pick<ResponseOidc, 'login' | 'logout'> {
  readonly #context: RequestContext

  constructor(context: RequestContext) {
    this.#context = context
  }

  get login() {
    return async (given?: LoginArguments) => {
      const named = readArguments(given, LOGIN_ARGUMENTS, 'res.oidc.login()')
      const { config, req } = this.#context
      const {
        returnTo = asBrowsersHaveIt(req.originalUrl, config.baseURL),
        authorizationParams,
        appState,
        provider,
      } = named
      const asked = askedByApp(authorizationParams)
      const isOfOne = [provider, authorizationParams, appState].some((given) => given !== undefined)
      const query = new URLSearchParams({ return_to: returnTo })
      if (!isOfOne && (await letChoose(this.#context, query))) return
      await beginLogin(atNamed(this.#context, provider), { returnTo, asked, appState })
    }
  }

  get logout() {
    return async (given?: LogoutArguments) => {
      const { returnTo, params } = readArguments(given, LOGOUT_ARGUMENTS, 'res.oidc.logout()')
      await logOut(this.#context, { returnTo, params })
    }
  }
}

/** What an app puts in the place of a member stays on that request's: its tests do so, or what wraps it. */
for (const { prototype } of [OidcOfRequest, OidcOfResponse]) {
  for (const [name, { get }] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
    if (get === undefined) continue
    Object.defineProperty(prototype, name, {
      get,
      set(value) {
        Object.defineProperty(this, name, { value, writable: true, configurable: true, enumerable: true })
      },
    })
  }
}
