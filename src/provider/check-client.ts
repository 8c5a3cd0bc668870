// Whether the provider takes this client: a code and a refresh token that do not exist have to be what it refuses, and not us.
import * as client from 'openid-client'
import { isAuthError } from '../errors/errors.ts'
import { type Finding, failed, ok, saidBy, unknown, warning } from '../findings.ts'
import type { ProviderSetUp } from '../options/config.ts'
import type { Addressed } from '../options/registered-addresses.ts'
import type { Exchange } from './bounded-fetch.ts'
import type { Discovery } from './discovery.ts'
import { isErrorResponse, isTransient } from './failure-kinds.ts'
import { describeRefusal } from './refusals.ts'
import { refreshTokenHint } from './scope-hints.ts'

/** What the token endpoint made of it. */
interface Outcome {
  readonly kind: 'as expected' | 'refused' | 'out of reach' | 'something else'
  readonly said: string
}

export async function clientFindings(
  config: ProviderSetUp,
  { redirectURI }: Addressed,
  discovery: Discovery,
  now: number,
): Promise<Finding[]> {
  const code = await present({
    grant_type: 'authorization_code',
    code: client.randomState(),
    redirect_uri: redirectURI.href,
    code_verifier: client.randomPKCECodeVerifier(),
  })
  const credentials = credentialsFinding(code, config)
  // Whoever guesses secrets is locked out by some: what was refused once is not sent again.
  if (credentials.status === 'failed')
    return [credentials, unknown('refresh-grant', 'was not asked: see client-credentials')]
  const refresh = await present({ grant_type: 'refresh_token', refresh_token: client.randomState() })
  return [credentials, refreshFinding(refresh, config)]

  async function present({ grant_type: grant = '', ...form }: Record<string, string>): Promise<Outcome> {
    const exchange: Exchange = { signal: undefined, answer: undefined }
    let server: client.Configuration | undefined
    try {
      server = await discovery.at(now, exchange)
      await client.genericGrantRequest(server, grant, form)
      return { kind: 'something else', said: 'the provider gave tokens for it' }
    } catch (error) {
      if (isAuthError(error)) return { kind: 'out of reach', said: saidBy(error) }
      const said = describeRefusal(error, config, exchange, server?.serverMetadata())
      return { kind: kindOf(error, exchange), said }
    }
  }
}

/** RFC 6749 §5.2 */
const OF_CLIENT = ['invalid_client', 'unauthorized_client', 'unsupported_grant_type']

function kindOf(error: unknown, { answer }: Exchange): Outcome['kind'] {
  if (isErrorResponse(error, 'invalid_grant')) return 'as expected'
  if (answer?.status === 401 || OF_CLIENT.some((code) => isErrorResponse(error, code))) return 'refused'
  return isTransient(error) ? 'out of reach' : 'something else'
}

function credentialsFinding({ kind, said }: Outcome, config: ProviderSetUp): Finding {
  const method = config.clientAuthMethod
  if (kind === 'something else') return unknown('client-credentials', `invalid_grant was expected: ${said}`)
  if (kind !== 'as expected') return failed('client-credentials', said)
  return method === 'none'
    ? ok(
        'client-credentials',
        'the provider knows this client, and asks it for no secret: it is a public one',
      )
    : ok('client-credentials', `the provider takes this client's (${method})`)
}

function refreshFinding({ kind, said }: Outcome, config: ProviderSetUp): Finding {
  if (kind === 'as expected') return ok('refresh-grant', 'this client may renew')
  if (kind === 'refused')
    return warning('refresh-grant', `this client may not renew: ${said}`, refreshTokenHint(config))
  return unknown('refresh-grant', `invalid_grant was expected: ${said}`, refreshTokenHint(config))
}
