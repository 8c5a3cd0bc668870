// The authorization request: as it is, signed (RFC 9101), pushed (RFC 9126), or both.
import * as client from 'openid-client'
import { authorizationParameters } from './authorization-parameters.ts'
import type { Config } from './config.ts'
import { ConfigurationError } from './errors.ts'
import type { LoginTransaction } from './login-transaction.ts'
import type { Credentials } from './provider-client.ts'
import type { ProviderConfiguration } from './provider-configuration.ts'
import { describeFailure, isTransient, loginFailed } from './provider-errors.ts'

export interface AuthorizationRequests {
  /** Resolves once the provider is known to have what the options ask of it. @throws TryLaterError, ConfigurationError */
  usable(): Promise<void>
  /** `now` is the store's clock. @throws RefusedError, TryLaterError */
  authorizationURL(transaction: LoginTransaction, now: number, loginHint: string | undefined): Promise<URL>
}

export function createAuthorizationRequests(
  config: Config,
  configuration: ProviderConfiguration,
  { signing }: Credentials,
): AuthorizationRequests {
  const { pushedAuthorizationRequests: pushed, signedAuthorizationRequests: signed } = config

  return {
    async usable() {
      const missing = missingIn(await configuration.get())
      if (missing !== undefined) throw new ConfigurationError('invalid_option', `auth(): ${missing}`)
    },

    async authorizationURL(transaction, now, loginHint) {
      const server = await configuration.at(now)
      const missing = missingIn(server)
      if (missing !== undefined) throw configuration.unavailable(missing)
      const parameters = authorizationParameters(config, transaction, loginHint)
      // RFC 9700 §2.1.1
      parameters.set('code_challenge', await client.calculatePKCECodeChallenge(transaction.codeVerifier))
      parameters.set('code_challenge_method', 'S256')
      try {
        return await requestURL(server, parameters)
      } catch (error) {
        const what = 'The authorization request could not be made'
        throw isTransient(error)
          ? configuration.unavailable(what, error)
          : loginFailed(`${what}: ${describeFailure(error)}`)
      }
    },
  }

  async function requestURL(server: client.Configuration, parameters: URLSearchParams): Promise<URL> {
    if (!signed || signing === undefined) {
      return pushed
        ? client.buildAuthorizationUrlWithPAR(server, parameters)
        : client.buildAuthorizationUrl(server, parameters)
    }
    const key = await signing.key()
    const url = await client.buildAuthorizationUrlWithJAR(server, parameters, key, signing.terms)
    if (!pushed) return url
    // RFC 9126 §3
    return client.buildAuthorizationUrlWithPAR(server, { request: url.searchParams.get('request') ?? '' })
  }

  function missingIn(server: client.Configuration): string | undefined {
    const { pushed_authorization_request_endpoint: endpoint } = server.serverMetadata()
    return pushed && endpoint === undefined
      ? `pushedAuthorizationRequests is true, but ${config.issuer.href} has no pushed_authorization_request_endpoint; switch PAR (RFC 9126) on there, or leave the option out`
      : undefined
  }
}
