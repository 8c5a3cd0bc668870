// What is known of the provider: discovered when it is first needed, shared, and forgotten when that failed.
import * as client from 'openid-client'
import type { Config } from './config.ts'
import { TryLaterError } from './errors.ts'
import type { AuthEventEmitter } from './events.ts'
import { describeFailure } from './provider-errors.ts'
import { boundedFetch } from './provider-fetch.ts'

export interface ProviderConfiguration {
  /** @throws TryLaterError */
  get(): Promise<client.Configuration>
  /**
   * The configuration by which tokens are checked.
   *
   * @param now the time by the store's clock, in milliseconds: this process's clock may be wrong
   * @throws TryLaterError
   */
  at(now: number): Promise<client.Configuration>
  unavailable(what: string, error: unknown): TryLaterError
}

/** A provider whose discovery failed is asked again after so long, and not by every request. */
const RETRY_MILLISECONDS = 1000
/** A clock that is off by less is within what ID tokens are given anyway. */
const SKEW_STEP_SECONDS = 10

export function createProviderConfiguration(config: Config, events: AuthEventEmitter): ProviderConfiguration {
  let discovered: Promise<client.Configuration> | undefined
  const skewed = new Map<number, client.Configuration>()

  function get(): Promise<client.Configuration> {
    discovered ??= discover().catch((error: unknown) => {
      setTimeout(() => {
        discovered = undefined
      }, RETRY_MILLISECONDS).unref()
      throw unavailable(`Discovery of ${config.issuer.href} failed`, error)
    })
    return discovered
  }

  function discover(): Promise<client.Configuration> {
    return client.discovery(config.issuer, config.clientID, metadata(0), clientAuthentication(config), {
      execute: extensions(),
      timeout: config.httpTimeoutSeconds,
      [client.customFetch]: boundedFetch,
    })
  }

  function metadata(skewSeconds: number) {
    return {
      id_token_signed_response_alg: config.idTokenSigningAlg,
      [client.clockTolerance]: config.clockToleranceSeconds,
      [client.clockSkew]: skewSeconds,
    }
  }

  function extensions() {
    const insecure = config.issuer.protocol === 'http:' ? [client.allowInsecureRequests] : []
    return [client.enableNonRepudiationChecks, ...insecure]
  }

  function withSkew(known: client.Configuration, seconds: number): client.Configuration {
    const server = known.serverMetadata()
    const other = new client.Configuration(
      server,
      config.clientID,
      metadata(seconds),
      clientAuthentication(config),
    )
    other.timeout = config.httpTimeoutSeconds
    other[client.customFetch] = boundedFetch
    for (const extension of extensions()) extension(other)
    return other
  }

  function unavailable(what: string, error: unknown): TryLaterError {
    events.emit('provider-unavailable', { detail: `${what}: ${describeFailure(error)}` })
    return new TryLaterError(
      'provider_unavailable',
      'The login provider is out of reach. Try again shortly.',
      5,
    )
  }

  return {
    get,
    unavailable,

    async at(now) {
      const known = await get()
      const skew = Math.round((now - Date.now()) / 1000 / SKEW_STEP_SECONDS) * SKEW_STEP_SECONDS
      if (skew === 0) return known
      const other = skewed.get(skew) ?? withSkew(known, skew)
      // One at a time: a clock that drifts leaves nothing behind.
      skewed.clear()
      skewed.set(skew, other)
      return other
    },
  }
}

function clientAuthentication({ clientAuthMethod, clientSecret }: Config): client.ClientAuth {
  switch (clientAuthMethod) {
    case 'client_secret_basic':
      return client.ClientSecretBasic(clientSecret)
    case 'client_secret_post':
      return client.ClientSecretPost(clientSecret)
    case 'none':
      return client.None()
  }
}
