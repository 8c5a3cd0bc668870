// The option `baseURL`: the address under which browsers reach the app, or several.
import type { Request } from 'express'
import { group, onlyKnown, optionError } from './read-option.ts'
import { webURL } from './web-url.ts'

/**
 * Several addresses of one app, of which a function chooses.
 *
 * @example
 * const addresses = { be: 'https://shop.example/be', nl: 'https://shop.example/nl' }
 * auth({
 *   baseURL: {
 *     among: Object.values(addresses),
 *     of: (req) => (req.originalUrl.startsWith('/nl') ? addresses.nl : addresses.be),
 *   },
 * })
 */
export interface BaseURLByRequest {
  /** All that there are; the first where `of` answers none of them. */
  among: readonly string[]
  /** Which of them a request came to. Quick: it is asked for every one. */
  of: (req: Request) => string | undefined
}

export interface BaseURLs {
  readonly all: readonly [URL, ...URL[]]
  /** Where a request came to, as the app says; undefined where the host of the request says it. */
  readonly of: ((req: Request) => URL | undefined) | undefined
}

const OPTION = 'baseURL (BASE_URL)'
const EXAMPLE = 'https://app.example.com'

/** @throws ConfigurationError */
export function resolveBaseURLs(baseURL: unknown, env: NodeJS.ProcessEnv, production: boolean): BaseURLs {
  const given = baseURL ?? (env.BASE_URL?.includes(',') ? env.BASE_URL.split(',') : env.BASE_URL)
  if (Array.isArray(given)) {
    const all = readAll(given, production)
    checkHosts(all)
    return { all, of: undefined }
  }
  if (typeof given !== 'object' || given === null)
    return { all: [webURL(given, OPTION, EXAMPLE, production)], of: undefined }
  const { among, of } = group(given, 'baseURL')
  onlyKnown(given, ['among', 'of'], 'baseURL.')
  if (!Array.isArray(among) || typeof of !== 'function')
    throw optionError(
      'baseURL',
      'must be a URL, a list of them, or { among, of }: a list, and a function of (req) that answers one of it',
    )
  const all = readAll(among, production)
  // As they are written, which is what the function answers.
  const byText = new Map(among.map((text: string, at) => [text, all[at]]))
  return { all, of: (req) => byText.get(of(req)) }
}

function readAll(given: readonly unknown[], production: boolean): readonly [URL, ...URL[]] {
  const [first, ...others] = given.map((one) =>
    webURL(typeof one === 'string' ? one.trim() : one, OPTION, EXAMPLE, production),
  )
  if (first === undefined) throw optionError(OPTION, `must hold one URL at least, for example ${EXAMPLE}`)
  // The name of the cookie, and whether it is Secure, go by it.
  const odd = others.find(({ protocol }) => protocol !== first.protocol)
  if (odd !== undefined)
    throw optionError(OPTION, `must hold https URLs, or http ones, not both: ${first.href} and ${odd.href}`)
  const all = [first, ...others] as const
  const twice = all.find(({ href }, at) => all.findIndex((other) => other.href === href) < at)
  if (twice !== undefined) throw optionError(OPTION, `holds ${twice.href} twice`)
  return all
}

/** A request says to which host it goes, and no more. */
function checkHosts(all: readonly URL[]): void {
  const twice = all.find(({ host }, at) => all.findIndex((other) => other.host === host) < at)
  if (twice !== undefined)
    throw optionError(
      OPTION,
      `holds two URLs at ${twice.host}, and the host of a request does not tell them apart: say which by baseURL: { among, of }`,
    )
}
