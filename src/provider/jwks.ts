// The provider's public keys, and whether a token was signed by one of them.
import { setTimeout } from 'node:timers/promises'
import {
  compactVerify,
  createRemoteJWKSet,
  customFetch,
  errors,
  type JWTPayload,
  type JWTVerifyOptions,
  jwtVerify,
} from 'jose'
import type { ProviderSetUp } from '../options/config.ts'
import { waitUnlessAborted } from './bounded-fetch.ts'
import type { Discovery } from './discovery.ts'
import { KeysUnavailableError } from './failures.ts'
import { requireKeyOfIssuer } from './key-issuer.ts'
import { checked } from './signature-words.ts'

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
/** Between two times that the keys are asked for because those that are known do not fit. */
const PAUSE_MILLISECONDS = 10_000
/** What strangers send does not make a provider that fails be asked without end. */
const REST_MILLISECONDS = 1000

type RemoteKeys = ReturnType<typeof createRemoteJWKSet>

/** Whose token is checked, and how long that may take. */
interface Asker {
  /** After a fetch that failed none is begun for so long. */
  readonly restMilliseconds: number
  /** Waits for the end of the pause, unless the last fetch was in vain. */
  readonly mayWait: boolean
  readonly signal?: AbortSignal | undefined
}

export function createProviderKeys(config: ProviderSetUp, discovery: Discovery): ProviderKeys {
  // One algorithm, by configuration: never `none`, and no HMAC keyed with what is public.
  const algorithms = [config.idTokenSigningAlg]
  let remote: { readonly address: string; readonly keys: RemoteKeys } | undefined
  let fetches = 0

  // Strangers have a budget of their own, so that they cannot use up the one of logins and renewals.
  const ofProvider = keyFinder()
  const ofAnybody = keyFinder()

  return {
    async checkSignature(token, signal) {
      const asker = { restMilliseconds: 0, mayWait: true, signal }
      await checked(
        ofProvider(asker, async (keys) => {
          await compactVerify(token, keys, { algorithms })
          await requireOwnKey(token, keys)
        }),
      )
    },
    async claimsOf(token, options) {
      const asker = { restMilliseconds: REST_MILLISECONDS, mayWait: false }
      const terms = { ...options, algorithms }
      return checked(
        ofAnybody(asker, async (keys) => {
          const { payload } = await jwtVerify(token, keys, terms)
          await requireOwnKey(token, keys)
          return payload
        }),
      )
    },
  }

  /** Of one issuer all keys are its own. */
  async function requireOwnKey(token: string, keys: RemoteKeys): Promise<void> {
    if (config.issuerTenants === undefined) return
    requireKeyOfIssuer(token, keys.jwks()?.keys ?? [], (await discovery.document()).issuer)
  }

  function keyFinder(): <T>(asker: Asker, verify: (keys: RemoteKeys) => Promise<T>) => Promise<T> {
    let askedAgainAt = Number.NEGATIVE_INFINITY
    let askingAgain: Promise<void> | undefined
    let failedAt = Number.NEGATIVE_INFINITY
    /** The last fetch brought no key that fits. */
    let isInVain = false

    async function fetchKeys(keys: RemoteKeys, { restMilliseconds, signal }: Asker): Promise<void> {
      if (performance.now() - failedAt < restMilliseconds)
        throw new KeysUnavailableError('could not be fetched a moment ago')
      try {
        // For all who wait, and so not ended by the deadline of the one who was first.
        await waitUnlessAborted(signal, keys.reload())
        fetches += 1
      } catch (cause) {
        failedAt = performance.now()
        throw new KeysUnavailableError(`could not be fetched from ${remote?.address}`, { cause })
      }
    }

    /**
     * @param since a fetch that began after that has shown what there is to see
     * @param mayWait for the end of the pause
     * @returns whether it is worth looking again
     */
    async function askAgain(
      keys: RemoteKeys,
      since: number,
      asker: Asker,
      mayWait: boolean,
    ): Promise<boolean> {
      if (askingAgain !== undefined) {
        await waitForKeys(asker, askingAgain)
        return true
      }
      if (askedAgainAt >= since) return false
      const pause = askedAgainAt + PAUSE_MILLISECONDS - performance.now()
      if (pause > 0) {
        if (!mayWait) return false
        await waitForKeys(asker, setTimeout(pause, undefined, { ref: false }))
        return true
      }
      askedAgainAt = performance.now()
      askingAgain = fetchKeys(keys, { ...asker, signal: undefined }).finally(() => {
        askingAgain = undefined
      })
      await waitForKeys(asker, askingAgain)
      return true
    }

    return async (asker, verify) => {
      const since = performance.now()
      const keys = await keysOfProvider()
      if (!keys.fresh) await fetchKeys(keys, asker)
      for (let hasAsked = false; ; ) {
        const fetchesBefore = fetches
        try {
          const verified = await verify(keys)
          if (hasAsked) isInVain = false
          return verified
        } catch (error) {
          if (!mayBeNewKey(error)) throw error
          // Keys that came while those before were tried have not been tried. Whoever waits takes a place from others.
          hasAsked =
            fetches > fetchesBefore || (await askAgain(keys, since, asker, asker.mayWait && !isInVain))
          if (hasAsked) continue
          isInVain ||= askedAgainAt >= since
          // They may be at another address by now.
          if (asker.mayWait) discovery.readAgain()
          throw error
        }
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

/** OpenID Connect Core §10.1.1: an unfamiliar `kid` is the sign of new keys. Some keep the `kid` all the same. */
function mayBeNewKey(error: unknown): boolean {
  return error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWSSignatureVerificationFailed
}

async function waitForKeys({ signal }: Asker, keys: Promise<void>): Promise<void> {
  try {
    await waitUnlessAborted(signal, keys)
  } catch (error) {
    if (error instanceof KeysUnavailableError) throw error
    throw new KeysUnavailableError('could not be fetched in time', { cause: error })
  }
}
