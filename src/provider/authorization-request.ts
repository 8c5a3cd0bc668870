// The authorization request: as it is, signed (RFC 9101), pushed (RFC 9126), or both.
import * as client from 'openid-client'
import type { LoginTransaction } from '../cookies/login-transaction.ts'
import { ConfigurationError, isAuthError } from '../errors.ts'
import type { Config } from '../options/config.ts'
import { stepUpParameters } from '../record/step-up.ts'
import type { Credentials } from './client-authentication.ts'
import type { Discovery } from './discovery.ts'
import { AnswerError, describeFailure, isTransient, loginFailed } from './failures.ts'
import { createLimiter } from './limiter.ts'

/** With a reference in it that the provider made, which is some letters long; the browser has to take it. */
const LONGEST_URL = 4000

export interface AuthorizationRequests {
  /** Resolves once the provider is known to have what the options ask of it. @throws TryLaterError, ConfigurationError */
  usable(): Promise<void>
  /** `now` is the store's clock. @throws RefusedError, TryLaterError */
  authorizationURL(transaction: LoginTransaction, now: number, loginHint: string | undefined): Promise<URL>
}

export function createAuthorizationRequests(
  config: Config,
  discovery: Discovery,
  { signing }: Credentials,
): AuthorizationRequests {
  const { pushedAuthorizationRequests: pushed, signedAuthorizationRequests: signed } = config
  const places = createLimiter(config.provider.maxConcurrentLogins)

  return {
    async usable() {
      const missing = missingIn(await discovery.check())
      if (missing !== undefined) throw new ConfigurationError('invalid_option', `auth(): ${missing}`)
    },

    async authorizationURL(transaction, now, loginHint) {
      const server = await discovery.at(now)
      const missing = missingIn(server.serverMetadata())
      if (missing !== undefined) throw discovery.unavailable(missing)
      const parameters = authorizationParameters(config, transaction, loginHint)
      // RFC 9700 §2.1.1
      parameters.set('code_challenge', await client.calculatePKCECodeChallenge(transaction.codeVerifier))
      parameters.set('code_challenge_method', 'S256')
      try {
        return await (pushed ? push(server, parameters) : requestURL(server, parameters))
      } catch (error) {
        const what = 'The authorization request could not be made'
        if (isAuthError(error)) throw error
        throw isTransient(error)
          ? discovery.unavailable(what, error)
          : loginFailed(`${what}: ${describeFailure(error)}`)
      }
    },
  }

  async function requestURL(server: client.Configuration, parameters: URLSearchParams): Promise<URL> {
    if (!signed || signing === undefined) return client.buildAuthorizationUrl(server, parameters)
    return client.buildAuthorizationUrlWithJAR(server, parameters, await signing.key(), signing.terms)
  }

  /** RFC 9126 §2; what is signed goes as it is (§3). */
  async function push(server: client.Configuration, parameters: URLSearchParams): Promise<URL> {
    const leave = places.tryEnter()
    if (leave === undefined) throw discovery.unavailable('Too many requests are being pushed')
    try {
      const request = signed ? (await requestURL(server, parameters)).searchParams.get('request') : null
      const url = await client.buildAuthorizationUrlWithPAR(
        server,
        request === null ? parameters : { request },
      )
      if (url.href.length > LONGEST_URL) throw new AnswerError('its request_uri is too long')
      return url
    } finally {
      leave()
    }
  }

  function missingIn({
    pushed_authorization_request_endpoint: endpoint,
  }: client.ServerMetadata): string | undefined {
    return pushed && endpoint === undefined
      ? `pushedAuthorizationRequests is true, but ${config.issuer.href} has no pushed_authorization_request_endpoint; switch PAR (RFC 9126) on there, or leave the option out`
      : undefined
  }
}

/**
 * What the authorization request asks for, login by login.
 *
 * @param loginHint whom to expect, as whoever began the login says (OpenID Connect Core §4)
 */
function authorizationParameters(
  { authorizationParams, resources, redirectURI }: Config,
  { state, nonce, stepUp, silent }: LoginTransaction,
  loginHint: string | undefined,
): URLSearchParams {
  const parameters = new URLSearchParams({
    ...authorizationParams,
    ...(stepUp !== undefined && {
      ...stepUpParameters(stepUp),
      // OpenID Connect Core §3.1.2.1: `none` stands alone, and would contradict what is asked here.
      prompt: [...new Set(['login', ...promptsOf(authorizationParams)])].join(' '),
    }),
    ...(silent && { prompt: 'none' }),
    ...(loginHint !== undefined && { login_hint: loginHint }),
    redirect_uri: redirectURI.href,
    response_type: 'code',
    state,
    nonce,
  })
  // RFC 8707 §2.1: one parameter for each.
  for (const resource of resources) parameters.append('resource', resource)
  return parameters
}

function promptsOf({ prompt = '' }: Config['authorizationParams']): string[] {
  return prompt.split(' ').filter((one) => one !== '' && one !== 'none')
}
