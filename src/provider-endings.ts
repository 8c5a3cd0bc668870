// What the provider is told when a session is over: a token to forget, a session of its own to end.
import * as client from 'openid-client'
import type { Config } from './config.ts'
import type { AuthEventEmitter } from './events.ts'
import type { ProviderConfiguration } from './provider-configuration.ts'
import { describeFailure } from './provider-errors.ts'

export interface Endings {
  /** RFC 7009, best effort: false when the provider could not be told. `now` is the store's clock, if it is at hand. */
  revoke(refreshToken: string, now?: number): Promise<boolean>
  /** Where the provider ends its own session, if it can be asked to. @throws TryLaterError */
  endSessionURL(idToken: string, returnTo: string): Promise<URL | undefined>
}

export function createEndings(
  config: Config,
  configuration: ProviderConfiguration,
  events: AuthEventEmitter,
): Endings {
  return {
    async revoke(refreshToken, now) {
      try {
        const server = await (now === undefined ? configuration.get() : configuration.at(now))
        if (server.serverMetadata().revocation_endpoint === undefined) return false
        await client.tokenRevocation(server, refreshToken, { token_type_hint: 'refresh_token' })
        return true
      } catch (error) {
        events.emit('provider-unavailable', { detail: `Revocation failed: ${describeFailure(error)}` })
        return false
      }
    },

    async endSessionURL(idToken, returnTo) {
      const server = await configuration.get()
      if (server.serverMetadata().end_session_endpoint === undefined) return undefined
      // RP-Initiated Logout 1.0 §2
      return client.buildEndSessionUrl(server, {
        id_token_hint: idToken,
        post_logout_redirect_uri: new URL(returnTo, config.baseURL).href,
      })
    },
  }
}
