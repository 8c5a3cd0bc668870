// What relay() is told: checked once, every mistake named at start-up.
import { METHODS } from 'node:http'
import { ConfigurationError } from '../errors/errors.ts'
import { namesOf, unknownCure, unknownIn } from '../options/read-option.ts'
import { type AccessTokenRequest, accessTokenFault } from '../record/access-token.ts'
import { isFieldName, neverForwarded } from './request-headers.ts'
import { neverHandedOn } from './response-headers.ts'

/**
 * @example relay({ target: 'https://api.example.com/v1', audience: 'https://api.example.com', methods: ['GET'] })
 */
export interface RelayOptions {
  /**
   * The API: an http(s) URL, with the path below which requests may go. The access token travels to it: use https outside
   * of a network that is yours alone. Required.
   */
  target: string | URL
  /**
   * How the provider calls the API. Its token is fetched with the one refresh token and kept with the session.
   * @defaultValue none: the token that came with the login
   */
  audience?: string | undefined
  /** Scopes of that API, with spaces between them. @defaultValue none */
  scope?: string | undefined
  /** What may be asked for; anything else is 405. @defaultValue every method but TRACE and CONNECT */
  methods?: readonly string[] | undefined
  /**
   * `'user'`: only who is logged in passes, as by `requireAuth()`. `'user-or-none'`: who is not logged in passes too,
   * without a token.
   * @defaultValue `'user'`
   */
  token?: 'user' | 'user-or-none' | undefined
  /**
   * How long the API may take to begin its answer, in seconds. Time in which the browser is slow to send does not count;
   * the answer itself may last. @defaultValue `30`
   */
  timeoutSeconds?: number | undefined
  /** Further request headers that go to the API, such as `['x-tenant']`. The page can set them as it likes. @defaultValue none */
  requestHeaders?: readonly string[] | undefined
  /** Further headers of the API's answers that go to the browser, such as `['x-total-count']`. @defaultValue none */
  responseHeaders?: readonly string[] | undefined
}

/** Complete, checked, frozen. */
export interface RelayConfig {
  readonly target: URL
  readonly wanted: AccessTokenRequest
  readonly methods: readonly string[]
  readonly anonymous: boolean
  readonly timeoutSeconds: number
  readonly requestHeaders: readonly string[]
  readonly responseHeaders: readonly string[]
}

const NAMES = namesOf<RelayOptions>({
  target: true,
  audience: true,
  scope: true,
  methods: true,
  token: true,
  timeoutSeconds: true,
  requestHeaders: true,
  responseHeaders: true,
})
/** TRACE answers with the token, CONNECT opens a way to anywhere. */
const REFUSED_METHODS = ['TRACE', 'CONNECT']
const MOST_SECONDS = 3600

/** @throws ConfigurationError */
export function resolveRelayOptions(given: unknown): RelayConfig {
  if (typeof given !== 'object' || given === null) throw optionError('', 'needs options: give it a target')
  const options: { readonly [Name in keyof RelayOptions]?: unknown } = { ...given }
  const unknown = unknownIn(options, NAMES)
  if (unknown !== undefined) throw optionError(unknown, unknownCure(unknown, NAMES))
  const { audience, scope, token = 'user', timeoutSeconds = 30 } = options
  const fault = accessTokenFault({ audience, scope }, [])
  if (fault !== undefined) throw optionError('', fault)
  if (token !== 'user' && token !== 'user-or-none')
    throw optionError('token', "must be 'user' or 'user-or-none'")
  if (typeof timeoutSeconds !== 'number' || !(timeoutSeconds > 0 && timeoutSeconds <= MOST_SECONDS))
    throw optionError(
      'timeoutSeconds',
      `must be a number of seconds, more than 0 and at most ${MOST_SECONDS}`,
    )
  return Object.freeze({
    target: readTarget(options.target),
    wanted: { audience, scope } as AccessTokenRequest,
    methods: readMethods(options.methods),
    anonymous: token === 'user-or-none',
    timeoutSeconds,
    requestHeaders: readHeaders(options.requestHeaders, {
      option: 'requestHeaders',
      example: 'x-tenant',
      isRefused: neverForwarded,
      way: 'the browser to the API',
    }),
    responseHeaders: readHeaders(options.responseHeaders, {
      option: 'responseHeaders',
      example: 'x-total-count',
      isRefused: neverHandedOn,
      way: 'the API to the browser',
    }),
  })
}

function readTarget(given: unknown): URL {
  const text = given instanceof URL ? given.href : given
  const url = typeof text === 'string' && URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol))
    throw optionError('target', 'must be an absolute http(s) URL such as https://api.example.com/v1')
  // The text, since an empty query leaves no trace in the URL.
  if (url.username !== '' || url.password !== '' || /[?#]/.test(String(text)))
    throw optionError('target', 'must have no user name, query or fragment; give an origin and a path')
  return url
}

function readMethods(given: unknown): readonly string[] {
  if (given === undefined) return METHODS.filter((method) => !REFUSED_METHODS.includes(method))
  const methods = isList(given) ? given.map((method) => method.toUpperCase()) : []
  if (methods.length === 0)
    throw optionError('methods', "must be a list of methods such as ['GET', 'POST'], or left out")
  const odd = methods.find((method) => !METHODS.includes(method) || REFUSED_METHODS.includes(method))
  if (odd !== undefined) throw optionError('methods', `has ${odd}, which is not handed on`)
  return Object.freeze(methods)
}

interface HeaderOption {
  readonly option: string
  readonly example: string
  readonly isRefused: (name: string) => boolean
  readonly way: string
}

function readHeaders(given: unknown, { option, example, isRefused, way }: HeaderOption): readonly string[] {
  if (given === undefined) return []
  const names = isList(given) ? given.map((name) => name.toLowerCase()) : undefined
  if (names === undefined || !names.every(isFieldName))
    throw optionError(option, `must be a list of header names such as ['${example}']`)
  const never = names.find(isRefused)
  if (never !== undefined) throw optionError(option, `has ${never}, which never goes from ${way}`)
  return Object.freeze(names)
}

function isList(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string')
}

function optionError(option: string, cure: string): ConfigurationError {
  return new ConfigurationError('invalid_option', ['relay():', option, cure].filter(Boolean).join(' '))
}
