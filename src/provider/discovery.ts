// What is known of the provider: read when it is first needed, shared, and read again by age or where it does not hold.
import * as client from 'openid-client'
import { ConfigurationError, TryLaterError } from '../errors/errors.ts'
import type { AuthEventEmitter } from '../events/events.ts'
import type { ProviderSetUp } from '../options/config.ts'
import { createBoundedFetch, type Exchange, type Send } from './bounded-fetch.ts'
import { expectAnswer, readProvider } from './document.ts'
import { describeFailure, discoveryFailed, MetadataError } from './failures.ts'
import { asNamed } from './mix-up.ts'
import { createSend } from './send.ts'

export interface Discovery {
  /** What the provider says of itself. @throws TryLaterError */
  document(): Promise<client.ServerMetadata>
  /** By the clock that was last told. @throws TryLaterError */
  get(exchange?: Exchange): Promise<client.Configuration>
  /**
   * The configuration by which tokens are checked, and assertions are signed.
   *
   * @param now the time by the store's clock, in milliseconds: this process's clock may be wrong
   * @param exchange what is asked with it belongs to that conversation
   * @param issuer of the pattern that the document has in its place
   * @param as who asks: this client, where it is not said
   * @throws TryLaterError
   */
  at(now: number, exchange?: Exchange, issuer?: string, as?: client.ClientAuth): Promise<client.Configuration>
  /** As `document()`, for whoever sets the app up. @throws TryLaterError, ConfigurationError that names what is wrong in it */
  check(): Promise<client.ServerMetadata>
  /** What the provider said of itself may not hold any more. The next who ask will know; nobody waits. */
  readAgain(): void
  /** Whether the provider answers, whatever is known of it. @throws TryLaterError */
  ask(): Promise<void>
  unavailable(what: string, error?: unknown): TryLaterError
  /** To the provider: bounded, and with the client's certificate where there is one. */
  readonly fetch: ReturnType<typeof createBoundedFetch>
  /** The same, where an answer says nothing of whether an address still holds. */
  readonly look: ReturnType<typeof createBoundedFetch>
}

/** A provider whose discovery failed is asked again after so long, and not by every request. */
const RETRY_MILLISECONDS = 1000
/** Between two times that the document is read again: what fails may fail for all requests. */
const REST_MILLISECONDS = 5000
/** Where an answer says so little that the whole provider may be down. */
const LONG_REST_MILLISECONDS = 60_000
/** Nobody is there any more, or somebody else is: RFC 9110 §15.4, §15.5.5, §15.5.6, §15.5.11, §15.5.20, §15.6.2. */
const MOVED = new Set([301, 302, 303, 307, 308, 404, 405, 410, 421, 501])
/** A clock that is off by less is within what ID tokens are given anyway. */
const SKEW_STEP_SECONDS = 10

export function createDiscovery(
  config: ProviderSetUp,
  events: AuthEventEmitter,
  authentication: client.ClientAuth,
): Discovery {
  const { discoveryURL, plainHTTP } = config.provider
  const send = createSend(config)
  const boundedFetch = createBoundedFetch(sendWhereKnown)
  const look = createBoundedFetch(send)
  let discovered: Promise<client.ServerMetadata> | undefined
  let readAgainAt = Number.POSITIVE_INFINITY
  let isReading = false
  /** For the last time beyond the first. */
  let readAt = Number.NEGATIVE_INFINITY
  /** Of the document that was read last. */
  let fault: MetadataError | undefined
  let skew = 0

  function known(): Promise<client.ServerMetadata> {
    discovered ??= read().catch((error: unknown) => {
      setTimeout(() => {
        discovered = undefined
      }, RETRY_MILLISECONDS).unref()
      throw unavailable(discoveryFailed(config.issuer), error)
    })
    if (performance.now() >= readAgainAt) void readAgain()
    return discovered
  }

  /** What is known serves meanwhile, and for as long as nothing else is known. */
  async function readAgain(restMilliseconds = REST_MILLISECONDS): Promise<void> {
    if (isReading || performance.now() - readAt < restMilliseconds) return
    isReading = true
    try {
      discovered = Promise.resolve(await read())
    } catch (error) {
      unavailable(`What ${config.issuer.href} says of itself could not be read again`, error)
    } finally {
      isReading = false
      readAt = performance.now()
    }
  }

  async function read(): Promise<client.ServerMetadata> {
    try {
      const document = await readProvider(config, look)
      readAgainAt = performance.now() + config.provider.refreshSeconds * 1000
      fault = undefined
      return document
    } catch (error) {
      fault = error instanceof MetadataError ? error : undefined
      throw error
    }
  }

  /** Where an address does not answer as what it should be, another may be known by now; the next try goes there. */
  async function sendWhereKnown(...request: Parameters<Send>): ReturnType<Send> {
    try {
      const answer = await send(...request)
      if (MOVED.has(answer.status)) void readAgain()
      else if (answer.status === 403 || answer.status >= 500) void readAgain(LONG_REST_MILLISECONDS)
      return answer
    } catch (error) {
      void readAgain()
      throw error
    }
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

  /** Where http is to be taken at all: which addresses have it, was decided when they were read. */
  function extensions() {
    const mayBeHTTP = config.issuer.protocol === 'http:' || plainHTTP.length > 0
    return mayBeHTTP ? [client.allowInsecureRequests] : []
  }

  async function configuration(
    exchange?: Exchange,
    issuer?: string,
    as = authentication,
  ): Promise<client.Configuration> {
    const document = asNamed(await known(), config)
    const server = issuer === undefined ? document : { ...document, issuer }
    const made = new client.Configuration(server, config.clientID, metadata(skew), as)
    // A conversation that ends by a signal of its own ends by no other.
    made.timeout = exchange?.signal === undefined ? config.httpTimeoutSeconds : undefined
    // One of its own: handing the exchange on by AsyncLocalStorage would make every promise of the process dearer.
    made[client.customFetch] =
      exchange === undefined ? boundedFetch : createBoundedFetch(sendWhereKnown, exchange)
    for (const extension of extensions()) extension(made)
    return made
  }

  function unavailable(what: string, error?: unknown): TryLaterError {
    const detail = error === undefined ? what : `${what}: ${describeFailure(error)}`
    events.emit('provider-unavailable', { detail })
    return new TryLaterError(
      'provider_unavailable',
      'The login provider is out of reach. Try again shortly.',
      5,
      { cause: new Error(detail) },
    )
  }

  return {
    document: known,

    async ask() {
      try {
        const document = await read()
        discovered = Promise.resolve(document)
        // What is known by hand was asked of nobody.
        if (discoveryURL === undefined)
          await expectAnswer(String(document.jwks_uri), config.httpTimeoutSeconds, look)
      } catch (error) {
        throw unavailable(`${config.issuer.href} was asked whether it answers`, error)
      }
    },

    get: (exchange) => configuration(exchange),
    readAgain: () => void readAgain(),
    unavailable,
    fetch: boundedFetch,
    look,

    async check() {
      try {
        return await known()
      } catch (error) {
        if (fault === undefined) throw error
        const what = `auth(): issuerBaseURL (ISSUER_BASE_URL) cannot be used: ${fault.message}`
        throw new ConfigurationError('invalid_option', what)
      }
    },

    at(now, exchange, issuer, as) {
      skew = Math.round((now - Date.now()) / 1000 / SKEW_STEP_SECONDS) * SKEW_STEP_SECONDS
      return configuration(exchange, issuer, as)
    },
  }
}
