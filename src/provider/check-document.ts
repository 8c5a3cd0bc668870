// What the provider's discovery document says, held against what the options ask for. It may say less than is done there.
import type { ServerMetadata } from 'openid-client'
import { type Finding, failed, ok, unknown, warning } from '../findings.ts'
import type { ProviderSetUp } from '../options/config.ts'
import { algorithmFault } from './authorization-request.ts'
import { logoutFault } from './end-session.ts'
import { mixUpFinding } from './mix-up.ts'
import { asksOffline, refreshTokenHint } from './scope-hints.ts'

/** @param userInfoFault what the option `userInfo` lacks there */
export function findingsOf(
  document: ServerMetadata,
  config: ProviderSetUp,
  userInfoFault: string | undefined,
): Finding[] {
  return [
    algorithm(document, config),
    scopes(document, config),
    grants(document),
    loginParameters(document, config),
    ...mixUpFinding(document, config),
    userInfoFault === undefined
      ? ok('userinfo-endpoint', config.userInfo === undefined ? 'is not needed' : 'is there')
      : failed('userinfo-endpoint', userInfoFault),
    logoutEndpoint(document, config),
    revocationEndpoint(document, config),
  ]
}

function algorithm(document: ServerMetadata, config: ProviderSetUp): Finding {
  const fault = algorithmFault(document, config)
  if (fault !== undefined) return failed('id-token-algorithm', fault)
  const offered = listed(document.id_token_signing_alg_values_supported)
  return offered.length === 0
    ? unknown('id-token-algorithm', 'discovery names no id_token_signing_alg_values_supported')
    : ok('id-token-algorithm', `${config.idTokenSigningAlg} is among ${words(offered)}`)
}

function scopes(document: ServerMetadata, config: ProviderSetUp): Finding {
  const { scope = '' } = config.authorizationParams
  const offered = listed(document.scopes_supported)
  if (offered.length === 0)
    return unknown('scopes', `discovery names no scopes_supported; '${scope}' is asked for`)
  const missing = (scope.match(/\S+/g) ?? []).filter((one) => !offered.includes(one))
  if (missing.includes('offline_access'))
    return warning(
      'scopes',
      `'offline_access' is asked for and is not among those that discovery offers (${words(offered)})`,
      refreshTokenHint(config),
    )
  if (!asksOffline(config) && offered.includes('offline_access') && config.renewal.required)
    return warning('scopes', refreshTokenHint(config), 'add it, since the provider offers it')
  if (missing.length === 0) return ok('scopes', `'${scope}' is offered`)
  return warning(
    'scopes',
    `'${missing.join(' ')}' is asked for and is not among those that discovery offers (${words(offered)})`,
    'see that this client may have it there, or change authorizationParams.scope (SCOPE)',
  )
}

const NEEDED = ['authorization_code', 'refresh_token']

function grants({ grant_types_supported: given }: ServerMetadata): Finding {
  const offered = listed(given)
  if (offered.length === 0) return unknown('grants', 'discovery names no grant_types_supported')
  const missing = NEEDED.filter((grant) => !offered.includes(grant))
  if (missing.length === 0) return ok('grants', `${NEEDED.join(' and ')} are offered`)
  return warning(
    'grants',
    `${missing.join(' and ')} is not among those that discovery offers (${words(offered)})`,
    'switch it on there; without the first nobody logs in, without the second no session is renewed',
  )
}

function loginParameters(document: ServerMetadata, config: ProviderSetUp): Finding {
  const lacks = (given: unknown, value: string) => {
    const offered = listed(given)
    return offered.length > 0 && !offered.includes(value)
  }
  const pushes = document.pushed_authorization_request_endpoint !== undefined
  const faults: (string | false)[] = [
    config.pushedAuthorizationRequests &&
      !pushes &&
      'pushedAuthorizationRequests is true, and discovery names no pushed_authorization_request_endpoint: switch PAR on there, or leave the option out',
    document.require_pushed_authorization_requests === true &&
      !config.pushedAuthorizationRequests &&
      'the provider wants pushed requests: set pushedAuthorizationRequests: true',
    document.require_signed_request_object === true &&
      !config.signedAuthorizationRequests &&
      'the provider wants signed requests: set signedAuthorizationRequests: true',
    lacks(document.response_types_supported, 'code') && "the response type 'code' is not offered",
    config.formPost &&
      lacks(document.response_modes_supported, 'form_post') &&
      "authorizationParams.response_mode is 'form_post', which is not offered",
    lacks(document.code_challenge_methods_supported, 'S256') && 'PKCE by S256 is not offered',
  ]
  const found = faults.filter((fault) => fault !== false)
  if (found.length > 0) return failed('login-parameters', found.join('; '))
  return ok(
    'login-parameters',
    config.pushedAuthorizationRequests ? 'what a login sends is pushed' : 'discovery wants no others',
  )
}

function logoutEndpoint(document: ServerMetadata, config: ProviderSetUp): Finding {
  const fault = logoutFault(config, document)
  if (fault !== undefined) return warning('logout-endpoint', fault)
  return ok('logout-endpoint', config.idpLogout ? 'is there' : 'is not needed: idpLogout is false')
}

function revocationEndpoint(
  { revocation_endpoint: endpoint }: ServerMetadata,
  config: ProviderSetUp,
): Finding {
  if (!config.revokeOnLogout) return ok('revocation-endpoint', 'is not needed: revokeOnLogout is false')
  if (endpoint !== undefined) return ok('revocation-endpoint', 'is there')
  return warning(
    'revocation-endpoint',
    `${config.issuer.href} names no revocation_endpoint, so the refresh token of a session that was logged out lives on there until its own end`,
    'let refresh tokens end soon there; revokeOnLogout: false says that it is meant so',
  )
}

function listed(given: unknown): string[] {
  return [given ?? []].flat().filter((one) => typeof one === 'string')
}

/** What a provider may be able to write is not what a terminal may show. */
export function words(given: readonly string[]): string {
  const shown = given.filter((one) => /^[\w.:/ -]{1,60}$/.test(one)).slice(0, 20)
  return shown.length < given.length ? [...shown, '…'].join(', ') : shown.join(', ')
}
