// The provider's public keys, and whether a token was signed by one of them.
import {
  compactVerify,
  createRemoteJWKSet,
  customFetch,
  errors,
  type JWTPayload,
  type JWTVerifyGetKey,
  type JWTVerifyOptions,
  jwtVerify,
} from 'jose'
import type { Config } from './config.ts'
import type { ProviderConfiguration } from './provider-configuration.ts'
import { KeysUnavailableError, SignatureError } from './provider-errors.ts'
import { waitInExchange, withoutExchange } from './provider-fetch.ts'

export interface ProviderKeys {
  /** @throws SignatureError, KeysUnavailableError */
  checkSignature(token: string): Promise<void>
  /** Checks the signature, and the claims as `options` say. @throws SignatureError, KeysUnavailableError */
  claimsOf(token: string, options: JWTVerifyOptions): Promise<JWTPayload>
}

/** What the provider does not show any more is not trusted for longer. */
const KEEP_MILLISECONDS = 300_000
/** Between two times that the keys are asked for because of a `kid` that is not among them. */
const COOL_DOWN_MILLISECONDS = 30_000

export function createProviderKeys(config: Config, configuration: ProviderConfiguration): ProviderKeys {
  // One algorithm, by configuration: never `none`, and no HMAC keyed with what is public.
  const algorithms = [config.idTokenSigningAlg]
  let keys: ReturnType<typeof createRemoteJWKSet> | undefined
  let askedAgainAt = Number.NEGATIVE_INFINITY

  return {
    checkSignature: (token) => checked(compactVerify(token, keyOf, { algorithms })).then(() => undefined),
    claimsOf: async (token, options) =>
      (await checked(jwtVerify(token, keyOf, { ...options, algorithms }))).payload,
  }

  async function keyOf(
    ...header: Parameters<JWTVerifyGetKey>
  ): Promise<Awaited<ReturnType<JWTVerifyGetKey>>> {
    const { jwks_uri: address } = (await configuration.get()).serverMetadata()
    keys ??= createRemoteJWKSet(new URL(address ?? ''), {
      [customFetch]: configuration.fetch as typeof fetch,
      timeoutDuration: Math.ceil(config.httpTimeoutSeconds * 1000),
      cacheMaxAge: KEEP_MILLISECONDS,
      // When they are asked for again, is decided below.
      cooldownDuration: Number.POSITIVE_INFINITY,
    })
    if (!keys.fresh) await fetchKeys(keys)
    try {
      return await keys(...header)
    } catch (error) {
      // OpenID Connect Core §10.1.1: an unfamiliar `kid` is the sign of new keys.
      if (!(error instanceof errors.JWKSNoMatchingKey) || !mayAskAgain()) throw error
      await fetchKeys(keys)
      return keys(...header)
    }
  }

  function mayAskAgain(): boolean {
    const now = performance.now()
    if (now - askedAgainAt < COOL_DOWN_MILLISECONDS) return false
    askedAgainAt = now
    return true
  }
}

/** For all who wait, and so not ended by the deadline of the one who was first. */
async function fetchKeys(keys: ReturnType<typeof createRemoteJWKSet>): Promise<void> {
  try {
    await waitInExchange(withoutExchange(() => keys.reload()))
  } catch (cause) {
    if (cause instanceof errors.JWKSInvalid) throw cause
    throw new KeysUnavailableError('the keys of the provider could not be fetched', { cause })
  }
}

async function checked<T>(verification: Promise<T>): Promise<T> {
  try {
    return await verification
  } catch (error) {
    if (error instanceof KeysUnavailableError || error instanceof SignatureError) throw error
    const reason = error instanceof errors.JOSEError ? error.message : 'its key cannot be used'
    throw new SignatureError(reason)
  }
}
