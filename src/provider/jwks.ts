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
import type { Config } from '../options/config.ts'
import { waitUnlessAborted } from './bounded-fetch.ts'
import type { Discovery } from './discovery.ts'
import { KeysUnavailableError, SignatureError } from './failures.ts'

export interface ProviderKeys {
  /**
   * Of a token that the provider handed to us.
   *
   * @param signal ends the wait for keys
   * @throws SignatureError, KeysUnavailableError
   */
  checkSignature(token: string, signal: AbortSignal | undefined): Promise<void>
  /**
   * Of a token that anybody may have sent: checks the signature, and the claims as `options` say.
   *
   * @throws SignatureError, KeysUnavailableError
   */
  claimsOf(token: string, options: JWTVerifyOptions): Promise<JWTPayload>
}

/** What the provider does not show any more is not trusted for longer. */
const KEEP_MILLISECONDS = 300_000
/** Between two times that the keys are asked for because of a `kid` that is not among them. */
const COOL_DOWN_MILLISECONDS = 30_000
/** What strangers send does not make a provider that fails be asked without end. */
const REST_MILLISECONDS = 1000

type RemoteKeys = ReturnType<typeof createRemoteJWKSet>

export function createProviderKeys(config: Config, discovery: Discovery): ProviderKeys {
  // One algorithm, by configuration: never `none`, and no HMAC keyed with what is public.
  const algorithms = [config.idTokenSigningAlg]
  let remote: { readonly address: string; readonly keys: RemoteKeys } | undefined

  // Strangers have a budget of their own, so that they cannot use up the one of logins and renewals.
  const ofProvider = keyFinder(0)
  const ofAnybody = keyFinder(REST_MILLISECONDS)

  return {
    async checkSignature(token, signal) {
      await checked(compactVerify(token, ofProvider(signal), { algorithms }))
    },
    async claimsOf(token, options) {
      return (await checked(jwtVerify(token, ofAnybody(), { ...options, algorithms }))).payload
    },
  }

  /** @param restMilliseconds after a fetch that failed none is begun for so long */
  function keyFinder(restMilliseconds: number): (signal?: AbortSignal) => JWTVerifyGetKey {
    let askedAgainAt = Number.NEGATIVE_INFINITY
    let failedAt = Number.NEGATIVE_INFINITY

    async function fetchAgain(keys: RemoteKeys, signal: AbortSignal | undefined): Promise<void> {
      if (performance.now() - failedAt < restMilliseconds)
        throw new KeysUnavailableError('the keys of the provider could not be fetched a moment ago')
      await fetchKeys(keys, signal).catch((error: unknown) => {
        failedAt = performance.now()
        throw error
      })
    }

    return (signal) =>
      async (...header) => {
        const keys = await keysOfProvider()
        if (!keys.fresh) await fetchAgain(keys, signal)
        try {
          return await keys(...header)
        } catch (error) {
          const now = performance.now()
          const mayAskAgain = now - askedAgainAt >= COOL_DOWN_MILLISECONDS
          // OpenID Connect Core §10.1.1: an unfamiliar `kid` is the sign of new keys.
          if (!(error instanceof errors.JWKSNoMatchingKey) || !mayAskAgain) throw error
          askedAgainAt = now
          await fetchAgain(keys, signal)
          return keys(...header)
        }
      }
  }

  async function keysOfProvider(): Promise<RemoteKeys> {
    const { jwks_uri: address = '' } = await discovery.document()
    if (remote?.address !== address) {
      const keys = createRemoteJWKSet(new URL(address), {
        [customFetch]: discovery.fetch as typeof fetch,
        timeoutDuration: Math.ceil(config.httpTimeoutSeconds * 1000),
        cacheMaxAge: KEEP_MILLISECONDS,
        // When they are asked for again, is decided above.
        cooldownDuration: Number.POSITIVE_INFINITY,
      })
      remote = { address, keys }
    }
    return remote.keys
  }
}

/** For all who wait, and so not ended by the deadline of the one who was first. */
async function fetchKeys(keys: RemoteKeys, signal: AbortSignal | undefined): Promise<void> {
  try {
    await waitUnlessAborted(signal, keys.reload())
  } catch (cause) {
    throw new KeysUnavailableError('the keys of the provider could not be fetched', { cause })
  }
}

async function checked<T>(verification: Promise<T>): Promise<T> {
  try {
    return await verification
  } catch (error) {
    if (error instanceof KeysUnavailableError) throw error
    throw new SignatureError(reasonOf(error))
  }
}

/** In our own words: jose's messages may hold what the token says. */
function reasonOf(error: unknown): string {
  if (error instanceof errors.JWTExpired) return 'it has expired'
  if (error instanceof errors.JWTClaimValidationFailed) return `its ${error.claim} is missing or wrong`
  return error instanceof errors.JOSEError ? error.code : 'its key cannot be used'
}
