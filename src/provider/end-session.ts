// What the provider is told when a session is over: a token to forget, a session of its own to end.
import * as client from 'openid-client'
import limit from 'p-limit'
import type { AuthEventEmitter } from '../events.ts'
import type { BackgroundTasks } from '../lib/background-tasks.ts'
import type { Config } from '../options/config.ts'
import type { Discovery } from './discovery.ts'
import { describeFailure } from './failures.ts'

export interface EndSession {
  /**
   * Tells the provider that a refresh token is over (RFC 7009), best effort: a background task that nobody waits for.
   * `now` is the store's clock, if it is at hand.
   */
  revoke(refreshToken: string, now?: number): void
  /** Where the provider ends its own session, if it can be asked to. @throws TryLaterError */
  endSessionURL(idToken: string, returnTo: string): Promise<URL | undefined>
}

export function createEndSession(
  config: Config,
  discovery: Discovery,
  events: AuthEventEmitter,
  tasks: BackgroundTasks,
): EndSession {
  const revocations = limit(config.renewal.maxConcurrent)

  async function tellRevoked(refreshToken: string, now: number | undefined): Promise<void> {
    try {
      const server = await (now === undefined ? discovery.get() : discovery.at(now))
      if (server.serverMetadata().revocation_endpoint === undefined) return
      await client.tokenRevocation(server, refreshToken, { token_type_hint: 'refresh_token' })
    } catch (error) {
      events.emit('provider-unavailable', { detail: `Revocation failed: ${describeFailure(error)}` })
    }
  }

  return {
    revoke: (refreshToken, now) => tasks.run(revocations(() => tellRevoked(refreshToken, now))),

    async endSessionURL(idToken, returnTo) {
      const server = await discovery.get()
      if (server.serverMetadata().end_session_endpoint === undefined) return undefined
      // RP-Initiated Logout 1.0 §2
      return client.buildEndSessionUrl(server, {
        id_token_hint: idToken,
        post_logout_redirect_uri: new URL(returnTo, config.baseURL).href,
      })
    },
  }
}
