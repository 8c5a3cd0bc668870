// The option `tenant`: whose a request is, and who that is.
import type { Request } from 'express'
import { group, namesOf, onlyKnown, optionError, seconds, text, wholeNumber } from './read-option.ts'

/**
 * @example
 * auth({
 *   tenant: {
 *     key: (req) => req.hostname,
 *     resolve: async (key) => ({ baseURL: `https://${key}`, issuerBaseURL: 'https://id.example.com', clientID: 'shop' }),
 *   },
 * })
 */
export interface TenantOptions<SetUp = object> {
  /**
   * Whose the request is: a short text, made of the request at once, such as `req.hostname`. `undefined`: nobody's, which is
   * answered with 404. It is asked for every request. Required.
   */
  key: (req: Request) => string | undefined
  /**
   * Who that is: its `baseURL`, `issuerBaseURL`, `clientID` and whatever else differs from the options here; `undefined` where
   * there is no such tenant. It is asked once for each key, and again when the answer is old. Required.
   */
  resolve: (key: string, lookup: TenantLookup) => SetUp | undefined | Promise<SetUp | undefined>
  /** So many tenants are known at a time: the one that nobody used for longest is given up for another. @defaultValue `10000` */
  maxTenants?: number | undefined
  /**
   * How old an answer may grow. Then it is asked for again, beside the requests; it serves meanwhile, and for ten times as
   * long where none comes. @defaultValue `300`
   */
  ageSeconds?: number | undefined
  /** How long a key that was nobody's counts as such. @defaultValue `30` */
  unknownSeconds?: number | undefined
  /** How long `resolve()` may take, in seconds; then the request is answered with 503. @defaultValue `5` */
  timeoutSeconds?: number | undefined
  /**
   * The key of the tenant that the app was for before it had this option: it keeps the sessions of that time. @defaultValue none:
   * whoever was logged in logs in again
   */
  former?: string | undefined
}

/** What `tenant.resolve()` is told besides the key. */
export interface TenantLookup {
  /** Nobody waits for the answer any more. */
  readonly signal: AbortSignal
}

export interface TenantConfig {
  readonly key: TenantOptions['key']
  readonly resolve: TenantOptions['resolve']
  readonly maxTenants: number
  readonly ageSeconds: number
  readonly unknownSeconds: number
  readonly timeoutSeconds: number
  readonly former: string | undefined
}

const NAMES = namesOf<TenantOptions>({
  key: true,
  resolve: true,
  maxTenants: true,
  ageSeconds: true,
  unknownSeconds: true,
  timeoutSeconds: true,
  former: true,
})

export function resolveTenant(given: unknown): TenantConfig | undefined {
  if (given === undefined) return undefined
  const tenant = group(given, 'tenant')
  onlyKnown(tenant, NAMES, 'tenant.')
  return Object.freeze({
    key: required(tenant.key, 'key', '(req) => req.hostname') as TenantOptions['key'],
    resolve: required(
      tenant.resolve,
      'resolve',
      '(key) => ({ baseURL, issuerBaseURL, clientID, clientSecret }), or undefined',
    ) as TenantOptions['resolve'],
    maxTenants: wholeNumber(tenant.maxTenants, 'tenant.maxTenants', {
      fallback: 10_000,
      min: 1,
      max: 1_000_000,
    }),
    ageSeconds: seconds(tenant.ageSeconds, 'tenant.ageSeconds', { fallback: 300 }),
    unknownSeconds: seconds(tenant.unknownSeconds, 'tenant.unknownSeconds', { fallback: 30, min: 0 }),
    timeoutSeconds: seconds(tenant.timeoutSeconds, 'tenant.timeoutSeconds', {
      fallback: 5,
      min: 0.1,
      max: 60,
    }),
    former: tenant.former === undefined ? undefined : former(tenant.former),
  })
}

function required(value: unknown, name: string, example: string): unknown {
  if (typeof value === 'function') return value
  throw optionError(`tenant.${name}`, `is required, a function: ${example}`)
}

function former(value: unknown): string {
  const key = text(value, 'tenant.former', 'must be the key of a tenant')
  if (isTenantKey(key)) return key
  throw optionError('tenant.former', `must be the key of a tenant: ${KEY_IS}`)
}

export const KEY_IS = 'a text of 1 to 255 characters, of 900 bytes at most, without control characters'

/** A tenant's secrets are derived by it, and OpenSSL takes no more than 1024 for that. */
const MOST_BYTES = 900

/** It stands in lines of the log, and is kept: so it is short, and of one line. */
export function isTenantKey(value: unknown): value is string {
  if (typeof value !== 'string' || !/^[^\p{Cc}\p{Zl}\p{Zp}\p{Cs}]{1,255}$/u.test(value)) return false
  return Buffer.byteLength(value) <= MOST_BYTES
}
