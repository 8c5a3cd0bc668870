// What is known of the provider: discovered when it is first needed, shared, and forgotten when that failed.
import * as client from 'openid-client'
import { TryLaterError } from '../errors.ts'
import type { AuthEventEmitter } from '../events.ts'
import type { Config } from '../options/config.ts'
import { createBoundedFetch, type Exchange, type Send } from './bounded-fetch.ts'
import { describeFailure, MetadataError } from './failures.ts'
import { createMutualTLSSend } from './mutual-tls.ts'

export interface Discovery {
  /** By the clock that was last told. @throws TryLaterError */
  get(): Promise<client.Configuration>
  /**
   * The configuration by which tokens are checked, and assertions are signed.
   *
   * @param now the time by the store's clock, in milliseconds: this process's clock may be wrong
   * @param exchange what is asked with it belongs to that conversation
   * @throws TryLaterError
   */
  at(now: number, exchange?: Exchange): Promise<client.Configuration>
  unavailable(what: string, error?: unknown): TryLaterError
  /** To the provider: bounded, and with the client's certificate where there is one. */
  readonly fetch: ReturnType<typeof createBoundedFetch>
}

/** A provider whose discovery failed is asked again after so long, and not by every request. */
const RETRY_MILLISECONDS = 1000
/** A clock that is off by less is within what ID tokens are given anyway. */
const SKEW_STEP_SECONDS = 10

export function createDiscovery(
  config: Config,
  events: AuthEventEmitter,
  authentication: client.ClientAuth,
): Discovery {
  const send: Send =
    config.mutualTLS === undefined ? (...request) => fetch(...request) : createMutualTLSSend(config.mutualTLS)
  const boundedFetch = createBoundedFetch(send)
  let discovered: Promise<client.Configuration> | undefined
  let skew = 0

  function known(): Promise<client.Configuration> {
    discovered ??= discover().catch((error: unknown) => {
      setTimeout(() => {
        discovered = undefined
      }, RETRY_MILLISECONDS).unref()
      throw unavailable(`Discovery of ${config.issuer.href} failed`, error)
    })
    return discovered
  }

  async function discover(): Promise<client.Configuration> {
    const found = await client.discovery(config.issuer, config.clientID, metadata(0), authentication, {
      execute: extensions(),
      timeout: config.httpTimeoutSeconds,
      [client.customFetch]: boundedFetch,
    })
    // OpenID Connect Discovery 1.0 §3. Without them no login can work, so the document is asked for again.
    const document = found.serverMetadata()
    for (const name of ['authorization_endpoint', 'token_endpoint', 'jwks_uri'] as const) {
      if (!URL.canParse(String(document[name]))) throw new MetadataError(`the document has no ${name}`)
    }
    return found
  }

  function metadata(skewSeconds: number) {
    return {
      id_token_signed_response_alg: config.idTokenSigningAlg,
      // RFC 8705 §5
      use_mtls_endpoint_aliases: config.mutualTLS !== undefined,
      [client.clockTolerance]: config.clockToleranceSeconds,
      [client.clockSkew]: skewSeconds,
    }
  }

  function extensions() {
    return config.issuer.protocol === 'http:' ? [client.allowInsecureRequests] : []
  }

  async function withSkew(seconds: number, fetchAnswer = boundedFetch): Promise<client.Configuration> {
    const server = (await known()).serverMetadata()
    const other = new client.Configuration(server, config.clientID, metadata(seconds), authentication)
    other.timeout = config.httpTimeoutSeconds
    other[client.customFetch] = fetchAnswer
    for (const extension of extensions()) extension(other)
    return other
  }

  function unavailable(what: string, error?: unknown): TryLaterError {
    const detail = error === undefined ? what : `${what}: ${describeFailure(error)}`
    events.emit('provider-unavailable', { detail })
    return new TryLaterError(
      'provider_unavailable',
      'The login provider is out of reach. Try again shortly.',
      5,
    )
  }

  function get(): Promise<client.Configuration> {
    return skew === 0 ? known() : withSkew(skew)
  }

  return {
    get,
    unavailable,
    fetch: boundedFetch,

    async at(now, exchange) {
      const seconds = Math.round((now - Date.now()) / 1000 / SKEW_STEP_SECONDS) * SKEW_STEP_SECONDS
      skew = seconds
      if (exchange === undefined) return get()
      // One of its own: handing the exchange on by AsyncLocalStorage would make every promise of the process dearer.
      return withSkew(seconds, createBoundedFetch(send, exchange))
    },
  }
}
