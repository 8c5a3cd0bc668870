// A login with nobody there (`prompt=none`): a provider leads it back with an error, and only to an address that it knows
// (OpenID Connect Core §3.1.2.6). An unknown client or address it keeps on a page of its own (RFC 6749 §4.1.2.1).
import * as client from 'openid-client'
import type { LoginTransaction } from '../cookies/login-transaction.ts'
import { isAuthError } from '../errors/errors.ts'
import { type Finding, failed, ok, saidBy, unknown, warning } from '../findings.ts'
import type { ProviderSetUp } from '../options/config.ts'
import { type Addressed, toEnter } from '../options/registered-addresses.ts'
import type { AuthorizationRequests } from './authorization-request.ts'
import { describeFailure } from './failures.ts'
import type { Look, Looked } from './look.ts'
import { cleanedWords, quoted, secretsOf } from './provider-words.ts'
import { denialOf } from './refusals.ts'

/** What it says to a login without a person. */
const AS_EXPECTED = /^(?:login|interaction|consent|account_selection)_required$/
const FOR_NOW = /^(?:temporarily_unavailable|server_error)$/

export async function loginFindings(
  config: ProviderSetUp,
  { redirectURI }: Addressed,
  requests: Pick<AuthorizationRequests, 'authorizationURL'>,
  look: Look,
  now: number,
): Promise<Finding[]> {
  const { href } = redirectURI
  let isPushed = false
  try {
    const url = await requests.authorizationURL(nobodysLogin(config, now), redirectURI, now)
    isPushed = config.pushedAuthorizationRequests
    const answer = await look(url.href)
    return judged(answer, config, redirectURI, isPushed)
  } catch (error) {
    const said = isAuthError(error) ? saidBy(error) : `it could not be asked: ${describeFailure(error)}`
    const isRefused = isAuthError(error) && error.status < 500
    const login = isRefused ? failed('login', said) : unknown('login', said)
    if (isPushed) return [accepted(href), login]
    const found = `${href}: ${said}`
    const isOfAddress = isRefused && /redirect_uri/.test(said)
    return [
      isOfAddress ? failed('redirect-uri', found, toEnter(href)) : unknown('redirect-uri', found),
      login,
    ]
  }
}

function nobodysLogin(config: ProviderSetUp, now: number): LoginTransaction {
  return {
    state: client.randomState(),
    nonce: client.randomNonce(),
    codeVerifier: client.randomPKCECodeVerifier(),
    issuer: config.issuer.href,
    returnTo: '/',
    startedAt: now,
    silent: true,
    // A form would have to be read.
    ...(config.formPost && { asked: { response_mode: 'query' } }),
  }
}

function judged(
  { status, location, prose }: Looked,
  config: ProviderSetUp,
  redirectURI: URL,
  isPushed: boolean,
): Finding[] {
  const { href } = redirectURI
  if (location !== undefined && isAt(location, redirectURI))
    return [accepted(href), answered(location.searchParams, config)]
  const where = location === undefined ? 'by a page of its own' : `with a redirect to ${location.origin}`
  const said = `the provider answered ${status} ${where}${quoted(prose)}`
  const found = `${href}: ${said}, and a redirect back here was expected`
  const login = unknown('login', said)
  if (isPushed) return [accepted(href), login]
  if (status >= 500 || status === 429) return [unknown('redirect-uri', found), login]
  const cure = `${toEnter(href)}, and check clientID (CLIENT_ID)`
  if (status >= 400) return [failed('redirect-uri', found, cure), login]
  return [warning('redirect-uri', `${found}; it may not be registered`, cure), login]
}

const isAt = (one: URL, other: URL) => one.origin === other.origin && one.pathname === other.pathname
const accepted = (href: string) => ok('redirect-uri', `${href} is registered`)

function answered(parameters: URLSearchParams, config: ProviderSetUp): Finding {
  const code = parameters.get('error') ?? 'no error'
  if (AS_EXPECTED.test(code))
    return ok('login', `without a person the provider answers ${code}, as it should`)
  const words = cleanedWords(parameters.get('error_description'), secretsOf(config))
  const said = denialOf(code, config) + quoted(words)
  return FOR_NOW.test(code) ? unknown('login', said) : failed('login', said)
}
